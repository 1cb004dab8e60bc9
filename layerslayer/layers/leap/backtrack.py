"""Resynchronises once more, before a resync that perhaps missed headers, to find those."""

from __future__ import annotations

from typing import Callable, Iterator, Optional, Tuple

from ...errors import CorruptLayer
from ...formats.tar.header import BLOCK
from .probe import Prober
from .range_fetcher import Fetcher
from .resync import Doubtful, Endless, Resync
from .resync_segments import resync_at, settled
from .segments import Segment
from .settings import Settings

_DENSE = 4 * 1024 * 1024  # bytes of output that may come of hardly any input


class LookingBack:
    """Looks back in one blob. ``pieces`` yields the bytes of it from one place to another."""

    def __init__(
        self, fetcher: Fetcher, settings: Settings, aim: Prober, pieces: Callable[[int, int], Iterator[bytes]]
    ) -> None:
        self._fetcher = fetcher
        self._settings = settings
        self._prober = aim
        self._pieces = pieces

    def look(self, before: Segment, after: Segment, missing: int) -> Optional[Segment]:
        """Resync before the resync of ``after``, which perhaps missed headers of ``missing`` bytes in all.

        Returns a segment that leads into ``after`` by headers of its own. None
        where there are none; what was read of the body then belongs to ``after``.
        """
        wanted = after.first + int(1.5 * max(0, missing - after.first)) + 1  # bytes before the first header
        within = missing <= after.first  # among what was not certain, right after the resync
        back = self._settings.step_back
        if after.missed:  # it is here that headers are missing, so go back as far as that takes
            back += int(max(0, missing - after.first) / max(1.0, after.expected / max(1, after.begins - before.at)))
        while after.first < wanted:
            start = after.begins - back
            if start - before.at < self._settings.step_back:
                return None
            try:
                fuller = self._leading_into(before, after, start, within)
            except (Doubtful, Endless, CorruptLayer):
                fuller = None
            if fuller is not None or within:
                return fuller
            back *= 2
        return None

    def from_before(self, before: Segment, after: Segment, back: int) -> Optional[Segment]:
        """Resync ``back`` bytes of the blob before ``after``, or further; return what the resync is then.

        That is ``after``, which begins there, if no header was missed; else a
        segment that leads into it. None where it cannot be told.
        """
        while after.begins - back - before.at >= self._settings.step_back:
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

    def _leading_into(self, before: Segment, after: Segment, start: int, within: bool) -> Optional[Segment]:
        """Read from ``start`` on up to where ``after`` begins, or ``within`` it up to its first header.

        Raises Doubtful and CorruptLayer.
        """
        self._fetcher.ahead(start, after.begins)
        found = self._prober.boundary_from(start)
        if found is None:
            return None
        start, piece, boundary = found
        resync, data = resync_at(before, piece, boundary, _DENSE)
        begins = after.begins
        at = min(start + len(piece), begins)
        resync.feed(data[: len(data) - (start + len(piece) - at)])
        sure = _sure(at, resync)
        for data in self._pieces(at, begins):
            resync.feed(data)
            at += len(data)
            sure = sure or _sure(at, resync)
        output, ends = resync.stream.output, list(resync.stream.ends)
        meets = output + after.first  # the first header of ``after``, in this resync's output
        while within or resync.first is not None:
            if resync.first is not None and resync.first >= meets:
                break  # there is nothing before it
            if resync.settled and (
                resync.walker.owed == meets - resync.stream.output or resync.stream.output >= meets + BLOCK
            ):
                fuller = _instead_of(after, settled(before, 8 * start + boundary.bit, at, resync))
                return fuller if fuller.lead_into(after, resync.entries, meets) else None
            if at >= after.at:
                return None
            end = min(at + self._settings.chunk, after.at)
            resync.feed(self._fetcher.read(at, end))
            at = end
        if sure is not None and not within:
            after.extend_back(
                8 * sure[0], output - sure[1], [(end - sure[1], stated) for end, stated in ends[sure[2] :]]
            )
        return None


def _instead_of(after: Segment, fuller: Segment) -> Segment:
    """Return a segment that takes the place of ``after``, with what samples told of the gap before that."""
    fuller.expected, fuller.deviation, fuller.unseen = after.expected, after.deviation, after.unseen
    fuller.missed = True
    return fuller


def _sure(at: int, resync: Resync) -> Optional[Tuple[int, int, int]]:
    """Return up to where in the blob a resync was fed, its output, and how many members ended, once it is certain."""
    return (at, resync.stream.output, len(resync.stream.ends)) if resync.certain else None
