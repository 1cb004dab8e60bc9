"""What leaps are measured by."""

from __future__ import annotations

from typing import NamedTuple


class Settings(NamedTuple):
    """All in bytes of the blob where nothing else is said."""

    chunk: int = 64 * 1024  # read at a time, at least
    piece: int = 32 * 1024  # a sample, and a first look at a resync; doubled where no block begins in it
    greatest_piece: int = 512 * 1024
    least: int = 160 * 1024  # what a leap must save
    step_back: int = 256 * 1024  # where a resync was of no use, for the first time; then twice as much
    # Not bytes, but into how many a byte may unfold that lies between two samples, for all that those tell. What
    # compresses better, a run of zeros above all, can hide there.
    unnoticed: int = 16
