"""Frames of a zstd layer that were read without a gap, and the walk in them. No I/O."""

from __future__ import annotations

from typing import List

from ...formats.entry import Entry
from ...formats.tar.fields import checksum_holds, number
from ...formats.tar.header import BLOCK, padding
from ...formats.tar.reader import TarWalker
from ...formats.zstd.stream import FrameStream
from ...limits import DEFAULT, Limits
from .zstd_seek_table import Place

_LEAD = 64 * 1024  # bytes of tar before a resync that are looked at
_BODILESS = b"123456"  # links, devices, directories, whatever size they state


class Unproved(Exception):
    """What was leapt over must be read after all, and why."""


class Part:
    """Frames read without a gap from ``place`` on, and the walk from ``header`` on, which is a place in the tar.

    Before the header the last block of a body is filled up by ``padding`` zeros.
    """

    def __init__(self, place: Place, header: int, padding: int = 0, limits: Limits = DEFAULT) -> None:
        self.at = place.stored  # up to where in the blob it was fed
        self.base = place.tar
        self.skip = header - place.tar  # bytes of output before the header
        self.stream = FrameStream(place.stored, limits)
        self.walker = TarWalker(header, limits)
        self.entries: List[Entry] = []
        self.counted = 0  # of these, as held
        self._end = b""  # of the output before the header
        self._padding = padding

    @property
    def position(self) -> int:
        """Where in the tar the output so far ends."""
        return self.base + self.stream.output

    def walk(self, piece: bytes) -> None:
        """Take the next bytes of output. Raises CorruptLayer, Unproved."""
        if self.skip:
            passed = min(self.skip, len(piece))
            self.skip -= passed
            if self.skip < _LEAD:
                self._end = (self._end + piece[:passed])[-_LEAD:]
            piece = piece[passed:]
            if not self.skip:
                if header_chain_ends_at(self._end[len(self._end) % BLOCK :]):
                    raise Unproved("files stand where its frames are said to hold none")
                if self._padding and self._end[-self._padding :].strip(b"\0"):
                    raise Unproved("a file goes on where it is said to end")
                self._end = b""
        if piece:
            self.entries += self.walker.feed(piece)


def header_chain_ends_at(end: bytes) -> bool:
    """Whether members fill the end of ``end``, which is so many whole blocks, up to its last byte.

    A tar within the tar does not do that, as it has an end marker of zeros.
    """
    leading = {len(end)}
    for at in range(len(end) - BLOCK, -1, -BLOCK):
        block = end[at : at + BLOCK]
        if block[257:262] == b"ustar" and checksum_holds(block):
            try:
                size = 0 if block[156:157] in _BODILESS else number(block[124:136], "size")
            except ValueError:
                continue
            if at + BLOCK + size + padding(size) in leading:
                leading.add(at)
    return len(leading) > 1
