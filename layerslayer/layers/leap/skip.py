"""Finding the end of a body without reading the body: landing near it, going on to the next header."""

from __future__ import annotations

from typing import Iterator, Optional, Tuple

from ...errors import CorruptLayer
from ...formats.entry import Entry
from ...formats.gzip.block_finder import DENSE, Boundary
from ...formats.gzip.fast_inflate import quickened
from ...limits import DEFAULT, Limits
from .backtrack import LookingBack
from .estimate import Samples
from .probe import Aim
from .range_fetcher import Fetcher
from .resync import Doubtful, Endless, Landing
from .resync_segments import LastBody, at_the_end, landed_at, settled
from .segments import Stretch, gap
from .settings import Tuning

_INCREDIBLE = 5.0  # standard deviations that a gap may be off
_DUBIOUS = 2.0  # the same, where a header may have been missed
_SURE = 0.8  # the same, by which a landing must lie before the body's probable end
_SMALL = 10  # one part in so many of what a leap must save: what may be missed without looking back
_PATIENCE = 2.0  # standard deviations that a body may go on beyond its probable end; then twice as many
_LEAST_DENSE = 4 * 1024 * 1024
_PART = 8 * 1024  # bytes that a landing is fed with at a time
_DENSE = 4  # places to land at where too much comes out
_SHARE = 32  # one part in so many of what was read in a row is asked for at once
_MOST_ASKED = 1024 * 1024  # bytes of a request


class _Passed(Exception):
    """What is read is another body: the one that was to be left has ended before."""


class Lander:
    """Lands in one blob. ``fast``: what is landed in is read on from only."""

    def __init__(self, fetcher: Fetcher, tuning: Tuning, fast: bool = False, limits: Limits = DEFAULT) -> None:
        self._limits = limits
        self._fast = fast  # streams need not be copied
        self._fetcher = fetcher
        self._tuning = tuning
        self._aim = Aim(fetcher, tuning)
        # Bytes of output that may come of hardly any input, of all landings: some of what reading the blob takes.
        self._dense = max(_LEAST_DENSE, fetcher.size // 2)
        self._sure = True  # where the body ends that is being leapt over

    @property
    def least(self) -> int:
        """Bytes that a leap must save to be worth its requests."""
        return self._aim.least

    def read_on(self, start: int, walked: int = 0, most: int = _MOST_ASKED) -> bytes:
        """Return the next bytes of the blob, of which nobody knows how many more will be needed.

        On a line that takes its time so much is asked for that it is never idle,
        but no more than ``most`` bytes and what else the last request brings. A
        request is for more at once after ``walked`` bytes without a leap.
        """
        chunk, in_flight = self._tuning.chunk, self._fetcher.pace.in_flight
        request = min(max(chunk, walked // _SHARE // chunk * chunk, in_flight), max(chunk, most), _MOST_ASKED)
        self._fetcher.ahead(start, start + max(request, min(chunk + 2 * in_flight, most)), request)
        return self._fetcher.read(start, min(start + chunk, self._fetcher.size))

    def pieces(self, start: int, end: int) -> Iterator[bytes]:
        """Yield the bytes [start, end) of the blob, all of which are needed, by small pieces."""
        chunk, in_flight = self._tuning.chunk, self._fetcher.pace.in_flight
        for at in range(start, end, chunk):
            self._fetcher.ahead(at, min(at + chunk + 2 * in_flight, end), min(_MOST_ASKED, end - at))
            yield self._fetcher.read(at, min(at + chunk, end))

    def boundary_from(self, start: int) -> Optional[Tuple[int, bytes, Boundary]]:
        """Return where a piece of the blob begins, at ``start``, the piece, and a block's beginning in it."""
        return self._aim.boundary_from(start)

    def leap(self, stretch: Stretch, expansion: float, sure: bool = True) -> Optional[Stretch]:
        """Return the stretch that begins in the body which ``stretch`` has come to, and leads out of it.

        None where reading on is better. ``expansion`` is what to expect of the
        body at first. ``sure``: nothing was leapt over before, so where the body
        ends is known. Raises LastBody where it is not and no header follows.
        """
        owed, left = stretch.walker.owed, self._fetcher.size - stretch.at
        if self._aim.hopeless or owed < self.least or owed > DENSE * left:
            return None
        self._sure = sure
        samples = Samples(stretch.at, owed, expansion, self._fetcher.size)
        read, output = stretch.shown
        if read:
            samples.begins(read, output)
        target = self._aim.target(stretch.at, samples)
        return self._land(stretch, target, samples) if target is not None else None

    def look_back(self, before: Stretch, after: Stretch, missing: int) -> Optional[Stretch]:
        """Land before the landing of ``after``; see ``LookingBack.look``."""
        back = LookingBack(self._fetcher, self._tuning, self._aim, self.pieces)
        return back.look(before, after, missing)

    # -- landing ------------------------------------------------------------

    def _land(self, stretch: Stretch, target: int, samples: Samples) -> Optional[Stretch]:
        """Land at ``target``, further back where that is of no use, further on where the body still goes on."""
        back, patience, dense = self._tuning.step_back, _PATIENCE, _DENSE
        rejected: Optional[Entry] = None
        while target - stretch.at >= self._tuning.least:
            in_flight = self._fetcher.pace.in_flight
            if in_flight:  # what comes after the landing is on its way while that is looked for
                self._fetcher.ahead(target, target + self._aim.piece + in_flight)
            place = self._aim.boundary_from(target)
            if place is None:
                dense -= 1
                if not self._aim.dense or not dense:
                    return None
                target -= back
                back *= 2
                continue
            landed, further = None, None
            try:
                landed, further = self._follow(stretch, place, samples, patience)
            except Endless:
                return None
            except Doubtful:
                pass
            except CorruptLayer:
                self._aim.misled()
            except _Passed:
                patience *= 2
                back = max(back, int(samples.reach().doubt))
            if landed is not None:
                # Two landings that find the same header have not both gone past others.
                found = landed.entries[0] if landed.entries else None  # none: only the archive's end comes after it
                again = found is not None and rejected is not None and _same(rejected, found)
                misled = patience > _PATIENCE  # by samples: a gap need not hold what they tell
                if found is None:
                    return landed
                if again or misled or self._credible(landed, stretch):
                    return self._looked_back(stretch, landed, samples)
                rejected = found
            if further is not None:
                target = further
                continue
            samples.bound(place[0])
            target = place[0] - back
            back *= 2
        return None

    def _looked_back(self, before: Stretch, landed: Stretch, samples: Samples) -> Optional[Stretch]:
        """Return a landing that begins in the body for all that samples tell, but for a small file.

        One that may lie behind the body's end, and other files, is looked back
        from until it does not. None where that is all of the gap.
        """
        found: Optional[Stretch] = landed
        looking = LookingBack(self._fetcher, self._tuning, self._aim, self.pieces)
        most = before.walker.owed + self._tuning.least // _SMALL
        while found is not None:
            sure = samples.before(most, found.bit // 8, _SURE)
            if sure >= found.bit // 8:
                break
            found = looking.from_before(before, found, found.begins - sure + self._aim.piece)
            if found is not None:
                self._told(found, samples)
        return found

    def _follow(
        self, stretch: Stretch, place: Tuple[int, bytes, Boundary], samples: Samples, patience: float
    ) -> Tuple[Optional[Stretch], Optional[int]]:
        """Read on from a landing until it is settled; return the stretch, or where to land further on.

        Raises Doubtful and CorruptLayer where this place is of no use, _Passed
        where the body should have ended by so many standard deviations.
        """
        start, piece, boundary = place
        size, begin, at = self._fetcher.size, start + boundary.bit // 8, start + len(piece)
        landing, data = landed_at(stretch, piece, boundary, self._dense)
        while True:
            output = landing.stream.output
            try:
                at -= _fed(landing, data)
            finally:
                self._dense = landing.dense
            self._limits.check_size(stretch.position + landing.stream.output, at)
            if landing.first is None:
                samples.add(begin, at, landing.stream.output - output)
                begin = at
                further = self._further(at, samples) if patience == _PATIENCE else None
                if further is not None:
                    return None, further
                if samples.passed(at, patience):
                    raise _Passed
            if landing.settled:
                found = self._settled(stretch, 8 * start + boundary.bit, at, landing, samples)
                if self._fast and self._fetcher.keeps:
                    more = self.pieces(start + len(piece), at)
                    found.stream = quickened(found.stream, piece[: at - start], boundary, more)
                return found, None
            if at >= size:
                return self._ended(stretch, 8 * start + boundary.bit, landing, samples), None
            data = self.read_on(at)
            at += len(data)

    def _further(self, at: int, samples: Samples) -> Optional[int]:
        """Return where to land next, when the body goes on much further than ``at``."""
        if self._aim.sure(samples) - at < 4 * self.least:
            return None
        return self._aim.target(at, samples)

    def _settled(self, stretch: Stretch, bit: int, at: int, landing: Landing, samples: Samples) -> Stretch:
        samples.bound(at)  # what was seen behind that is of other bodies
        found = settled(stretch, bit, at, landing)
        found.entries, found.blind = landing.entries, landing.blind if landing.doubted else 0
        return self._told(found, samples)

    def _ended(self, stretch: Stretch, bit: int, landing: Landing, samples: Samples) -> Stretch:
        """Return the stretch of a landing that has come to the blob's end. Raises Doubtful, CorruptLayer, LastBody."""
        if not self._sure and landing.first is None:
            raise LastBody
        return self._told(at_the_end(stretch, bit, landing, self._fetcher.size), samples)

    def _told(self, found: Stretch, samples: Samples) -> Stretch:
        """Note what samples told of the gap before a stretch."""
        at = found.bit // 8
        found.expected, deviation = samples.output_at(at)
        found.deviation = max(deviation, float(self._tuning.step_back))
        found.unseen = samples.unseen(at)
        return found

    def _credible(self, landed: Stretch, before: Stretch) -> bool:
        """Whether a gap holds about what samples told."""
        off = abs(gap(before, landed) - landed.expected) / landed.deviation
        return off <= (_DUBIOUS if landed.blind else _INCREDIBLE)


def _fed(landing: Landing, data: bytes) -> int:
    """Feed a landing until it is settled; return how many bytes are left of ``data``."""
    for at in range(0, len(data), _PART):
        landing.feed(data[at : at + _PART])
        if landing.settled:
            return max(0, len(data) - at - _PART)
    return 0


def _same(one: Entry, other: Entry) -> bool:
    return one._replace(offset=0) == other._replace(offset=0)
