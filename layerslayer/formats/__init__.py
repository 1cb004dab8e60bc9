"""Codecs of what images are made of, without I/O: tar, gzip, zstd."""
