"""Layers merged into a file system, and questions to it."""
