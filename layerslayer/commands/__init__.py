"""One verb a file: plain functions that take a Session and return an ExitCode."""
