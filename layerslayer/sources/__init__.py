"""Where images are: sources give documents and blobs, and know nothing of tar."""
