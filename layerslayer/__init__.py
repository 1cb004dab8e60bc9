"""See inside any container image, in the fewest bytes, without pulling it."""

from __future__ import annotations

__version__ = "0.1.0"

__all__ = ["__version__"]
