"""The walk through a zstd layer of several frames that passes over those which are all of one body.

Frames need nothing of each other, so there is nothing to find out: where they
begin is told by a seek table at the layer's end, or by their own headers. What
was told is proved by what is read: each header of the tar that comes after a
gap must stand just where the frames' lengths have it, frames that are read must
be where the table says, and all must end where it ends. Otherwise what was
passed over is read after all.
"""

from __future__ import annotations

from typing import Generator, List, Optional

from ...errors import CorruptLayer, MissingBinding
from ...formats.entry import Entry
from ...formats.magic import compression_of
from ...formats.memory import Holding
from ...formats.zstd.frames import MAX_BLOCK, MAX_HEADER
from ...limits import DEFAULT, LimitReached, Limits
from ...oci.descriptor import Descriptor
from ...oci.verify import Verifier
from .range_fetcher import Fetcher
from .zstd_frame_map import FrameMap
from .zstd_seek_table import Place, SeekTable, find
from .zstd_segments import Part, Unproved

_CHUNK = 64 * 1024  # bytes of the blob read at a time, at least, with a table
_BETWEEN_HOPS = 128 * 1024  # the same, without one
_IN_FULL = 1024 * 1024  # the same, once nothing is leapt over any more, and at most
_LEAST = 32 * 1024  # bytes that a leap must save, besides those that pass while one waits
_AHEAD = 2  # times what passes while one waits
_BEHIND = 16 * 1024  # bytes of the blob read with a resync, for the headers there


class NoFrames(Exception):
    """There is nothing to leap in; ``why``, where that is worth a word; ``head`` are the first bytes of a zstd blob."""

    def __init__(self, why: str = "", head: bytes = b"") -> None:
        super().__init__(why)
        self.why = why
        self.head = head


class ZstdWalk:
    """One walk through the blob that ``fetcher`` reads.

    Afterwards: ``whole``, nothing was leapt over, and ``verifier`` has seen the
    digest; ``notes`` are what is to be said of it.
    """

    def __init__(self, descriptor: Descriptor, fetcher: Fetcher, limits: Limits = DEFAULT) -> None:
        self._limits = limits
        self.leaps = 0
        self.notes: List[str] = []
        self.verifier = Verifier(descriptor)
        self.parts: List[Part] = []
        self._fetcher = fetcher
        self._frame_map = FrameMap(fetcher)
        self._table: Optional[SeekTable] = None
        self._in_full = False  # nothing is to be leapt over any more
        self._stay = 0  # where in the tar the body ends that is not to be leapt over
        self._given = 0  # entries already given out
        self._unproved = Holding(merged=False, limits=limits)

    @property
    def whole(self) -> bool:
        return len(self.parts) == 1

    @property
    def last(self) -> Part:
        return self.parts[-1]

    def run(self) -> Generator[List[Entry], None, None]:
        """Yield the entries: those before the first leap as they come, the others once they are proved.

        Raises CorruptLayer, DigestMismatch, LimitReached and what the source
        raises; NoFrames before anything was yielded.
        """
        self._begin()
        try:
            yield from self._forward()
        except (CorruptLayer, LimitReached, Unproved) as error:
            if self.whole:
                raise
            told = "what it says of its frames does not lead to its files"
            self._read_on(str(error) if isinstance(error, Unproved) else told)
            yield from self._forward()
        if self.whole:
            self.verifier.finish()
        self._unproved.close()  # whoever takes them counts them
        for part in self.parts:
            if part.entries:
                yield part.entries

    def _begin(self) -> None:
        head = self._fetcher.known_head() or self._fetcher.read(0, min(self._chunk, self._fetcher.size))
        if compression_of(head) != "zstd":
            raise NoFrames
        try:
            self.parts = [Part(Place(0, 0), 0, limits=self._limits)]
            self._table = find(self._fetcher, self._limits)
        except MissingBinding:
            raise NoFrames("", head) from None
        except CorruptLayer as error:
            raise NoFrames("its seek table is not used: {}".format(error.reason), head) from None
        if self._table is None and not self._frame_map.promising():
            raise NoFrames("", head)

    # -- reading on ---------------------------------------------------------

    @property
    def _chunk(self) -> int:
        """Bytes to read at a time."""
        least = _IN_FULL if self._in_full else _CHUNK if self._table else _BETWEEN_HOPS
        return max(least, self._fetcher.throughput.in_flight // 2)

    def _forward(self) -> Generator[List[Entry], None, None]:
        """Go on to the end."""
        while self.last.at < self._fetcher.size:
            self._advance(self.last)
            if self.whole and self.last.entries:
                yield self.last.entries
                self._given += len(self.last.entries)
                self.last.entries = []
        self._end(self.last)

    def _advance(self, part: Part) -> None:
        """Read on, or leap. Raises CorruptLayer, LimitReached, Unproved."""
        begin, end = part.at, min(part.at + self._wanted(part), self._fetcher.size)
        in_flight = self._fetcher.throughput.in_flight
        if in_flight:  # what comes next is asked for before it is needed, so that the line is never idle
            self._fetcher.ahead(begin, end + _AHEAD * in_flight, self._chunk)
        data = self._fetcher.read(begin, end)
        if self.whole:
            self.verifier.update(data)
            self._fetcher.forget(0, end - MAX_HEADER)  # of a header that is cut there hops ask for all
        part.at, before = end, part.position
        for piece in part.stream.feed(data, self._frame_begins):
            part.walk(piece)
        self._limits.check_size(part.position, part.at)
        if not self.whole:
            self._hold(part)
        self._limits.check_entries(self._given + sum(len(item.entries) for item in self.parts))
        if not self._in_full:
            self._perhaps_leap(part, len(data) / max(part.position - before, 1))

    def _hold(self, part: Part) -> None:
        """Take that the part's new entries are to be held until they are proved. Raises Unproved."""
        try:
            self._unproved.take(part.entries[part.counted :])
        except LimitReached:
            raise Unproved("its entries are too many to be held until they are proved") from None
        part.counted = len(part.entries)

    def _wanted(self, part: Part) -> int:
        """Return how many bytes of the blob to read next: behind a leap, as many as lead to the header."""
        if not part.skip or self._table is None:
            return self._chunk
        needed = self._table.stored_for(part.position + part.skip) + _BEHIND - part.at
        return min(max(needed, _BEHIND), max(_IN_FULL, self._chunk))

    def _frame_begins(self, stored: int) -> None:
        """Hold what the table says against a frame that is read. Raises Unproved."""
        if self._table is None or self._table.has(Place(stored, self.last.position)):
            return
        why = "its seek table does not know the frame at offset {}".format(stored)
        if not self.whole:
            raise Unproved(why)
        self._read_on(why)

    def _read_on(self, why: str) -> None:
        """Leap no more, and take back what was leapt: the layer is read as it comes from there."""
        self.notes.append("read in full after all: {}".format(why))
        del self.parts[1:]
        self._unproved.close()
        self._table, self._in_full = None, True

    def _end(self, part: Part) -> None:
        """Take the end of the blob. Raises CorruptLayer, Unproved."""
        part.stream.close()
        part.entries += part.walker.close()
        if self.whole:
            return
        walker, table = part.walker, self._table
        if part.skip or (table and part.position != table.end.tar):
            raise Unproved("its frames are not as long as they are said to be")
        if walker.hidden or walker.foreign is not None:
            raise Unproved("an archive ends before the layer does")

    # -- leaping ------------------------------------------------------------

    @property
    def _least(self) -> int:
        """Bytes of the blob that a leap must save."""
        return _LEAST + self._fetcher.throughput.in_flight

    def _perhaps_leap(self, part: Part, ratio: float) -> None:
        """Leap where it pays; ``ratio`` is what a byte of the tar has come to in the blob just now."""
        owed, header = part.walker.owed, part.walker.position + part.walker.owed
        if part.skip or owed < self._least or header == self._stay or part.at >= self._fetcher.size:
            return
        if part.walker.end is not None:  # what comes after the end marker is hidden, and must be read
            return
        if self._table is None and ratio * MAX_BLOCK < self._frame_map.least:
            return
        place = self._place(part, header)
        if place is None or place.stored - part.at < self._least or place.stored > self._fetcher.size:
            self._stay = header
            return
        resynced = Part(place, header, part.walker.padding, self._limits)
        resynced.walker.ignored_globals = part.walker.ignored_globals
        if not self.whole:  # of the first one is read on where the leaps turn out wrong
            part.stream.release()
        self.parts.append(resynced)
        self.leaps += 1

    def _place(self, part: Part, header: int) -> Optional[Place]:
        """Return the last beginning of a frame, or the end, that is known to be not beyond ``header``."""
        if self._table is not None:
            return self._table.before(header)
        try:
            return self._frame_map.beyond(part.stream, part.base, header)
        except CorruptLayer:  # what reading on will meet
            return None
