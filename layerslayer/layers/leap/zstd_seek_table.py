"""The seek table at the end of a zstd layer: where its frames begin, in the blob and in the tar.

Wire format (zstd's ``contrib/seekable_format``, version 0.1.0), little endian::

    4 bytes   5e 2a 4d 18: a skippable frame
    4         length of what follows
    entries   4 stored size | 4 content size | 4 checksum of the content, if flagged; one for each frame, in order
    4         count of entries
    1         bit 7: with checksums; bits 2-6: zero
    4         b1 ea 92 8f
"""

from __future__ import annotations

import bisect
import sys
from array import array
from itertools import accumulate, chain
from typing import NamedTuple, Optional

from ...errors import CorruptLayer
from ...formats.memory import Lease
from ...formats.zstd.frames import MAX_BLOCK
from ...limits import DEFAULT, LimitReached, Limits
from .range_fetcher import Fetcher

_MAGIC, _HEADER_MAGIC = b"\xb1\xea\x92\x8f", b"\x5e\x2a\x4d\x18"
_HEADER, _FOOTER = 8, 9
_LEAST_FRAME = 8  # bytes: a skippable one of nothing
_LEAST_BLOCK = 4  # bytes: one byte, repeated
_EACH = 48  # bytes of memory for each frame, while the table is read
_SHARE = 16  # a table of more than so manieth of the blob is not worth having


class Place(NamedTuple):
    """Where a frame begins."""

    stored: int  # in the blob
    tar: int


class SeekTable:
    """The frames of a blob, and where they end."""

    def __init__(self, stored: array[int], tar: array[int], lease: Lease) -> None:
        self._lease = lease  # of what this takes
        self._stored = stored  # where each begins, and where the last one ends
        self._tar = tar

    @property
    def end(self) -> Place:
        return Place(self._stored[-1], self._tar[-1])

    def has(self, place: Place) -> bool:
        """Whether a frame begins there."""
        number = bisect.bisect_left(self._stored, place.stored)
        return number < len(self._stored) and (self._stored[number], self._tar[number]) == place

    def before(self, position: int) -> Optional[Place]:
        """Return the last beginning of a frame, or the end, not beyond a position in the tar; None beyond the end."""
        if position > self._tar[-1]:
            return None
        number = bisect.bisect_right(self._tar, position) - 1
        return Place(self._stored[number], self._tar[number])

    def stored_for(self, position: int) -> int:
        """Return about how many bytes of the blob hold the tar up to ``position``."""
        number = min(bisect.bisect_right(self._tar, position), len(self._tar) - 1)
        begin, end = self._tar[number - 1], self._tar[number]
        share = min(1.0, (position - begin) / (end - begin)) if end > begin else 1.0
        return int(self._stored[number - 1] + share * (self._stored[number] - self._stored[number - 1]))


def find(fetcher: Fetcher, limits: Limits = DEFAULT) -> Optional[SeekTable]:
    """Return the table of a blob, None where there is none. Raises CorruptLayer for one that cannot be true."""
    size = fetcher.size
    footer = fetcher.read(max(0, size - _FOOTER), size)
    if len(footer) < _FOOTER or not footer.endswith(_MAGIC):
        return None
    count, flags = int.from_bytes(footer[:4], "little"), footer[4]
    width = 12 if flags & 0x80 else 8
    length = count * width + _FOOTER
    begin = size - length - _HEADER
    if flags & 0x7C or not count or begin < count * _LEAST_FRAME:
        raise CorruptLayer("zstd", size - _FOOTER, "the seek table is said to be what it cannot be")
    if count > limits.frames or length * _SHARE > size:
        raise CorruptLayer("zstd", size - _FOOTER, "a seek table of {} frames is not worth having".format(count))
    lease = Lease(limits)
    try:
        lease.take(count * _EACH)
    except LimitReached:
        raise CorruptLayer("zstd", begin, "a seek table of {} frames is too large now".format(count)) from None
    packed = fetcher.read(begin, size - _FOOTER)
    if packed[:_HEADER] != _HEADER_MAGIC + length.to_bytes(4, "little"):
        raise CorruptLayer("zstd", begin, "the seek table is not where it is said to be")
    return _table(memoryview(packed)[_HEADER:], width // 4, begin, lease)


def _table(packed: memoryview, step: int, end: int, lease: Lease) -> SeekTable:
    """Return the table of the frames up to ``end``. Raises CorruptLayer."""
    numbers = array("I")
    numbers.frombytes(packed)
    if sys.byteorder == "big":
        numbers.byteswap()
    sizes, contents = numbers[0::step], numbers[1::step]
    if any(size < _LEAST_FRAME or content > size // _LEAST_BLOCK * MAX_BLOCK for size, content in zip(sizes, contents)):
        raise CorruptLayer("zstd", end, "the seek table has a frame as there can be none")
    stored, tar = (array("Q", accumulate(chain((0,), column))) for column in (sizes, contents))
    if stored[-1] != end:
        raise CorruptLayer("zstd", end, "the frames of the seek table are not as long as the layer")
    return SeekTable(stored, tar, lease)
