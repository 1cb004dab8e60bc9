"""A small multi-arch image and the registry that serves it, inside the process."""
