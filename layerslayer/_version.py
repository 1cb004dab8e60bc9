"""The version, for ``--version``, user agents and bug reports."""

from __future__ import annotations

__version__ = "0.1.0"
