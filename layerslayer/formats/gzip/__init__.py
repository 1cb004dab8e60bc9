"""gzip and deflate, from any bit of a stream."""
