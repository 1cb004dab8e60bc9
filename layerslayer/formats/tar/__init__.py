"""tar: bytes in, entries and bodies out."""
