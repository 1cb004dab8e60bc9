"""Landing once more, before a landing that perhaps missed headers, to find those."""

from __future__ import annotations

from typing import Callable, Iterator, Optional, Tuple

from ...errors import CorruptLayer
from ...formats.tar.header import BLOCK
from .probe import Aim
from .range_fetcher import Fetcher
from .resync import Doubtful, Endless, Landing
from .resync_segments import landed_at, settled
from .segments import Stretch
from .settings import Tuning

_DENSE = 4 * 1024 * 1024  # bytes of output that may come of hardly any input


class LookingBack:
    """Looks back in one blob. ``pieces`` yields the bytes of it from one place to another."""

    def __init__(
        self, fetcher: Fetcher, tuning: Tuning, aim: Aim, pieces: Callable[[int, int], Iterator[bytes]]
    ) -> None:
        self._fetcher = fetcher
        self._tuning = tuning
        self._aim = aim
        self._pieces = pieces

    def look(self, before: Stretch, after: Stretch, missing: int) -> Optional[Stretch]:
        """Land before the landing of ``after``, which perhaps missed headers of ``missing`` bytes in all.

        Returns a stretch that leads into ``after`` by headers of its own. None
        where there are none; what was read of the body then belongs to ``after``.
        """
        wanted = after.first + int(1.5 * max(0, missing - after.first)) + 1  # bytes before the first header
        within = missing <= after.first  # among what was not certain, right after the landing
        back = self._tuning.step_back
        if after.missed:  # it is here that headers are missing, so go back as far as that takes
            back += int(max(0, missing - after.first) / max(1.0, after.expected / max(1, after.begins - before.at)))
        while after.first < wanted:
            start = after.begins - back
            if start - before.at < self._tuning.step_back:
                return None
            try:
                fuller = self._leading_into(before, after, start, within)
            except (Doubtful, Endless, CorruptLayer):
                fuller = None
            if fuller is not None or within:
                return fuller
            back *= 2
        return None

    def from_before(self, before: Stretch, after: Stretch, back: int) -> Optional[Stretch]:
        """Land ``back`` bytes of the blob before ``after``, or further; return what the landing is then.

        That is ``after``, which begins there, if no header was missed; else a
        stretch that leads into it. None where it cannot be told.
        """
        while after.begins - back - before.at >= self._tuning.step_back:
            begun = after.bit
            try:
                fuller = self._leading_into(before, after, after.begins - back, False)
            except (Doubtful, Endless, CorruptLayer):
                fuller = None
            if fuller is not None:
                return fuller
            if after.bit < begun:
                return after
            back *= 2
        return None

    def _leading_into(self, before: Stretch, after: Stretch, start: int, within: bool) -> Optional[Stretch]:
        """Read from ``start`` on up to where ``after`` begins, or ``within`` it up to its first header.

        Raises Doubtful and CorruptLayer.
        """
        self._fetcher.ahead(start, after.begins)
        found = self._aim.boundary_from(start)
        if found is None:
            return None
        start, piece, boundary = found
        landing, data = landed_at(before, piece, boundary, _DENSE)
        begins = after.begins
        at = min(start + len(piece), begins)
        landing.feed(data[: len(data) - (start + len(piece) - at)])
        sure = _sure(at, landing)
        for data in self._pieces(at, begins):
            landing.feed(data)
            at += len(data)
            sure = sure or _sure(at, landing)
        output, ends = landing.stream.output, list(landing.stream.ends)
        meets = output + after.first  # the first header of ``after``, in this landing's output
        while within or landing.first is not None:
            if landing.first is not None and landing.first >= meets:
                break  # there is nothing before it
            if landing.settled and (
                landing.walker.owed == meets - landing.stream.output or landing.stream.output >= meets + BLOCK
            ):
                fuller = settled(before, 8 * start + boundary.bit, at, landing)
                fuller.expected, fuller.deviation, fuller.missed = after.expected, after.deviation, True
                fuller.unseen = after.unseen
                return fuller if fuller.lead_into(after, landing.entries, meets) else None
            if at >= after.at:
                return None
            end = min(at + self._tuning.chunk, after.at)
            landing.feed(self._fetcher.read(at, end))
            at = end
        if sure is not None and not within:
            after.extend_back(
                8 * sure[0], output - sure[1], [(end - sure[1], stated) for end, stated in ends[sure[2] :]]
            )
        return None


def _sure(at: int, landing: Landing) -> Optional[Tuple[int, int, int]]:
    """Return up to where in the blob a landing was fed, its output, and how many members ended, once it is certain."""
    return (at, landing.stream.output, len(landing.stream.ends)) if landing.certain else None
