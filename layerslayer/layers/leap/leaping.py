"""The walk through a gzip layer that leaps over what bodies it can, and what is done when it went wrong."""

from __future__ import annotations

from typing import Generator, List

from ...descriptors import Descriptor
from ...entries import Entry
from ...errors import BudgetSpent, CorruptLayer
from ...limits import check_entries, check_size
from ..kinds import GZIP_MAGIC
from ..tar import TarWalker
from ..verify import Verifier
from .fetching import Fetcher
from .lander import Lander
from .members import MemberStream
from .stretches import Stretch, adds_up, align, deficit, gap
from .tuning import Tuning

_LOOK = 256 * 1024  # bytes of the blob that looking behind a landing costs at least
_HARDLY = 10  # one part in so many of a layer is too little to do without the digest for it
_FIRST_EXPANSION = 3.0  # of a layer that nothing is known of


class NotGzip(Exception):
    """There is nothing to leap in."""


class Leaping:
    """One leaping walk through the blob that ``fetcher`` reads.

    Afterwards: ``whole``, no gap was left; ``proved``, the lengths add up, gaps
    included. Of a whole one without leaps ``verifier`` has seen the digest.
    """

    kind = "gzip"

    def __init__(self, descriptor: Descriptor, fetcher: Fetcher, tuning: Tuning = Tuning()) -> None:  # noqa: B008
        self.proved = False
        self.leaps = 0
        self.repairs = 0
        self.notes: List[str] = []  # that gaps were read after all needs no word
        self.verifier = Verifier(descriptor)  # of use as long as there is no gap
        self.stretches: List[Stretch] = [Stretch(0, 0, MemberStream(), TarWalker(), 0, 0)]
        self._fetcher = fetcher
        self._size = fetcher.size
        self._lander = Lander(fetcher, tuning)
        self._stay = 0  # where in the tar the body ends that is not to be leapt over
        self._done_leaping = False
        self._given = 0  # entries already given out

    @property
    def whole(self) -> bool:
        return len(self.stretches) == 1

    @property
    def last(self) -> Stretch:
        return self.stretches[-1]

    def run(self) -> Generator[List[Entry], None, None]:
        """Yield the entries: those before the first leap as they come, the others once they are proved.

        Raises CorruptLayer, DigestMismatch, LimitReached and what the source
        raises; NotGzip before anything was yielded.
        """
        if not self._fetcher.read(0, min(self._lander.chunk, self._size)).startswith(GZIP_MAGIC):
            raise NotGzip
        yield from self._forward()
        while not self.proved:
            self._repair()
            yield from self._forward()
        if self._fetcher.distinct >= self._size - self._size // _HARDLY and self._fetcher.keeps:
            yield from self._make_good()
        if self.whole and self.verifier.count == self._size:
            self.verifier.finish()
        for stretch in self.stretches:
            if stretch.entries:
                yield stretch.entries

    def _forward(self) -> Generator[List[Entry], None, None]:
        """Go on to the end, as far as nothing is amiss."""
        try:
            while self.last.at < self._size and not self.last.broken:
                self._advance(self.last, self._lander.chunk)
                if self.whole and self.last.entries:
                    yield self.last.entries
                    self._given += len(self.last.entries)
                    self.last.entries = []
                self._perhaps_leap(self.last)
            self._end(self.last)
        except CorruptLayer:
            if self.whole:
                raise
            self.last.broken = True

    def _end(self, last: Stretch) -> None:
        if last.broken:
            return
        if not last.ended:
            last.ended = True
            last.stream.close()
            last.entries += last.walker.close()
        self.proved = adds_up(self.stretches)
        if self.whole and not self.proved:
            raise CorruptLayer("gzip", self._size, "a member before that is not as long as its trailer states")

    def _advance(self, stretch: Stretch, length: int) -> None:
        """Read on for ``length`` bytes of the blob. Raises CorruptLayer; the stretch is broken then."""
        begin, end = stretch.at, min(stretch.at + length, self._size)
        data = self._fetcher.read(begin, end)
        if self.verifier.count == begin and stretch is self.stretches[0]:
            self.verifier.update(data)
            self._fetcher.forget(0, end)  # it is sure; the others may be read anew, or hashed after all
        lander = self._lander
        if lander.ahead and stretch.walker.owed < self._expansion(stretch) * lander.least:
            self._fetcher.keep_coming(end, lander.ahead, lander.chunk)
        try:
            stretch.entries += stretch.feed(data)
            if not self.whole and stretch.walker.hidden:
                raise CorruptLayer("tar", stretch.position, "an archive ended before the layer did")
        except CorruptLayer:
            stretch.broken = True
            raise
        check_size(stretch.position, stretch.at)
        check_entries(self._given + sum(len(item.entries) for item in self.stretches))

    def _expansion(self, stretch: Stretch) -> float:
        """Return what a byte of the layer has inflated to so far."""
        return max(1.0, stretch.position / stretch.at) if stretch.at else _FIRST_EXPANSION

    def _perhaps_leap(self, stretch: Stretch) -> None:
        owed = stretch.walker.owed
        if self._done_leaping or stretch.at >= self._size or owed <= 0 or stretch.position + owed == self._stay:
            return
        if stretch.walker.end is not None:  # what comes after the end marker is hidden, which no landing can know
            return
        landed = self._lander.leap(stretch, self._expansion(stretch))
        if landed is None:
            self._stay = stretch.position + owed
            return
        self.stretches.append(landed)
        self.leaps += 1

    def _make_good(self) -> Generator[List[Entry], None, None]:
        """Read what little was left out, so that the digest can be verified; not beyond a budget."""
        try:
            for before, after in zip(self.stretches, self.stretches[1:]):
                for _ in self._lander.pieces(before.at, after.begins):
                    pass  # remembered
        except BudgetSpent:  # the listing is proved without it
            return
        self._done_leaping = True
        while not self.whole:
            self._fill(1)
            yield from self._forward()
        for piece in self._lander.pieces(self.verifier.count, self._size):
            self.verifier.update(piece)

    # -- when lengths do not add up -----------------------------------------

    def _repair(self) -> None:
        """Mend what is most doubtful: look for headers that a landing missed, or read a gap. Raises CorruptLayer."""
        self.repairs += 1
        broken = [number for number, stretch in enumerate(self.stretches) if stretch.broken]
        if broken:
            self._fill(broken[0])
            return
        missing = deficit(self.stretches)
        suspects = self._suspects(missing)
        if missing > 0 and any(self._look_back(number, missing) for number in suspects):
            return
        self._fill(suspects[0])

    def _suspects(self, missing: int) -> List[int]:
        """Return the numbers of stretches before which ``missing`` bytes may have been lost, the best to look at first.

        That is, the likeliest for the bytes of their gap; what samples told is
        wrong by far more often than a normal distribution has it.
        """
        worth = []
        for number in range(1, len(self.stretches)):
            before, after = self.stretches[number - 1], self.stretches[number]
            off = gap(before, after) - after.expected
            likely = (1 + (off / after.deviation) ** 2) / (1 + ((off + missing) / after.deviation) ** 2)
            if 0 < missing <= after.first and after.first - missing >= after.blind:
                likely = 1e-9  # a header there would have been seen
            passed = max(after.begins - before.at, 1)
            cost = min(passed, max(0, missing - after.first) / max(1.0, after.expected / passed) + _LOOK)
            worth.append((after.missed, likely / cost, number))
        return [number for _, _, number in sorted(worth, reverse=True)]

    def _look_back(self, number: int, missing: int) -> bool:
        before, after = self.stretches[number - 1], self.stretches[number]
        if after.looked_for >= missing:
            return False
        after.looked_for = missing
        fuller = self._lander.look_back(before, after, missing)
        if fuller is None:
            return False
        self.stretches[number] = fuller
        align(self.stretches)
        return True

    def _fill(self, number: int) -> None:
        """Read what lies before a stretch, up to where it begins, and of it as much as was read wrongly.

        Raises CorruptLayer where no gap is left to blame.
        """
        before, after = self.stretches[number - 1], self.stretches.pop(number)
        try:
            self._read_up_to(before, after.begins)
            origin = before.position
            while before.at < after.at:
                skipped = before.meets(after, origin)
                if skipped is not None:
                    before.append(after, origin, skipped)
                    break
                self._read_up_to(before, min(before.at + self._lander.chunk, after.at))
        except CorruptLayer:
            if number == 1:
                raise
        align(self.stretches)

    def _read_up_to(self, stretch: Stretch, end: int) -> None:
        lander = self._lander
        while stretch.at < end:
            self._fetcher.keep_coming(stretch.at, min(lander.ahead, end - stretch.at), lander.chunk)
            self._advance(stretch, min(lander.chunk, end - stretch.at))
