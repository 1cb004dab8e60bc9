"""Members' bodies cut out of the uncompressed stream as it passes. No I/O.

The header walk steps over bodies; what wants one is handed its bytes here,
without a copy, and nothing is held back.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Callable, Dict, List, Optional, Tuple, Union

from ..entry import Entry
from .header import BLOCK

Starts = Dict[int, Tuple[int, int]]  # by an entry's offset: where its body begins, and its length (-1: sparse)


class Sink(ABC):
    """Takes one body: ``begin``, then ``write`` its bytes in order, then ``end``."""

    def begin(self, place: int) -> None:
        """Begin a body, which stands at ``place`` of the tar."""
        return

    @abstractmethod
    def write(self, data: Union[bytes, memoryview]) -> None:
        """Write the next bytes; the view is valid during the call only."""

    @abstractmethod
    def end(self) -> None:
        """Record that the body is whole."""

    def refuse(self, reason: str) -> None:
        """Record why the body has no plain bytes."""
        return


class Bodies:
    """Hands the bodies of the regular files that ``choose`` gives a sink for to those sinks."""

    def __init__(self, choose: Callable[[Entry], Optional[Sink]]) -> None:
        self.starts: Starts = {}  # filled by the walk for members with extended headers, emptied here
        self._choose = choose
        self._open: Optional[Tuple[Sink, int, int]] = None  # the body that passes: sink, begin, end

    def restart(self) -> None:
        """Begin with the layer once more."""
        self._open = None
        self.starts.clear()

    def take(self, start: int, piece: bytes, batch: List[Entry]) -> None:
        """Pass on the next ``piece`` of the tar, which stands at ``start``, and the entries that end in it."""
        view = memoryview(piece)
        if self._open:
            self._write(start, view)
        for entry in batch:
            if entry.kind != "-":
                continue
            begin, length = self.starts.pop(entry.offset, (entry.offset + BLOCK, entry.size))
            sink = self._choose(entry)
            if sink is None:
                continue
            if length < 0:
                sink.refuse("it is stored as a sparse file")
                continue
            sink.begin(begin)
            self._open = (sink, begin, begin + length)
            self._write(start, view)

    def _write(self, start: int, view: memoryview) -> None:
        assert self._open
        sink, begin, end = self._open
        low, high = max(begin - start, 0), min(end - start, len(view))
        if low < high:
            sink.write(view[low:high])
        if end <= start + len(view):
            self._open = None
            sink.end()


class FilePlaces:
    """Where in the tar each file's content begins, by the entry's offset. Use as ``Bodies(FilePlaces().sink)``."""

    def __init__(self) -> None:
        self.by_offset: Dict[int, int] = {}

    def sink(self, entry: Entry) -> Sink:
        """Return what notes where the body of ``entry`` begins."""
        return _PlaceSink(self.by_offset, entry.offset)


class _PlaceSink(Sink):
    __slots__ = ("_found", "_offset")

    def __init__(self, found: Dict[int, int], offset: int) -> None:
        self._found = found
        self._offset = offset

    def begin(self, place: int) -> None:
        self._found[self._offset] = place

    def write(self, data: Union[bytes, memoryview]) -> None:
        pass

    def end(self) -> None:
        pass
