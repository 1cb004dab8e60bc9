"""The walk through a gzip layer that leaps over what bodies it can, and what is done when it went wrong."""

from __future__ import annotations

from typing import Callable, Generator, List, Sequence

from ...errors import BudgetSpent, CorruptLayer
from ...formats.entry import Entry
from ...formats.magic import GZIP_MAGIC
from ...limits import DEFAULT, Limits
from ...oci.descriptor import Descriptor
from ...oci.verify import Verifier
from .gaps import GapsWorthReading, gaps_by_doubt
from .proof import cheaper_gaps, doubtful_gaps, proves
from .range_fetcher import Fetcher
from .resync_segments import LastBody
from .segment_reader import SegmentReader
from .segments import Segment, deficit
from .settings import Settings
from .skip import Skipper

_HARDLY = 10  # one part in so many of a layer is too little to do without the digest for it
_LEAST_DENSE = 64 * 1024 * 1024
_FIRST_EXPANSION = 3.0  # of a layer that nothing is known of


class NotGzip(Exception):
    """There is nothing to leap in."""


class GzipWalk:
    """One leaping walk through the blob that ``fetcher`` reads.

    Afterwards: ``whole``, no gap was left; ``proved``, the lengths add up, gaps
    included. Of a whole one without leaps ``verifier`` has seen the digest.
    ``returning``: files will be read besides, see ``read_body``.
    """

    def __init__(
        self,
        descriptor: Descriptor,
        fetcher: Fetcher,
        settings: Settings = Settings(),  # noqa: B008
        returning: bool = False,
        limits: Limits = DEFAULT,
    ) -> None:
        self.limits = limits
        self.proved = False
        # Whether the walk may end with one of these entries, once it is sure of them.
        self.sought: Callable[[Sequence[Entry]], bool] = lambda entries: False
        self.leaps = 0
        self.repairs = 0
        self.fetcher = fetcher
        self._reader = SegmentReader(descriptor, fetcher, settings, returning, limits)
        self._size = fetcher.size
        self._stated = descriptor.media_type.endswith("gzip")
        self._settings = settings
        self._behind = GapsWorthReading()
        self._stay = 0  # where in the tar the body ends that is not to be leapt over
        self._done_leaping = False

    @property
    def segments(self) -> List[Segment]:
        return self._reader.segments

    @property
    def verifier(self) -> Verifier:
        return self._reader.verifier

    @property
    def skipper(self) -> Skipper:
        return self._reader.skipper

    @property
    def whole(self) -> bool:
        return self._reader.whole

    @property
    def last(self) -> Segment:
        return self._reader.last

    def let_go(self, start: int, end: int) -> None:
        """Forget bytes that a file was read of: they are too many to keep, so the digest is done without."""
        self._reader.let_go(start, end)

    def run(self) -> Generator[List[Entry], None, None]:
        """Yield the entries: those of the first segment as they come, the others once they are proved.

        Raises CorruptLayer, DigestMismatch, LimitReached and what the source
        raises; NotGzip before anything was yielded.
        """
        # Where something else is stated, perhaps all of the rest will be asked for at once.
        first = min(self._settings.chunk, self._size)
        head = self._reader.read_on(self.last) if self._stated else self.fetcher.read(0, first)
        if not head.startswith(GZIP_MAGIC):
            raise NotGzip
        yield from self._forward()
        while not self.proved:
            self._repair()
            yield from self._forward()
        hardly = self.fetcher.distinct >= self._size - self._size // _HARDLY
        if hardly and self.fetcher.keeps and self._reader.all_at_hand:
            yield from self._make_good()
        if self.whole and self.verifier.count == self._size:
            self.verifier.finish()
        self._reader.release()
        for segment in self.segments:
            if segment.entries:
                yield segment.entries

    def _forward(self) -> Generator[List[Entry], None, None]:
        """Go on to the end, as far as nothing is amiss."""
        try:
            while self.last.at < self._size and not self.last.broken:
                self._reader.advance(self.last, self._reader.read_on(self.last))
                yield from self._sure()
                # Before a leap too, for the body may be what is sought.
                yield from self._close_gaps(self.last.walker.owed / self._reader.expansion)
                self._perhaps_leap(self.last)
                yield from self._close_gaps()
            self._end(self.last)
        except CorruptLayer:
            if self.whole or self.segments[0].broken:
                raise
            self.last.broken = True

    def _sure(self) -> Generator[List[Entry], None, None]:
        """Yield what nothing was leapt over before."""
        if self.segments[0].entries:
            yield self._reader.give_out()

    def _end(self, last: Segment) -> None:
        if last.broken:
            return
        if not last.ended:
            last.ended = True
            last.stream.close()
            last.entries += last.walker.close()
        last.walker.ignored_globals = any(segment.walker.ignored_globals for segment in self.segments)
        self.proved = proves(self.segments, self._settings.unnoticed)
        if self.whole and not self.proved:
            raise CorruptLayer("gzip", self._size, "a member before that is not as long as its trailer states")

    def _perhaps_leap(self, segment: Segment) -> None:
        owed = segment.walker.owed
        if self._done_leaping or segment.at >= self._size or owed <= 0 or segment.position + owed == self._stay:
            return
        if segment.walker.end is not None:  # what comes after the end marker is hidden, which no resync can know
            return
        if segment.stream.several:  # no member's length proves anything where others may be hidden in gaps
            self._done_leaping = True
            return
        try:
            resynced = self.skipper.leap(segment, self._reader.expansion, sure=self.whole)
        except LastBody:
            for _ in range(cheaper_gaps(self.segments, self._size) or 0):
                self._reader.fill(1)
            resynced = None
            if self.whole:
                return
        if resynced is None:
            self._stay = segment.position + owed
            return
        self._reader.add(resynced)
        self.leaps += 1

    # -- gaps that are read after all ---------------------------------------

    def _close_gaps(self, spared: float = 0) -> Generator[List[Entry], None, None]:
        """Read the gaps before what is sought, if it is met, unless the rest of the layer is less.

        ``spared``: bytes of the rest that would be leapt over.
        """
        self._behind.look(self.segments, self.sought)
        gaps = self._behind.gaps_to_close(self.segments, self._size - self.last.at - spared)
        for _ in range(gaps):
            self._reader.fill(1)
        if gaps:
            yield from self._sure()

    def _make_good(self) -> Generator[List[Entry], None, None]:
        """Read what little was left out, so that the digest can be verified; not beyond a budget."""
        try:
            for before, after in zip(self.segments, self.segments[1:]):
                for _ in self.skipper.pieces(before.at, after.begins):
                    pass  # remembered
        except BudgetSpent:  # the listing is proved without it
            return
        self._done_leaping = True
        while not self.whole:
            self._reader.fill(1)
            yield from self._forward()
        for piece in self.skipper.pieces(self.verifier.count, self._size):
            self.verifier.update(piece)

    # -- when lengths do not add up -----------------------------------------

    def _repair(self) -> None:
        """Mend what is most doubtful: look for headers that a resync missed, or read a gap. Raises CorruptLayer."""
        self.repairs += 1
        broken = [number for number, segment in enumerate(self.segments) if segment.broken]
        if broken:
            self._reader.fill(broken[0])
            return
        doubtful = doubtful_gaps(self.segments, self._settings.unnoticed)
        missing = deficit(self.segments)
        if not missing and doubtful:
            self._reader.fill(doubtful[0])
            return
        gaps = gaps_by_doubt(self.segments, missing)
        if missing > 0 and any(self._reader.look_back(number, missing) for number in gaps):
            return
        self._reader.fill(gaps_by_doubt(self.segments, missing, whole=True)[0])
