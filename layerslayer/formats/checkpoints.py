"""Places of a layer that a complete reading passed, from which a later one can begin. No I/O.

A point says how many bytes of tar come out of how many bytes of the blob. Of
zstd they are the beginnings of frames, which need nothing before them. Of gzip
they are wherever a piece of input ended, and exact to a few bytes, as engines
differ in how much they make of the last bits; some have the last 32 KiB of tar
before them (``leap.rejoining`` says what for). A tar itself needs none.

Format, version 1 (integers little endian)::

    4 bytes   count of points
    8 bytes   length of what follows: zlib of int64 each: steps of the blob's offsets,
              steps of the tar's, lengths of the windows (0: none)
    windows   zlib each, level 1
"""

from __future__ import annotations

import bisect
import sys
import zlib
from array import array
from collections import deque
from typing import Deque, Dict, List, NamedTuple, Optional

from .gzip.inflate import WINDOW

_STEP = 96 * 1024  # bytes of the blob between two points, at least
_WINDOW_STEP = 512 * 1024  # the same between two windows, as long as there are not too many
_MOST_WINDOWS = 5 * 2**20  # bytes of a layer's; some 10 KiB each
_HEAD = 12
_FURTHEST = 2**62  # bytes
MOST = 2**20  # points in a row of the store: of a layer of 100 GB


class Point(NamedTuple):
    """Out of the first ``stored`` bytes of the blob come the first ``tar`` bytes of the tar."""

    stored: int
    tar: int


class Points:
    """The points of a layer, in order; the first, (0, 0), is not among them."""

    def __init__(self) -> None:
        self.stored: array[int] = array("q")
        self.tar: array[int] = array("q")
        self._windows: Dict[int, bytes] = {}  # compressed, by the number of their point
        self.windows = 0  # bytes of them

    def __len__(self) -> int:
        return len(self.stored)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Points) and self.__dict__ == other.__dict__

    def before(self, position: int, windows: bool) -> Point:
        """Return the last point not beyond ``position`` of the tar; with ``windows``, of those that have one."""
        number = bisect.bisect_right(self.tar, position) - 1
        while windows and number >= 0 and number not in self._windows:
            number -= 1
        return Point(self.stored[number], self.tar[number]) if number >= 0 else Point(0, 0)

    def after(self, position: int) -> Optional[int]:
        """Return how many bytes of the blob surely hold the tar up to ``position``; None for all of it."""
        number = bisect.bisect_left(self.tar, position)
        return self.stored[number] if number < len(self.tar) else None

    def within(self, stored: int, tar: int) -> bool:
        """Whether they can be those of a layer of ``stored`` bytes, which hold ``tar`` bytes of tar."""
        return not self.stored or (self.stored[-1] <= stored and self.tar[-1] <= tar)

    def window(self, point: Point) -> bytes:
        """Return the 32 KiB of tar before a point that has them, fewer near the beginning. Raises ValueError."""
        number = bisect.bisect_left(self.stored, point.stored)
        engine = zlib.decompressobj()
        try:
            return engine.decompress(self._windows[number], WINDOW)
        except (zlib.error, KeyError):
            raise ValueError("no window there") from None

    def add(self, point: Point) -> None:
        """Add the next point."""
        self.stored.append(point.stored)
        self.tar.append(point.tar)

    def add_window(self, window: bytes) -> None:
        """Add what comes before the last point."""
        self._windows[len(self.stored) - 1] = packed = zlib.compress(window, 1)
        self.windows += len(packed)

    def thin_out(self) -> None:
        """Drop every second window."""
        for number in sorted(self._windows)[::2]:
            self.windows -= len(self._windows.pop(number))

    def pack(self) -> bytes:
        """Return the points as bytes."""
        lengths = [len(self._windows.get(number, b"")) for number in range(len(self))]
        numbers = array("q", _steps(self.stored) + _steps(self.tar) + lengths)
        if sys.byteorder == "big":
            numbers.byteswap()
        packed = zlib.compress(numbers.tobytes(), 6)
        head = len(self).to_bytes(4, "little") + len(packed).to_bytes(8, "little")
        return b"".join([head, packed, *(self._windows[number] for number in sorted(self._windows))])


def pack_points(points: Points) -> bytes:
    """Return points as a row of the store holds them; empty for none, and for too many."""
    return points.pack() if 0 < len(points) <= MOST else b""


def unpack_points(data: bytes) -> Points:
    """Return the points that were packed. Raises ValueError for other bytes."""
    count, length = int.from_bytes(data[:4], "little"), int.from_bytes(data[4:_HEAD], "little")
    if len(data) < _HEAD + length or count > MOST:
        raise ValueError("points are cut short")
    engine = zlib.decompressobj()
    try:
        raw = engine.decompress(data[_HEAD : _HEAD + length], 24 * count + 1)
    except zlib.error as error:
        raise ValueError(str(error)) from None
    numbers = array("q")
    if len(raw) != 24 * count:
        raise ValueError("not as many points as stated")
    numbers.frombytes(raw)
    if sys.byteorder == "big":
        numbers.byteswap()
    points = Points()
    stored = tar = 0
    at = _HEAD + length
    for number in range(count):
        stored, tar = stored + numbers[number], tar + numbers[count + number]
        size = numbers[2 * count + number]
        if numbers[number] <= 0 or numbers[count + number] < 0 or not 0 <= size <= len(data) - at:
            raise ValueError("points out of order")
        if max(stored, tar) > _FURTHEST:
            raise ValueError("points beyond any layer")
        points.add(Point(stored, tar))
        if size:
            points._windows[number] = data[at : at + size]
            points.windows += size
            at += size
    if at != len(data):
        raise ValueError("bytes after the last window")
    return points


def _steps(values: array[int]) -> List[int]:
    return [value - before for before, value in zip([0, *values], values)]


class Recorder:
    """Notes points while a layer is decompressed: ``came_out`` for what did, ``passed`` where a point may be."""

    def __init__(self) -> None:
        self.points = Points()
        self.output = 0  # bytes of tar so far
        self._tail: Deque[bytes] = deque()  # the last pieces of it, 32 KiB at least
        self._held = 0
        self._window_step = _WINDOW_STEP
        self._next_window = _WINDOW_STEP
        self._next = _STEP

    def came_out(self, piece: bytes) -> None:
        """Read the next piece of the tar."""
        self.output += len(piece)
        self._tail.append(piece)
        self._held += len(piece)
        while self._held - len(self._tail[0]) >= WINDOW:
            self._held -= len(self._tail.popleft())

    def passed(self, stored: int, windows: bool) -> None:
        """Record that all output so far comes from the first ``stored`` bytes of the blob, with nothing held back."""
        if stored < self._next or not self.output:
            return
        self.points.add(Point(stored, self.output))
        self._next = stored + _STEP
        if windows and stored >= self._next_window:
            self.points.add_window(b"".join(self._tail)[-WINDOW:])
            self._next_window = stored + self._window_step
            if self.points.windows > _MOST_WINDOWS:
                self.points.thin_out()
                self._window_step *= 2
