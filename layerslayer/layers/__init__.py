"""Layer formats: bytes or a readable come in, entries go out. No HTTP, no paths."""
