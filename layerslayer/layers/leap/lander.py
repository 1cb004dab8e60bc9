"""Finding the end of a body without reading the body: landing near it, going on to the next header."""

from __future__ import annotations

from typing import Iterator, Optional, Tuple

from ...entries import Entry
from ...errors import CorruptLayer
from ...limits import check_size
from .aiming import Aim
from .boundaries import Boundary
from .fetching import Fetcher
from .landing import Doubtful, Landing
from .looking_back import LookingBack
from .sampling import Samples
from .settling import at_the_end, landed_at, settled
from .stretches import GREATEST_EXPANSION, Stretch, gap
from .tuning import Tuning

_INCREDIBLE = 5.0  # standard deviations that a gap may be off
_DUBIOUS = 2.0  # the same, where a header may have been missed
_PATIENCE = 2.0  # standard deviations that a body may go on beyond its probable end; then twice as many
_SHARE = 32  # one part in so many of what was read in a row is asked for at once
_MOST_ASKED = 1024 * 1024  # bytes of a request


class _Passed(Exception):
    """What is read is another body: the one that was to be left has ended before."""


class Lander:
    """Lands in one blob."""

    def __init__(self, fetcher: Fetcher, tuning: Tuning) -> None:
        self._fetcher = fetcher
        self._tuning = tuning
        self._aim = Aim(fetcher, tuning)

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

    def leap(self, stretch: Stretch, expansion: float) -> Optional[Stretch]:
        """Return the stretch that begins in the body which ``stretch`` has come to, and leads out of it.

        None where reading on is better. ``expansion`` is what to expect of the body at first.
        """
        owed, left = stretch.walker.owed, self._fetcher.size - stretch.at
        if self._aim.hopeless or owed < self.least or owed > GREATEST_EXPANSION * left:
            return None
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
        back, patience = self._tuning.step_back, _PATIENCE
        rejected: Optional[Entry] = None
        while target - stretch.at >= self._tuning.least:
            in_flight = self._fetcher.pace.in_flight
            if in_flight:  # what comes after the landing is on its way while that is looked for
                self._fetcher.ahead(target, target + self._aim.piece + in_flight)
            place = self._aim.boundary_from(target)
            if place is None:
                return None
            landed, further = None, None
            try:
                landed, further = self._follow(stretch, place, samples, patience)
            except (Doubtful, CorruptLayer):
                pass
            except _Passed:
                patience *= 2
                back = max(back, int(samples.reach().doubt))
            if landed is not None:
                # Two landings that find the same header have not both gone past others.
                found = landed.entries[0] if landed.entries else None  # none: only the archive's end comes after it
                again = found is not None and rejected is not None and _same(rejected, found)
                misled = patience > _PATIENCE  # by samples: a gap need not hold what they tell
                if found is None or again or misled or self._credible(landed, stretch):
                    return landed
                rejected = found
            if further is not None:
                target = further
                continue
            samples.bound(place[0])
            target = place[0] - back
            back *= 2
        return None

    def _follow(
        self, stretch: Stretch, place: Tuple[int, bytes, Boundary], samples: Samples, patience: float
    ) -> Tuple[Optional[Stretch], Optional[int]]:
        """Read on from a landing until it is settled; return the stretch, or where to land further on.

        Raises Doubtful and CorruptLayer where this place is of no use, _Passed
        where the body should have ended by so many standard deviations.
        """
        start, piece, boundary = place
        landing, data = landed_at(stretch, piece, boundary)
        size, begin, at = self._fetcher.size, start + boundary.bit // 8, start + len(piece)
        while True:
            output = landing.stream.output
            landing.feed(data)
            check_size(stretch.position + landing.stream.output, at)
            if landing.first is None:
                samples.add(begin, at, landing.stream.output - output)
                begin = at
                further = self._further(at, samples) if patience == _PATIENCE else None
                if further is not None:
                    return None, further
                if samples.passed(at, patience):
                    raise _Passed
            if landing.settled:
                return self._settled(stretch, 8 * start + boundary.bit, at, landing, samples), None
            if at >= size:
                return at_the_end(stretch, 8 * start + boundary.bit, landing, size), None
            data = self.read_on(at)
            at += len(data)

    def _further(self, at: int, samples: Samples) -> Optional[int]:
        """Return where to land next, when the body goes on much further than ``at``."""
        if self._aim.sure(samples) - at < 4 * self.least:
            return None
        return self._aim.target(at, samples)

    def _settled(self, stretch: Stretch, bit: int, at: int, landing: Landing, samples: Samples) -> Stretch:
        found = settled(stretch, bit, at, landing)
        found.entries, found.blind = landing.entries, landing.blind if landing.doubted else 0
        found.expected, deviation = samples.output_at(bit // 8)
        found.deviation = max(deviation, float(self._tuning.step_back))
        return found

    def _credible(self, landed: Stretch, before: Stretch) -> bool:
        """Whether a gap holds about what samples told."""
        off = abs(gap(before, landed) - landed.expected) / landed.deviation
        return off <= (_DUBIOUS if landed.blind else _INCREDIBLE)


def _same(one: Entry, other: Entry) -> bool:
    return one._replace(offset=0) == other._replace(offset=0)
