"""See inside any container image, in the fewest bytes, without pulling it."""

from __future__ import annotations

from ._version import __version__

__all__ = ["__version__"]
