"""Colours, as SGR codes that are empty where no terminal shows them."""

from __future__ import annotations

from typing import NamedTuple


class Style(NamedTuple):
    """Codes to put before a text; ``off`` goes behind it."""

    bold: str = ""
    dim: str = ""
    directory: str = ""
    link: str = ""
    deletion: str = ""
    alarm: str = ""
    off: str = ""


PLAIN = Style()
COLOR = Style(
    bold="\x1b[1m",
    dim="\x1b[2m",
    directory="\x1b[34m",
    link="\x1b[36m",
    deletion="\x1b[31m",
    alarm="\x1b[33m",
    off="\x1b[0m",
)
