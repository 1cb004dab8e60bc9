"""How far a body reaches in the compressed stream, guessed from samples of how well its parts compress. Pure.

Between two samples the expansion (bytes out for a byte in) is taken to change
evenly; how much they differ says how wrong that may be.
"""

from __future__ import annotations

import bisect
import math
from typing import List, NamedTuple, Optional, Tuple

_BASE = 0.1  # of the mean expansion of a stretch between two samples, what is never known
_SPREAD = 0.7  # of the difference between its two ends: what one sample a stretch leaves open
_BEYOND = 0.25  # what is not known of a stretch that no sample bounds


class Reach(NamedTuple):
    """Where in the blob a body probably ends; ``doubt`` is one standard deviation, in bytes of the blob."""

    end: float
    doubt: float


class Samples:
    """Samples of one body. ``start`` is where in the blob they count from, ``left`` the bytes of
    the body, uncompressed, that come after that; ``expansion`` is what its beginning, or else the
    layer so far, has shown."""

    def __init__(self, start: int, left: int, expansion: float, limit: int) -> None:
        self.start = start
        self.left = left
        self.limit = limit  # of the blob: no body reaches further
        self.ceiling: Optional[int] = None  # where something else than the body was seen
        self._at: List[int] = [start]
        self._to: List[int] = [start]  # each sample is a stretch
        self._expansions: List[float] = [expansion]

    def add(self, start: int, end: int, output: int) -> None:
        """Take that the bytes [start, end) of the blob inflate to ``output`` bytes."""
        if end <= start:
            return
        output = max(output, 1)  # a stream may be all empty blocks
        place = bisect.bisect_right(self._at, start)
        if place > 1 and self._to[place - 1] == start:  # goes on with the one before
            place -= 1
            begin = self._at[place]
            output += int(self._expansions[place] * (start - begin))
            self._to[place], self._expansions[place] = end, output / (end - begin)
            return
        self._at.insert(place, start)
        self._to.insert(place, end)
        self._expansions.insert(place, output / (end - start))

    def bound(self, at: int) -> None:
        """Take that the body has ended before ``at``."""
        self.ceiling = at if self.ceiling is None else min(self.ceiling, at)

    def output_at(self, at: int) -> Tuple[float, float]:
        """Return how much of the body comes before ``at``, uncompressed, and the standard deviation of that."""
        total = variance = 0.0
        for begin, end, expansion, doubt in self._stretches(at):
            total += (end - begin) * expansion
            variance += ((end - begin) * doubt) ** 2
        return total, math.sqrt(variance)

    def reach(self) -> Reach:
        """Return where the body probably ends."""
        total = variance = 0.0
        for begin, end, expansion, doubt in self._stretches(self.limit):
            amount = (end - begin) * expansion
            if total + amount >= self.left or end >= self.limit:
                length = min((self.left - total) / expansion, self.limit - begin)
                variance += (length * doubt) ** 2
                return Reach(begin + length, math.sqrt(variance) / expansion)
            total += amount
            variance += ((end - begin) * doubt) ** 2
        return Reach(float(self.limit), 0.0)

    def wanted(self, count: int) -> List[int]:
        """Return up to ``count`` places for more samples, in order: where none is for the longest.

        Not where samples differ most: that would thin out what is rare, and so think it rarer than it is.
        """
        end = int(min(self.reach().end, self.ceiling or self.limit))
        spans = [(begin, min(to, end)) for begin, to, _, doubt in self._stretches(end) if doubt]
        for _ in range(count - len(spans)):
            longest = max(spans, key=lambda span: span[1] - span[0], default=(end, end))
            middle = (longest[0] + longest[1]) // 2
            if longest in spans:
                spans.remove(longest)
                spans += [(longest[0], middle), (middle, longest[1])]
        spans.sort(key=lambda span: span[0] - span[1])
        return sorted((begin + to) // 2 for begin, to in spans[:count])

    @property
    def count(self) -> int:
        """How many samples were taken."""
        return len(self._at) - 1

    def _stretches(self, until: int) -> List[Tuple[int, int, float, float]]:
        """Return begin, end, mean expansion and the doubt of that, for what is before ``until``."""
        found = []
        for place, (begin, end, expansion) in enumerate(zip(self._at, self._to, self._expansions)):
            if begin >= until:
                break
            if end > begin:
                found.append((begin, min(end, until), expansion, 0.0))
            if end >= until:
                break
            if place + 1 < len(self._at):
                following = self._expansions[place + 1]
                if not place and end == begin:  # what is known of other bodies says little of this one
                    expansion = following
                mean = (expansion + following) / 2
                doubt = max(_SPREAD * abs(expansion - following), _BASE * mean)
                found.append((end, min(self._at[place + 1], until), mean, doubt))
            else:
                found.append((end, until, expansion, _BEYOND * expansion))
        return [item for item in found if item[1] > item[0]]
