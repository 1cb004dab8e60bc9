"""Which gaps to doubt when the lengths do not add up, and which to read up to what is sought. No I/O."""

from __future__ import annotations

from typing import Callable, List, Optional, Sequence, Tuple

from ...formats.entry import Entry
from .segments import Segment, gap

_LOOK = 256 * 1024  # bytes of the blob that looking behind a resync costs at least


def gaps_by_doubt(segments: Sequence[Segment], missing: int, whole: bool = False) -> List[int]:
    """Return the numbers of segments before which ``missing`` bytes may have been lost, the best to look at first.

    That is, the likeliest for the bytes that it costs: ``whole``, those of all
    the gap. What samples told is wrong by far more often than a normal
    distribution has it.
    """
    worth = []
    for number in range(1, len(segments)):
        before, after = segments[number - 1], segments[number]
        off = gap(before, after) - after.expected
        likely = (1 + (off / after.deviation) ** 2) / (1 + ((off + missing) / after.deviation) ** 2)
        if 0 < missing <= after.first and after.first - missing >= after.blind:
            likely = 1e-9  # a header there would have been seen
        passed = max(after.begins - before.at, 1)
        if whole:
            worth.append((False, likely / passed, number))
            continue
        cost = min(passed, max(0, missing - after.first) / max(1.0, after.expected / passed) + _LOOK)
        worth.append((after.missed, likely / cost, number))
    return [number for _, _, number in sorted(worth, reverse=True)]


class GapsWorthReading:
    """Looks at each entry behind a leap once."""

    def __init__(self) -> None:
        self._met: Optional[Segment] = None  # has what is sought, if it is true
        self._looked: Tuple[Optional[Segment], int] = (None, 0)  # how many entries of which segment

    def look(self, segments: Sequence[Segment], sought: Callable[[Sequence[Entry]], bool]) -> None:
        """See whether what is ``sought`` is among what was found since the last time."""
        last = segments[-1]
        if len(segments) == 1:
            return
        fresh = last.entries[self._looked[1] if self._looked[0] is last else 0 :]
        self._looked = (last, len(last.entries))
        if self._met is None and fresh and sought(fresh):
            self._met = last

    def gaps_to_close(self, segments: Sequence[Segment], rest: float) -> int:
        """Return how many gaps to read, the first ones, so that it is sure; 0 where nothing is met.

        None too as long as ``rest``, the bytes of the blob still to be read
        otherwise, is less: then the lengths will tell. Either way no more is read,
        leaps aside, than by a stream that ends with what is sought.
        """
        number = next((number for number, segment in enumerate(segments) if segment is self._met), 0)
        if not number:  # a repair has done away with it, if there was any
            self._met = None
            return 0
        gaps = sum(after.begins - before.at for before, after in zip(segments[:number], segments[1:]))
        if gaps > rest:
            return 0
        self._met = None
        return number
