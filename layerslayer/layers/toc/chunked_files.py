"""The regular files of a table of contents, and the chunks they are stored in, in columns. Pure."""

from __future__ import annotations

import bisect
from array import array
from typing import Dict, Iterator, List, Mapping, NamedTuple, Tuple

_SUM = 32  # bytes
_NO_SUM = bytes(_SUM)
_PREFIX = "sha256:"


class Chunk(NamedTuple):
    """A piece of a file: compressed in the blob from ``offset`` on, ``inner`` bytes into what that inflates to."""

    offset: int
    inner: int
    start: int  # in the file
    size: int
    digest: str  # of the piece, sha256, or empty
    zeros: bool  # a hole: nothing is stored


class File(NamedTuple):
    """A regular file's size, the digest of its content (or nothing) and its chunks."""

    size: int
    digest: str
    chunks: Tuple[Chunk, ...]


class _Digests:
    """Digests in a row: 32 bytes each, those that are no sha256 as they are."""

    def __init__(self) -> None:
        self._sums = bytearray()
        self._odd: Dict[int, str] = {}
        self._last: Tuple[str, bytes] = ("", _NO_SUM)  # most files are of one chunk, with the same digest
        self.memory = 0  # bytes that the odd ones take

    def append(self, digest: str) -> None:
        if digest == self._last[0]:
            self._sums += self._last[1]
            return
        try:
            made = bytes.fromhex(digest[len(_PREFIX) :]) if digest.startswith(_PREFIX) else b""
        except ValueError:
            made = b""
        if len(made) != _SUM or made == _NO_SUM or digest != _PREFIX + made.hex():
            if digest:
                self._odd[len(self._sums) // _SUM] = digest
                self.memory += 250 + 4 * len(digest)
            made = _NO_SUM
        else:
            self._last = (digest, made)
        self._sums += made

    def __getitem__(self, index: int) -> str:
        made = bytes(self._sums[index * _SUM : (index + 1) * _SUM])
        return _PREFIX + made.hex() if made != _NO_SUM else self._odd.get(index, "")


class Files(Mapping[int, File]):
    """Files by the index of their entry; they are added in that order, each followed by its chunks."""

    def __init__(self) -> None:
        self._indexes = array("I")
        self._sizes = array("q")
        self._digests = _Digests()
        self._firsts = array("I")  # which chunk is a file's first
        self._chunks = array("q")  # offset, inner, start, size
        self._zeros = bytearray()
        self._chunk_digests = _Digests()
        self._reached = 0  # bytes of the last file that its chunks hold so far

    def add(self, index: int, size: int, digest: str) -> None:
        """Take the next file."""
        self._indexes.append(index)
        self._sizes.append(size)
        self._digests.append(digest)
        self._firsts.append(len(self._zeros))

    def add_chunk(self, chunk: Chunk) -> None:
        """Take the next chunk of the last file; a size of 0 means up to the file's end. Raises ValueError for gaps."""
        if self._reached != chunk.start or chunk.size < 0:
            raise ValueError("a file whose chunks do not fit together")
        self._reached += chunk.size
        self._chunks.extend(chunk[:4])
        self._zeros.append(chunk.zeros)
        self._chunk_digests.append(chunk.digest)

    def end_file(self) -> None:
        """Take that the last file has no more chunks. Raises ValueError where they are not all of it."""
        left, self._reached = self._sizes[-1] - self._reached, 0
        if left and (left < 0 or self._chunks[-1]):
            raise ValueError("a file whose chunks do not fit together")
        if left:
            self._chunks[-1] = left  # a file of one chunk states its size once, as the file's

    @property
    def memory(self) -> int:
        """The bytes that all takes."""
        return 56 * len(self._sizes) + 72 * len(self._zeros) + self._digests.memory + self._chunk_digests.memory

    def __getitem__(self, index: int) -> File:
        place = self._place(index)
        chunks: List[Chunk] = []
        for number in self._numbers(place):
            offset, inner, start, size = self._chunks[4 * number : 4 * number + 4]
            chunks.append(Chunk(offset, inner, start, size, self._chunk_digests[number], bool(self._zeros[number])))
        return File(self._sizes[place], self._digests[place], tuple(chunks))

    def _place(self, index: int) -> int:
        low = bisect.bisect_left(self._indexes, index)
        if low == len(self._indexes) or self._indexes[low] != index:
            raise KeyError(index)
        return low

    def _numbers(self, place: int) -> range:
        """Return which chunks are a file's."""
        following = place + 1
        end = self._firsts[following] if following < len(self._firsts) else len(self._zeros)
        return range(self._firsts[place], end)

    def __iter__(self) -> Iterator[int]:
        return iter(self._indexes)

    def __len__(self) -> int:
        return len(self._indexes)
