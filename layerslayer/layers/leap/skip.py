"""Finding the end of a body without reading the body: resync near it, going on to the next header."""

from __future__ import annotations

from typing import Iterator, Optional, Tuple

from ...errors import CorruptLayer
from ...formats.entry import Entry
from ...formats.gzip.block_finder import DENSE, Boundary
from ...formats.gzip.fast_inflate import quickened
from ...limits import DEFAULT, Limits
from .backtrack import LookingBack
from .estimate import Estimator
from .probe import Prober
from .proof import greatest_unseen
from .range_fetcher import Fetcher
from .resync import Doubtful, Endless, Resync
from .resync_segments import LastBody, at_the_end, resync_at, settled
from .segments import Segment, gap
from .settings import Settings

_INCREDIBLE = 5.0  # standard deviations that a gap may be off
_DUBIOUS = 2.0  # the same, where a header may have been missed
_SURE = 0.8  # the same, by which a resync must lie before the body's probable end
_SMALL = 10  # one part in so many of what a leap must save: what may be missed without looking back
_PATIENCE = 2.0  # standard deviations that a body may go on beyond its probable end; then twice as many
_LEAST_DENSE = 4 * 1024 * 1024
_PART = 8 * 1024  # bytes that a resync is fed with at a time
_DENSE = 4  # places to resync at where too much comes out
_SHARE = 32  # one part in so many of what was read in a row is asked for at once
_MOST_ASKED = 1024 * 1024  # bytes of a request


class _Passed(Exception):
    """What is read is another body: the one that was to be left has ended before."""


class Skipper:
    """Resynchronises in one blob. ``fast``: what is resynced in is read on from only."""

    def __init__(self, fetcher: Fetcher, settings: Settings, fast: bool = False, limits: Limits = DEFAULT) -> None:
        self._limits = limits
        self._fast = fast  # streams need not be copied
        self._fetcher = fetcher
        self._settings = settings
        self._prober = Prober(fetcher, settings)
        # Bytes of output that may come of hardly any input, of all resyncs: some of what reading the blob takes.
        self._dense = max(_LEAST_DENSE, fetcher.size // 2)
        self._sure = True  # where the body ends that is being leapt over
        self._apart = 0  # bytes that may lie between two samples of it

    @property
    def least(self) -> int:
        """Bytes that a leap must save to be worth its requests."""
        return self._prober.least

    def read_on(self, start: int, walked: int = 0, most: int = _MOST_ASKED) -> bytes:
        """Return the next bytes of the blob, of which nobody knows how many more will be needed.

        On a line that takes its time so much is asked for that it is never idle,
        but no more than ``most`` bytes and what else the last request brings. A
        request is for more at once after ``walked`` bytes without a leap.
        """
        chunk, in_flight = self._settings.chunk, self._fetcher.throughput.in_flight
        request = min(max(chunk, walked // _SHARE // chunk * chunk, in_flight), max(chunk, most), _MOST_ASKED)
        self._fetcher.ahead(start, start + max(request, min(chunk + 2 * in_flight, most)), request)
        return self._fetcher.read(start, min(start + chunk, self._fetcher.size))

    def pieces(self, start: int, end: int) -> Iterator[bytes]:
        """Yield the bytes [start, end) of the blob, all of which are needed, by small pieces."""
        chunk, in_flight = self._settings.chunk, self._fetcher.throughput.in_flight
        for at in range(start, end, chunk):
            self._fetcher.ahead(at, min(at + chunk + 2 * in_flight, end), min(_MOST_ASKED, end - at))
            yield self._fetcher.read(at, min(at + chunk, end))

    def boundary_from(self, start: int) -> Optional[Tuple[int, bytes, Boundary]]:
        """Return where a piece of the blob begins, at ``start``, the piece, and a block's beginning in it."""
        return self._prober.boundary_from(start)

    def leap(self, segment: Segment, expansion: float, sure: bool = True) -> Optional[Segment]:
        """Return the segment that begins in the body which ``segment`` has come to, and leads out of it.

        None where reading on is better. ``expansion`` is what to expect of the
        body at first. ``sure``: nothing was leapt over before, so where the body
        ends is known. Raises LastBody where it is not and no header follows.
        """
        owed, left = segment.walker.owed, self._fetcher.size - segment.at
        if self._prober.hopeless or owed < self.least or owed > DENSE * left:
            return None
        self._sure = sure
        estimate = Estimator(segment.at, owed, expansion, self._fetcher.size)
        read, output = segment.shown
        if read:
            estimate.begins(read, output)
        # As much again must not hide between two samples (proof.py).
        self._apart = greatest_unseen(segment, self._settings.unnoticed)
        target = self._prober.target(segment.at, estimate, self._apart)
        return self._resync(segment, target, estimate) if target is not None else None

    def look_back(self, before: Segment, after: Segment, missing: int) -> Optional[Segment]:
        """Resync before the resync of ``after``; see ``LookingBack.look``."""
        back = LookingBack(self._fetcher, self._settings, self._prober, self.pieces)
        return back.look(before, after, missing)

    # -- resynchronising ------------------------------------------------------------

    def _resync(self, segment: Segment, target: int, estimate: Estimator) -> Optional[Segment]:
        """Resync at ``target``, further back where that is of no use, further on where the body still goes on."""
        back, dense = self._settings.step_back, _DENSE
        patience = _PATIENCE  # more of it where samples have misled: a gap need not hold what they tell
        rejected: Optional[Entry] = None
        while target - segment.at >= self._settings.least:
            in_flight = self._fetcher.throughput.in_flight
            if in_flight:  # what comes after the resync is on its way while that is looked for
                self._fetcher.ahead(target, target + self._prober.piece + in_flight)
            place = self._prober.boundary_from(target)
            if place is None:
                dense -= 1
                if not self._prober.dense or not dense:
                    return None
                target -= back
                back *= 2
                continue
            resynced, further = None, None
            try:
                resynced, further = self._follow(segment, place, estimate, patience)
            except Endless:
                return None
            except Doubtful:
                pass
            except CorruptLayer:
                self._prober.misled()
            except _Passed:
                patience *= 2
                back = max(back, int(estimate.reach().doubt))
            if resynced is not None:
                if patience > _PATIENCE or self._trusted(resynced, segment, rejected):
                    return self._looked_back(segment, resynced, estimate)
                rejected = resynced.entries[0] if resynced.entries else None
            if further is not None:
                target = further
                continue
            estimate.bound(place[0])
            target = place[0] - back
            back *= 2
        return None

    def _trusted(self, resynced: Segment, before: Segment, rejected: Optional[Entry]) -> bool:
        """Whether a resync has not gone past headers, by samples or by another one that found ``rejected`` first."""
        if rejected is not None and resynced.entries and _same(rejected, resynced.entries[0]):
            return True  # two that find the same header have not both gone past others
        return self._credible(resynced, before)

    def _looked_back(self, before: Segment, resynced: Segment, estimate: Estimator) -> Optional[Segment]:
        """Return a resync that begins in the body for all that samples tell, but for a small file.

        One that may lie behind the body's end, and other files, is looked back
        from until it does not. None where that is all of the gap.
        """
        found: Optional[Segment] = resynced
        looking = LookingBack(self._fetcher, self._settings, self._prober, self.pieces)
        most = before.walker.owed + self._settings.least // _SMALL
        while found is not None:
            sure = estimate.before(most, found.bit // 8, _SURE)
            if sure >= found.bit // 8:
                break
            if found.tail:  # nothing comes after it that a header found before it could lead to
                return None
            found = looking.from_before(before, found, found.begins - sure + self._prober.piece)
            if found is not None:
                self._told(found, estimate)
        return found

    def _follow(
        self, segment: Segment, place: Tuple[int, bytes, Boundary], estimate: Estimator, patience: float
    ) -> Tuple[Optional[Segment], Optional[int]]:
        """Read on from a resync until it is settled; return the segment, or where to resync further on.

        Raises Doubtful and CorruptLayer where this place is of no use, _Passed
        where the body should have ended by so many standard deviations.
        """
        start, piece, boundary = place
        size, begin, at = self._fetcher.size, start + boundary.bit // 8, start + len(piece)
        resync, data = resync_at(segment, piece, boundary, self._dense)
        while True:
            output = resync.stream.output
            try:
                at -= _fed(resync, data)
            finally:
                self._dense = resync.dense
            self._limits.check_size(segment.position + resync.stream.output, at)
            if resync.first is None:
                estimate.add(begin, at, resync.stream.output - output)
                begin = at
                further = self._further(at, estimate) if patience == _PATIENCE else None
                if further is not None:
                    return None, further
                if estimate.passed(at, patience):
                    raise _Passed
            if resync.settled:
                found = self._settled(segment, 8 * start + boundary.bit, at, resync, estimate)
                if self._fast and self._fetcher.keeps:
                    more = self.pieces(start + len(piece), at)
                    found.stream = quickened(found.stream, piece[: at - start], boundary, more)
                return found, None
            if at >= size:
                return self._ended(segment, 8 * start + boundary.bit, resync, estimate), None
            data = self.read_on(at)
            at += len(data)

    def _further(self, at: int, estimate: Estimator) -> Optional[int]:
        """Return where to resync next, when the body goes on much further than ``at``."""
        if self._prober.sure(estimate) - at < 4 * self.least:
            return None
        return self._prober.target(at, estimate, self._apart)

    def _settled(self, segment: Segment, bit: int, at: int, resync: Resync, estimate: Estimator) -> Segment:
        estimate.bound(at)  # what was seen behind that is of other bodies
        found = settled(segment, bit, at, resync)
        found.entries, found.blind = resync.entries, resync.blind if resync.doubted else 0
        return self._told(found, estimate)

    def _ended(self, segment: Segment, bit: int, resync: Resync, estimate: Estimator) -> Segment:
        """Return the segment of a resync that has come to the blob's end. Raises Doubtful, CorruptLayer, LastBody."""
        if not self._sure and resync.first is None:
            raise LastBody
        return self._told(at_the_end(segment, bit, resync, self._fetcher.size), estimate)

    def _told(self, found: Segment, estimate: Estimator) -> Segment:
        """Note what samples told of the gap before a segment."""
        at = found.bit // 8
        found.expected, deviation = estimate.output_at(at)
        found.deviation = max(deviation, float(self._settings.step_back))
        found.unseen = estimate.unseen(at)
        return found

    def _credible(self, resynced: Segment, before: Segment) -> bool:
        """Whether a gap holds about what samples told."""
        off = abs(gap(before, resynced) - resynced.expected) / resynced.deviation
        return off <= (_DUBIOUS if resynced.blind else _INCREDIBLE)


def _fed(resync: Resync, data: bytes) -> int:
    """Feed a resync until it is settled; return how many bytes are left of ``data``."""
    for at in range(0, len(data), _PART):
        resync.feed(data[at : at + _PART])
        if resync.settled:
            return max(0, len(data) - at - _PART)
    return 0


def _same(one: Entry, other: Entry) -> bool:
    return one._replace(offset=0) == other._replace(offset=0)
