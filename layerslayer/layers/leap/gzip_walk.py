"""The walk through a gzip layer that leaps over what bodies it can, and what is done when it went wrong."""

from __future__ import annotations

from typing import Callable, Generator, List, Sequence

from ...errors import BudgetSpent, CorruptLayer
from ...formats.entry import Entry
from ...formats.gzip.block_finder import DENSE
from ...formats.gzip.fast_inflate import FAST, new_engine
from ...formats.gzip.members import MemberStream
from ...formats.magic import GZIP_MAGIC
from ...formats.memory import Holding
from ...formats.tar.reader import TarWalker
from ...limits import DEFAULT, LimitReached, Limits
from ...oci.descriptor import Descriptor
from ...oci.verify import Verifier
from .gaps import Sought, suspects
from .proof import cheaper_gaps, doubtful_gaps, proves
from .range_fetcher import Fetcher
from .resume_points import Marks, needed_from
from .resync_segments import LastBody
from .segments import Stretch, align, deficit
from .settings import Tuning
from .skip import Lander

_HARDLY = 10  # one part in so many of a layer is too little to do without the digest for it
_LEAST_DENSE = 64 * 1024 * 1024
_FIRST_EXPANSION = 3.0  # of a layer that nothing is known of


class NotGzip(Exception):
    """There is nothing to leap in."""


class NotHeld(Exception):
    """What is not proved yet is too much to be held."""


class TooDense(Exception):
    """So much of the layer is zeros, or nearly, that reading all of it is quicker."""


class Leaping:
    """One leaping walk through the blob that ``fetcher`` reads.

    Afterwards: ``whole``, no gap was left; ``proved``, the lengths add up, gaps
    included. Of a whole one without leaps ``verifier`` has seen the digest.
    ``returning``: files will be read besides, see ``read_body``.
    """

    def __init__(
        self,
        descriptor: Descriptor,
        fetcher: Fetcher,
        tuning: Tuning = Tuning(),  # noqa: B008
        returning: bool = False,
        limits: Limits = DEFAULT,
    ) -> None:
        self.limits = limits
        self.proved = False
        # Whether the walk may end with one of these entries, once it is sure of them.
        self.sought: Callable[[Sequence[Entry]], bool] = lambda entries: False
        self.leaps = 0
        self.repairs = 0
        self.verifier = Verifier(descriptor)  # of use as long as there is no gap
        self.stretches: List[Stretch] = [Stretch(0, 0, _first_stream(returning), TarWalker(limits=limits), 0, 0)]
        self.fetcher = fetcher
        self._size = fetcher.size
        self._stated = descriptor.media_type.endswith("gzip")
        self.lander = Lander(fetcher, tuning, fast=not returning, limits=limits)
        self._chunk = tuning.chunk
        self._marks = Marks(tuning.chunk) if returning else None
        self._behind = Sought()
        self._stay = 0  # where in the tar the body ends that is not to be leapt over
        self._done_leaping = False
        self._all_at_hand = True  # of what was read and not hashed
        self._given = 0  # entries already given out
        self._unproved = Holding(merged=False, limits=limits)
        # Bytes that may come out of hardly any input, where that takes longer than for those who read all.
        self._dense_left = max(_LEAST_DENSE, fetcher.size // 3) if returning and FAST else None

    @property
    def whole(self) -> bool:
        return len(self.stretches) == 1

    @property
    def last(self) -> Stretch:
        return self.stretches[-1]

    def run(self) -> Generator[List[Entry], None, None]:
        """Yield the entries: those of the first stretch as they come, the others once they are proved.

        Raises CorruptLayer, DigestMismatch, LimitReached and what the source
        raises; NotGzip before anything was yielded.
        """
        # Where something else is stated, perhaps all of the rest will be asked for at once.
        head = self._read_on(self.last) if self._stated else self.fetcher.read(0, min(self._chunk, self._size))
        if not head.startswith(GZIP_MAGIC):
            raise NotGzip
        yield from self._forward()
        while not self.proved:
            self._repair()
            yield from self._forward()
        hardly = self.fetcher.distinct >= self._size - self._size // _HARDLY
        if hardly and self.fetcher.keeps and self._all_at_hand:
            yield from self._make_good()
        if self.whole and self.verifier.count == self._size:
            self.verifier.finish()
        self._unproved.close()  # whoever takes them counts them
        for stretch in self.stretches:
            if stretch.entries:
                yield stretch.entries

    def _hold(self, entries: Sequence[Entry]) -> None:
        """Take that entries are to be held until they are proved. Raises NotHeld."""
        try:
            self._unproved.take(entries)
        except LimitReached:
            raise NotHeld("its entries are too many to be held until they are proved") from None

    def let_go(self, start: int, end: int) -> None:
        """Forget bytes that a file was read of: they are too many to keep, so the digest is done without."""
        self.fetcher.forget(start, end)
        self._all_at_hand &= end <= self.verifier.count

    def _forward(self) -> Generator[List[Entry], None, None]:
        """Go on to the end, as far as nothing is amiss."""
        try:
            while self.last.at < self._size and not self.last.broken:
                self._advance(self.last, self._read_on(self.last))
                yield from self._sure()
                # Before a leap too, for the body may be what is sought.
                yield from self._close_gaps(self.last.walker.owed / self._expansion(self.last))
                self._perhaps_leap(self.last)
                yield from self._close_gaps()
            self._end(self.last)
        except CorruptLayer:
            if self.whole or self.stretches[0].broken:
                raise
            self.last.broken = True

    def _read_on(self, stretch: Stretch) -> bytes:
        walked = stretch.at - stretch.begins
        if self._marks:  # one who seeks may stop at once
            return self.lander.read_on(stretch.at, walked, stretch.at)
        return self.lander.read_on(stretch.at, walked)

    def _sure(self) -> Generator[List[Entry], None, None]:
        """Yield what nothing was leapt over before."""
        first = self.stretches[0]
        if first.entries:
            self._given += len(first.entries)
            entries, first.entries = first.entries, []
            yield entries

    def _end(self, last: Stretch) -> None:
        if last.broken:
            return
        if not last.ended:
            last.ended = True
            last.stream.close()
            last.entries += last.walker.close()
        self.proved = proves(self.stretches)
        if self.whole and not self.proved:
            raise CorruptLayer("gzip", self._size, "a member before that is not as long as its trailer states")

    def _advance(self, stretch: Stretch, data: bytes) -> None:
        """Take the next bytes of the blob. Raises CorruptLayer; the stretch is broken then."""
        begin, end = stretch.at, stretch.at + len(data)
        if self.verifier.count == begin and stretch is self.stretches[0]:
            self.verifier.update(data)
            # It is sure, so not read anew but for what is sought; what comes behind a gap may be, or hashed after all.
            self.fetcher.forget(0, needed_from(stretch) if self._marks else end)
        try:
            entries = stretch.feed(data)
            if not self.whole:
                self._hold(entries)
            stretch.entries += entries
            if stretch is not self.stretches[0] and stretch.walker.hidden:  # of the first one it is sure
                raise CorruptLayer("tar", stretch.position, "an archive ended before the layer did")
        except CorruptLayer:
            stretch.broken = True
            raise
        if self._marks:
            self._marks.add(stretch, self.stretches)
            self._spend(stretch)
        self.limits.check_size(stretch.position, stretch.at)
        self.limits.check_entries(self._given + sum(len(item.entries) for item in self.stretches))

    def _spend(self, stretch: Stretch) -> None:
        """Count what came out of hardly any input, and what will. Raises TooDense."""
        read, output = stretch.shown
        if self._dense_left is None or output <= DENSE * read or self.fetcher.pace.in_flight:
            return
        self._dense_left -= output
        if self._dense_left < stretch.walker.owed:
            raise TooDense("its files are zeros, or nearly, and sooner read than leapt over")

    def _expansion(self, stretch: Stretch) -> float:
        """Return what a byte of the layer has inflated to so far."""
        return max(1.0, stretch.position / stretch.at) if stretch.at else _FIRST_EXPANSION

    def _perhaps_leap(self, stretch: Stretch) -> None:
        owed = stretch.walker.owed
        if self._done_leaping or stretch.at >= self._size or owed <= 0 or stretch.position + owed == self._stay:
            return
        if stretch.walker.end is not None:  # what comes after the end marker is hidden, which no landing can know
            return
        if stretch.stream.several:  # no member's length proves anything where others may be hidden in gaps
            self._done_leaping = True
            return
        try:
            landed = self.lander.leap(stretch, self._expansion(stretch), sure=self.whole)
        except LastBody:
            for _ in range(cheaper_gaps(self.stretches, self._size) or 0):
                self._fill(1)
            landed = None
            if self.whole:
                return
        if landed is None:
            self._stay = stretch.position + owed
            return
        self.stretches.append(landed)
        self.leaps += 1
        if self._marks:
            self._marks.add(landed, self.stretches)

    # -- gaps that are read after all ---------------------------------------

    def _close_gaps(self, spared: float = 0) -> Generator[List[Entry], None, None]:
        """Read the gaps before what is sought, if it is met, unless the rest of the layer is less.

        ``spared``: bytes of the rest that would be leapt over.
        """
        self._behind.look(self.stretches, self.sought)
        gaps = self._behind.gaps_to_close(self.stretches, self._size - self.last.at - spared)
        for _ in range(gaps):
            self._fill(1)
        if gaps:
            yield from self._sure()

    def _make_good(self) -> Generator[List[Entry], None, None]:
        """Read what little was left out, so that the digest can be verified; not beyond a budget."""
        try:
            for before, after in zip(self.stretches, self.stretches[1:]):
                for _ in self.lander.pieces(before.at, after.begins):
                    pass  # remembered
        except BudgetSpent:  # the listing is proved without it
            return
        self._done_leaping = True
        while not self.whole:
            self._fill(1)
            yield from self._forward()
        for piece in self.lander.pieces(self.verifier.count, self._size):
            self.verifier.update(piece)

    # -- when lengths do not add up -----------------------------------------

    def _repair(self) -> None:
        """Mend what is most doubtful: look for headers that a landing missed, or read a gap. Raises CorruptLayer."""
        self.repairs += 1
        broken = [number for number, stretch in enumerate(self.stretches) if stretch.broken]
        if broken:
            self._fill(broken[0])
            return
        doubtful = doubtful_gaps(self.stretches)
        missing = deficit(self.stretches)
        if not missing and doubtful:
            self._fill(doubtful[0])
            return
        if missing > 0 and any(self._look_back(number, missing) for number in suspects(self.stretches, missing)):
            return
        self._fill(suspects(self.stretches, missing, whole=True)[0])

    def _look_back(self, number: int, missing: int) -> bool:
        before, after = self.stretches[number - 1], self.stretches[number]
        if after.looked_for >= missing:
            return False
        after.looked_for = missing
        fuller = self.lander.look_back(before, after, missing)
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
                self._read_up_to(before, min(before.at + self._chunk, after.at))
        except CorruptLayer:
            if number == 1:
                raise
        align(self.stretches)

    def _read_up_to(self, stretch: Stretch, end: int) -> None:
        for data in self.lander.pieces(stretch.at, end):
            self._advance(stretch, data)


def _first_stream(returning: bool) -> MemberStream:
    """Return what inflates a layer from its beginning; it can be copied if that is ``returning`` to places."""
    return MemberStream() if returning else MemberStream(None, new_engine)
