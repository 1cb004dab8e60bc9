"""zstd, frame by frame."""
