"""Reads the segments of a gzip layer on, within its bounds, and reads what lies between two of them."""

from __future__ import annotations

from typing import List, Sequence

from ...errors import CorruptLayer
from ...formats.entry import Entry
from ...formats.gzip.block_finder import DENSE
from ...formats.gzip.fast_inflate import FAST, new_engine
from ...formats.gzip.members import MemberStream
from ...formats.memory import Holding
from ...formats.tar.reader import TarWalker
from ...limits import LimitReached, Limits
from ...oci.descriptor import Descriptor
from ...oci.verify import Verifier
from .range_fetcher import Fetcher
from .resume_points import ResumePoints, needed_from
from .segments import Segment, align
from .settings import Settings
from .skip import Skipper

_LEAST_DENSE = 64 * 1024 * 1024
_FIRST_EXPANSION = 3.0  # of a layer that nothing is known of


class NotHeld(Exception):
    """What is not proved yet is too much to be held."""


class TooDense(Exception):
    """So much of the layer is zeros, or nearly, that reading all of it is quicker."""


class SegmentReader:
    """Reads on in the ``segments`` of one blob, the first of which begins with it.

    ``verifier`` has seen all up to the first gap. ``returning``: files will be
    read besides, so resume points are kept. ``all_at_hand``: what was read and
    not hashed is still there.
    """

    def __init__(
        self, descriptor: Descriptor, fetcher: Fetcher, settings: Settings, returning: bool, limits: Limits
    ) -> None:
        self._limits = limits
        self.segments: List[Segment] = [Segment(0, 0, _first_stream(returning), TarWalker(limits=limits), 0, 0)]
        self.verifier = Verifier(descriptor)
        self.skipper = Skipper(fetcher, settings, fast=not returning, limits=limits)
        self.all_at_hand = True
        self._fetcher = fetcher
        self._chunk = settings.chunk
        self._resume_points = ResumePoints(settings.chunk) if returning else None
        self._given = 0  # entries already given out
        self._unproved = Holding(merged=False, limits=limits)
        # Bytes that may come out of hardly any input, where that takes longer than for those who read all.
        self._dense_left = max(_LEAST_DENSE, fetcher.size // 3) if returning and FAST else None

    @property
    def whole(self) -> bool:
        """Whether there is no gap."""
        return len(self.segments) == 1

    @property
    def last(self) -> Segment:
        return self.segments[-1]

    @property
    def expansion(self) -> float:
        """What a byte of the layer has inflated to so far."""
        last = self.last
        return max(1.0, last.position / last.at) if last.at else _FIRST_EXPANSION

    def add(self, segment: Segment) -> None:
        """Go on with a segment behind a gap."""
        self.segments.append(segment)
        if self._resume_points:
            self._resume_points.add(segment, self.segments)

    def give_out(self) -> List[Entry]:
        """Return the entries of the first segment, which need no proof and are not kept."""
        self._given += len(self.segments[0].entries)
        return self.segments[0].give_out()

    def release(self) -> None:
        """Count no longer the entries that are held until they are proved: whoever takes them does."""
        self._unproved.close()

    def read_on(self, segment: Segment) -> bytes:
        """Return the next bytes of the blob for a segment."""
        walked = segment.at - segment.begins
        if self._resume_points:  # one who seeks may stop at once
            return self.skipper.read_on(segment.at, walked, segment.at)
        return self.skipper.read_on(segment.at, walked)

    def advance(self, segment: Segment, data: bytes) -> None:
        """Take the next bytes of the blob. Raises CorruptLayer; the segment is broken then."""
        begin, end = segment.at, segment.at + len(data)
        if self.verifier.count == begin and segment is self.segments[0]:
            self.verifier.update(data)
            # It is sure, so not read anew but for what is sought; what comes behind a gap may be, or hashed after all.
            self._fetcher.forget(0, needed_from(segment) if self._resume_points else end)
        try:
            entries = segment.feed(data)
            if not self.whole:
                self._hold(entries)
            segment.entries += entries
            if segment is not self.segments[0] and segment.walker.hidden:  # of the first one it is sure
                raise CorruptLayer("tar", segment.position, "an archive ended before the layer did")
        except CorruptLayer:
            segment.broken = True
            raise
        if self._resume_points:
            self._resume_points.add(segment, self.segments)
            self._spend(segment)
        self._limits.check_size(segment.position, segment.at)
        self._limits.check_entries(self._given + sum(len(item.entries) for item in self.segments))

    def _spend(self, segment: Segment) -> None:
        """Count what came out of hardly any input, and what will. Raises TooDense."""
        read, output = segment.shown
        if self._dense_left is None or output <= DENSE * read or self._fetcher.throughput.in_flight:
            return
        self._dense_left -= output
        if self._dense_left < segment.walker.owed:
            raise TooDense("its files are zeros, or nearly, and sooner read than leapt over")

    def _hold(self, entries: Sequence[Entry]) -> None:
        """Take that entries are to be held until they are proved. Raises NotHeld."""
        try:
            self._unproved.take(entries)
        except LimitReached:
            raise NotHeld("its entries are too many to be held until they are proved") from None

    def let_go(self, start: int, end: int) -> None:
        """Forget bytes that a file was read of: they are too many to keep, so the digest is done without."""
        self._fetcher.forget(start, end)
        self.all_at_hand &= end <= self.verifier.count

    # -- gaps -----------------------------------------------------------------

    def look_back(self, number: int, missing: int) -> bool:
        """Look for headers of ``missing`` bytes before a segment; return whether there are any."""
        before, after = self.segments[number - 1], self.segments[number]
        if after.looked_for >= missing:
            return False
        after.looked_for = missing
        fuller = self.skipper.look_back(before, after, missing)
        if fuller is None:
            return False
        self.segments[number] = fuller
        align(self.segments)
        return True

    def fill(self, number: int) -> None:
        """Read what lies before a segment, up to where it begins, and of it as much as was read wrongly.

        Raises CorruptLayer where no gap is left to blame.
        """
        before, after = self.segments[number - 1], self.segments.pop(number)
        try:
            self._read_up_to(before, after.begins)
            origin = before.position
            while before.at < after.at:
                skipped = before.meets(after, origin)
                if skipped is not None:
                    before.append(after, origin, skipped)
                    break
                self._read_up_to(before, min(before.at + self._chunk, after.at))
        except CorruptLayer:
            if number == 1:
                raise
        align(self.segments)

    def _read_up_to(self, segment: Segment, end: int) -> None:
        for data in self.skipper.pieces(segment.at, end):
            self.advance(segment, data)


def _first_stream(returning: bool) -> MemberStream:
    """Return what inflates a layer from its beginning; it can be copied if that is ``returning`` to places."""
    return MemberStream() if returning else MemberStream(None, new_engine)
