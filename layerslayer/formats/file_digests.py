"""Checksums of a layer's files, forty bytes each. Pure."""

from __future__ import annotations

import bisect
from array import array
from typing import Iterator, Mapping

SUM = 32  # bytes of a sha256


class FileSums(Mapping[int, bytes]):
    """sha256 of files by the entry's offset; they are added in the order of the tar."""

    __slots__ = ("_offsets", "_sums")

    def __init__(self) -> None:
        self._offsets = array("q")
        self._sums = bytearray()

    def add(self, offset: int, digest: bytes) -> None:
        """Add the next file's sum; the offset is most often beyond all before."""
        offsets = self._offsets
        if not offsets or offset > offsets[-1]:
            offsets.append(offset)
            self._sums += digest
            return
        place = bisect.bisect_left(offsets, offset)
        known = offsets[place] == offset
        if not known:
            offsets.insert(place, offset)
        self._sums[place * SUM : (place + known) * SUM] = digest

    def __getitem__(self, offset: int) -> bytes:
        place = bisect.bisect_left(self._offsets, offset)
        if place == len(self._offsets) or self._offsets[place] != offset:
            raise KeyError(offset)
        return bytes(self._sums[place * SUM : (place + 1) * SUM])

    def __iter__(self) -> Iterator[int]:
        return iter(self._offsets)

    def __len__(self) -> int:
        return len(self._offsets)
