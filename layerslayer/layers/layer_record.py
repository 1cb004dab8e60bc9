"""What later runs want to know of a layer, gathered beside its reading."""

from __future__ import annotations

import hashlib
import threading
from typing import TYPE_CHECKING, Any, List, NamedTuple, Optional, Sequence, Tuple

from ..formats.checkpoints import Points, Recorder, pack_points
from ..formats.entry import Entry
from ..formats.file_digests import FileSums
from ..formats.tar.bodies import Starts
from ..formats.tar.header import BLOCK
from .follower import Follower
from .outcome import Report

if TYPE_CHECKING:  # loaded where there is a store
    from ..cache import RowWriter, Store

_AT_ONCE = 64 * 1024  # bytes of tar that are handed over together: waking a thread costs more than hashing a few
_MOST_WAITING = 1  # times as much
_MOST_HELD = 16 * 2**20  # bytes of memory for all that is packed at one time
_MOST_EACH = 250  # the same, for each entry: an ordinary one takes 110, some twice that
_MOST_IN_ALL = 120 * 2**20  # the same, however many there are


class _Passing(NamedTuple):
    """A piece of the tar, where it stands there, the entries that end in it, and where the bodies of some begin."""

    start: int
    piece: bytes
    batch: List[Entry]
    starts: Starts


class _Room:
    """What all records of a process hold that are packed for the cache: it takes no memory that answers need."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries = self._memory = 0

    def take(self, entries: int, memory: int) -> bool:
        """Count so much more, or less; False, and nothing counted, where it is too much."""
        with self._lock:
            most = min(_MOST_HELD + _MOST_EACH * (self._entries + entries), _MOST_IN_ALL)
            if memory > 0 and self._memory + memory > most:
                return False
            self._entries += entries
            self._memory += memory
            return True


_room = _Room()


class LayerRecord:
    """The sha256 of all files of one layer that is read, made in a thread of their own while the tar passes.

    With a ``store`` also the layer's entries, packed as they come, and its
    points; ``keep`` puts them there.
    """

    def __init__(self, store: Optional[Store] = None) -> None:
        self.digests = FileSums()
        self.recorder = Recorder() if store is not None else None  # of the layer's points
        self._store = store
        self._writer: Optional[RowWriter] = None
        if store is not None:
            from ..cache import RowWriter

            self._writer = RowWriter()
        self._counted = 0, 0  # entries, and bytes of memory
        self._open: Optional[Tuple[int, int, int, Any]] = None  # a body that goes on: its offset, begin, end, sum
        self._gathered: List[_Passing] = []
        self._size = 0  # bytes of those
        self._follower: Follower[List[_Passing]] = Follower(self._take, _MOST_WAITING)

    def take(self, start: int, piece: bytes, batch: List[Entry], starts: Starts) -> None:
        """Take the next ``piece`` of the tar, as ``Bodies.take`` does. ``starts`` is the record's from now on."""
        # An empty batch may be filled later by who made it.
        self._gathered.append(_Passing(start, piece, batch or [], starts))
        self._size += len(piece)
        if self._size >= _AT_ONCE:
            self._hand_over()

    def _hand_over(self) -> None:
        gathered, self._gathered, self._size = self._gathered, [], 0
        self._follower.put(gathered)

    def finish(self) -> None:
        """Wait until all that was taken is in."""
        self._hand_over()
        self._follower.finish()

    def close(self) -> None:
        """Forget what is not in yet."""
        self._follower.close()
        self._count(0, 0)

    def keep(self, report: Report, size: int, notes: Sequence[str]) -> None:
        """Put a layer of ``size`` bytes into the store, if there is one, and it was read to its end and verified.

        ``notes`` are those about the layer itself.
        """
        writer, self._writer = self._writer, None
        if self._store is None or writer is None or not report.complete or not report.verified or report.opaque:
            return
        from ..cache import LayerFacts

        digest, uncompressed = report.descriptor.digest, report.uncompressed
        facts = LayerFacts(digest, size, uncompressed, report.compression, report.hidden, tuple(notes))
        try:
            row = writer.row(facts, self.digests)
        except ValueError:
            return
        del writer  # what was packed is not held twice
        points = b""
        if self.recorder is not None:
            points, self.recorder.points = pack_points(self.recorder.points), Points()
        self._store.keep(facts, row, points)

    def _take(self, items: List[_Passing]) -> None:
        for item in items:
            self._hash(item)
        if self._writer is not None:
            try:
                self._writer.add([entry for item in items for entry in item.batch])
                fits = self._count(self._writer.count, self._writer.size)
            except ValueError:
                fits = False  # names that cannot be kept
            if not fits:  # the layer is read again next time
                self._writer = None
                self._count(0, 0)

    def _count(self, entries: int, memory: int) -> bool:
        """Count that so much is held; False, and nothing changed, where that is too much."""
        had, held = self._counted
        if not _room.take(entries - had, memory - held):
            return False
        self._counted = entries, memory
        return True

    def _hash(self, item: _Passing) -> None:
        start, view = item.start, memoryview(item.piece)
        if self._open is not None:
            self._go_on(start, view)
        for entry in item.batch:
            if entry.kind != "-":
                continue
            begin, length = item.starts.get(entry.offset) or (entry.offset + BLOCK, entry.size)
            if length < 0:  # a sparse file
                continue
            at = begin - start
            if at >= 0 and at + length <= len(view):  # small files, which most are, by one call
                self.digests.add(entry.offset, hashlib.sha256(view[at : at + length]).digest())
            else:
                self._open = entry.offset, begin, begin + length, hashlib.sha256()
                self._go_on(start, view)

    def _go_on(self, start: int, view: memoryview) -> None:
        assert self._open is not None
        offset, begin, end, made = self._open
        made.update(view[max(begin - start, 0) : max(end - start, 0)])
        if end <= start + len(view):
            self._open = None
            self.digests.add(offset, made.digest())
