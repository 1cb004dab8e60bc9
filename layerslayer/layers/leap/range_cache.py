"""Pieces of a blob that are kept for a while, and which of its bytes there ever were."""

from __future__ import annotations

import bisect
from typing import Dict, List, Tuple

from ..spooled_file import TemporaryBytes

_IN_MEMORY = 8 * 1024 * 1024  # bytes kept that are not in a file yet


class CoveredRanges:
    """A set of byte ranges."""

    def __init__(self) -> None:
        self._starts: List[int] = []
        self._ends: List[int] = []
        self.total = 0  # bytes in it

    def add(self, start: int, end: int) -> int:
        """Add [start, end); return how many of its bytes were there before."""
        first = bisect.bisect_left(self._ends, start)
        last = bisect.bisect_right(self._starts, end)
        known = sum(
            max(0, min(end, to) - max(start, at)) for at, to in zip(self._starts[first:last], self._ends[first:last])
        )
        if first < last:
            start, end = min(start, self._starts[first]), max(end, self._ends[last - 1])
        before = sum(to - at for at, to in zip(self._starts[first:last], self._ends[first:last]))
        self._starts[first:last], self._ends[first:last] = [start], [end]
        self.total += end - start - before
        return known


class RangeCache:
    """Pieces that do not overlap, in memory as long as they are few, then in a file without a name."""

    def __init__(self) -> None:
        self._kept = TemporaryBytes(_IN_MEMORY)
        self._starts: List[int] = []  # where they begin in the blob, in order
        self._places: Dict[int, Tuple[int, int]] = {}  # by that: where they are in the file, their length
        self._free: List[Tuple[int, int]] = []  # what those took that were forgotten
        self._end = 0
        self.full = False  # the disk takes no more

    def keep(self, start: int, data: bytes) -> None:
        """Keep what begins at ``start``; not where the disk takes no more, then it has to be asked for again."""
        if self.full:
            return
        place = self._room(len(data))
        try:
            self._kept.write(place, data)
        except OSError:
            self.full = True
            return
        bisect.insort(self._starts, start)
        self._places[start] = (place, len(data))

    def _room(self, length: int) -> int:
        """Return where so many bytes may be written."""
        for number, (place, room) in enumerate(self._free):
            if room >= length:
                del self._free[number]
                return place
        self._end += length
        return self._end - length

    def ends(self, start: int) -> int:
        """Return up to where the bytes from ``start`` on are kept by one piece; ``start`` for none."""
        number = bisect.bisect_right(self._starts, start) - 1
        if number < 0:
            return start
        at = self._starts[number]
        return max(start, at + self._places[at][1])

    def begins(self, start: int, end: int) -> int:
        """Return where the first piece from ``start`` on begins, ``end`` for none before that."""
        number = bisect.bisect_left(self._starts, start)
        return min(self._starts[number], end) if number < len(self._starts) else end

    def read(self, start: int, end: int) -> bytes:
        """Return bytes that one piece keeps."""
        at = self._starts[bisect.bisect_right(self._starts, start) - 1]
        return self._kept.read(self._places[at][0] + start - at, end - start)

    def leave_memory(self) -> None:
        """Move all to the file, as it will be of use much later."""
        try:
            self._kept.leave_memory()
        except OSError:
            pass  # no disk to be had; it stays where it is

    def forget(self, start: int, end: int) -> None:
        """Drop the pieces that lie in [start, end)."""
        first, last = bisect.bisect_left(self._starts, start), bisect.bisect_left(self._starts, end)
        if last > first and self._starts[last - 1] + self._places[self._starts[last - 1]][1] > end:
            last -= 1
        self._free += [self._places.pop(at) for at in self._starts[first:last]]
        del self._starts[first:last]
