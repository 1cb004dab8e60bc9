"""How far a body reaches in the compressed stream, guessed from samples of how well its parts compress. Pure.

Between two samples the expansion (bytes out for a byte in) is taken to change
evenly; how much they differ says how wrong that may be.
"""

from __future__ import annotations

import bisect
import math
from typing import List, NamedTuple, Optional, Tuple

_BASE = 0.1  # of the mean expansion of a span between two samples, what is never known
_SPREAD = 0.7  # of the difference between its two ends: what one sample a span leaves open
_LEAST_DEVIATION = 0.02  # of what output is expected
_STEEPEST = 600.0  # scales off: what a float still tells from nothing
_BEYOND = 0.25  # what is not known of a span that no sample bounds


class Reach(NamedTuple):
    """Where in the blob a body probably ends; ``doubt`` is one standard deviation, in bytes of the blob."""

    end: float
    doubt: float


class Estimator:
    """Samples of one body. ``start`` is where in the blob they count from, ``left`` the bytes of
    the body, uncompressed, that come after that; ``expansion`` is what its beginning, or else the
    layer so far, has shown."""

    def __init__(self, start: int, left: int, expansion: float, limit: int) -> None:
        self.start = start
        self.left = left
        self.limit = limit  # of the blob: no body reaches further
        self.ceiling: Optional[int] = None  # where something else than the body was seen
        self._at: List[int] = [start]
        self._to: List[int] = [start]  # each sample is a span
        self._expansions: List[float] = [expansion]
        self._places: List[int] = []  # where one can resync, in the body or behind it

    def begins(self, length: int, output: int) -> None:
        """Take that so many bytes before the start, which inflate to ``output`` bytes, are of the body too."""
        self._at[0], self._expansions[0] = self.start - length, max(output, 1) / length

    def add(self, start: int, end: int, output: int, place: Optional[int] = None) -> None:
        """Take that the bytes [start, end) of the blob inflate to ``output`` bytes, all of the body.

        ``place`` is where one can resync to begin there.
        """
        if end <= start:
            return
        if place is not None:
            self._places.append(place)
        output = max(output, 1)  # a stream may be all empty blocks
        number = bisect.bisect_right(self._at, start)
        if number > 1 and self._to[number - 1] == start:  # goes on with the one before
            number -= 1
            begin = self._at[number]
            output += int(self._expansions[number] * (start - begin))
            self._to[number], self._expansions[number] = end, output / (end - begin)
            return
        self._at.insert(number, start)
        self._to.insert(number, end)
        self._expansions.insert(number, output / (end - start))

    def bound(self, at: int) -> None:
        """Take that the body has ended before ``at``: what was sampled behind that was something else."""
        self.ceiling = at if self.ceiling is None else min(self.ceiling, at)
        keep = max(1, bisect.bisect_left(self._at, at))
        del self._at[keep:], self._to[keep:], self._expansions[keep:]

    def last_place(self, before: float) -> Optional[int]:
        """Return the last place where one can resync before there and behind nothing else than the body."""
        if self.ceiling is not None:
            before = min(before, self.ceiling)
        return max((place for place in self._places if place < before), default=None)

    def left_behind(self, low: int, high: int) -> float:
        """Return how far beyond ``low`` the body is expected to reach, when it ends before ``high``."""
        return sum(self._quantiles(8, low, high)) / 8 - low

    def places(self, count: int, low: int, high: int) -> List[int]:
        """Return ``count`` places that divide what is between into parts that are as likely to hold the body's end."""
        return sorted({int(place) for place in self._quantiles(count, low, high)})

    def _quantiles(self, count: int, low: int, high: int) -> List[float]:
        reach, parts = self.reach(), [(number + 1) / (count + 1) for number in range(count)]
        return truncated_logistic(parts, reach.end, max(reach.doubt, 1.0), low, max(high, low))

    def output_at(self, at: int) -> Tuple[float, float]:
        """Return how much of the body comes before ``at``, uncompressed, and the standard deviation of that."""
        total = variance = 0.0
        for begin, end, expansion, doubt in self._spans(at):
            total += (end - begin) * expansion
            variance += ((end - begin) * doubt) ** 2
        return total, max(math.sqrt(variance), _LEAST_DEVIATION * total)

    def before(self, output: int, at: int, deviations: float) -> int:
        """Return the last place up to ``at`` before which there is no more ``output``, by so many deviations."""
        low, high = self.start, at
        while low < high:
            middle = (low + high + 1) // 2
            made, deviation = self.output_at(middle)
            low, high = (middle, high) if made + deviations * deviation <= output else (low, middle - 1)
        return low

    def passed(self, at: int, deviations: float) -> bool:
        """Whether the body has probably ended before ``at``, by more than so many standard deviations."""
        output, deviation = self.output_at(at)
        return output - deviations * deviation > self.left

    def reach(self) -> Reach:
        """Return where the body probably ends."""
        total = variance = 0.0
        for begin, end, expansion, doubt in self._spans(self.limit):
            amount = (end - begin) * expansion
            if total + amount >= self.left or end >= self.limit:
                length = min((self.left - total) / expansion, self.limit - begin)
                variance += (length * doubt) ** 2
                return Reach(begin + length, math.sqrt(variance) / expansion)
            total += amount
            variance += ((end - begin) * doubt) ** 2
        return Reach(float(self.limit), 0.0)

    def spread(self, count: int) -> List[int]:
        """Return up to ``count`` places for more samples, in order: where none is for the longest.

        Not where samples differ most: that would thin out what is rare, and so think it rarer than it is.
        """
        end = int(min(self.reach().end, self.ceiling or self.limit))
        spans = [(begin, min(to, end)) for begin, to, _, doubt in self._spans(end) if doubt]
        for _ in range(count - len(spans)):
            longest = max(spans, key=lambda span: span[1] - span[0], default=(end, end))
            middle = (longest[0] + longest[1]) // 2
            if longest in spans:
                spans.remove(longest)
                spans += [(longest[0], middle), (middle, longest[1])]
        spans.sort(key=lambda span: span[0] - span[1])
        return sorted((begin + to) // 2 for begin, to in spans[:count])

    def between(self, apart: int, until: int, most: int) -> List[int]:
        """Return places for more samples before ``until``, so that no two of them lie further than that ``apart``.

        Where that takes more than ``most`` places, some of them, and more than ``most``.
        """
        found: List[int] = []
        for begin, end, _, doubt in self._spans(until):
            parts = -(-(end - begin) // max(apart, 1)) if doubt else 1
            wanted = range(1, min(parts, most + 2))
            found += [begin + (end - begin) * part // parts for part in wanted]
        return found

    def unseen(self, until: int) -> int:
        """Return how many bytes before ``until`` lie between two samples, at most."""
        return max([end - begin for begin, end, _, doubt in self._spans(until) if doubt], default=0)

    @property
    def count(self) -> int:
        """How many samples were taken."""
        return len(self._at) - 1

    def _spans(self, until: int) -> List[Tuple[int, int, float, float]]:
        """Return begin, end, mean expansion and the doubt of that, for what is before ``until``."""
        found = []
        for place, (begin, end, expansion) in enumerate(zip(self._at, self._to, self._expansions)):
            if begin >= until:
                break
            if place and end > begin:
                found.append((begin, min(end, until), expansion, 0.0))
            if end >= until:
                break
            if place + 1 < len(self._at):
                following = self._expansions[place + 1]
                if end == begin:  # what is known of other bodies says little of this one
                    expansion = following
                mean = (expansion + following) / 2
                doubt = max(_SPREAD * abs(expansion - following), _BASE * mean)
                found.append((end, min(self._at[place + 1], until), mean, doubt))
            else:
                found.append((end, until, expansion, _BEYOND * expansion))
        return [item for item in found if item[1] > item[0]]


def truncated_logistic(parts: List[float], mean: float, deviation: float, low: float, high: float) -> List[float]:
    """Return below which values the ``parts`` (each 0 to 1) of a logistic distribution between two bounds lie.

    Its tails are heavier than a normal one's: a guess that was wrong is left behind in strides.
    """
    if low < high <= mean:  # where what lies above a value would be all but 1: the mirror image keeps the digits
        mirrored = truncated_logistic([1 - part for part in parts], -mean, deviation, -high, -low)
        return [-value for value in mirrored]
    scale = deviation * math.sqrt(3) / math.pi
    above = [1 / (1 + math.exp(max(-_STEEPEST, min(_STEEPEST, (bound - mean) / scale)))) for bound in (low, high)]
    if above[0] <= above[1]:
        return [low + (high - low) * part for part in parts]
    found = []
    for part in parts:
        share = above[0] - part * (above[0] - above[1])
        value = mean + scale * (math.log1p(-share) - math.log(share)) if 0 < share < 1 else low if part < 0.5 else high
        found.append(min(max(value, low), high))
    return found
