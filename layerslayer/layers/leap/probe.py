"""Where to resync: pieces of the blob are looked at until a place is known that is in the body, and near its end."""

from __future__ import annotations

import math
from typing import List, Optional, Set, Tuple

from ...formats.gzip.block_finder import DENSE, Boundary, Dense, find_boundary
from ...formats.gzip.fast_inflate import stream_at
from ...formats.gzip.inflate import WINDOW
from ...formats.gzip.members import MemberStream
from ...formats.tar.fields import checksum_holds
from ...formats.tar.header import BLOCK
from .estimate import Estimator, Reach
from .range_fetcher import Fetcher
from .resync import MAGIC, MAGIC_AT
from .settings import Settings

_Place = Tuple[int, bytes, Boundary]  # where a piece of the blob begins, the piece, and a block's beginning in it

_MOST_AT_ONCE = 24  # pieces asked for together
_FIRST = 4  # samples
_WAITS = 3  # round trips of a leap that nothing else is done in
_DOUBLED = 0.3  # of a doubt, what twice as many samples take off
_EARLY = 0.3  # of the samples worth taking, those taken before looking where the body ends
_SPARSE = 40  # bytes of a body for each one looked at: what compresses best is rare, and not to be missed
_SURPRISE = 0.5  # standard deviations: what seems to be body beyond that is perhaps another one
_KNOWN = 8  # samples: with fewer, what is seen behind the body's probable end tells nothing
_LEAST_VAIN = 64 * 1024  # bytes that may be searched in vain, for each of which 200 could be read
_VAIN_SHARE = 800  # the same, as one part in so many of the blob
_WORTH = 2  # bytes in vain that one in which a block was found makes up for
_WIDE = 2.5  # times as far from one sample to the next as usually
_FEW_PLACES = 4
_TOO_MANY = 2  # one part in so many of a body, where that is to be looked at, is not worth a leap
_FEW = 2.0  # samples, which tell so little of their spread that a leap falls short by twice as much


class Prober:
    """Aims in one blob. ``piece`` is how many bytes to look at for a block to begin in them."""

    def __init__(self, fetcher: Fetcher, settings: Settings) -> None:
        self.piece = settings.piece
        self._fetcher = fetcher
        self._settings = settings
        self._looked: Set[Tuple[int, int]] = set()  # places, and how many bytes of them
        self._vain = 0  # bytes searched for a block's beginning in vain, less what was found since
        self._most = min(max(_LEAST_VAIN, fetcher.size // _VAIN_SHARE), 4 * settings.greatest_piece)  # of these
        self._dense: Optional[_Place] = None  # what was found just now and is not resynced on

    @property
    def hopeless(self) -> bool:
        """Whether the layer seems to be one endless block, or fixed ones only, which nothing tells the beginning of."""
        return self._vain > self._most

    @property
    def least(self) -> int:
        """Bytes that a leap must save to be worth its requests, most of which are waited for."""
        return max(self._settings.least, 4 * self.piece) + _WAITS * self._fetcher.throughput.in_flight

    def target(self, start: int, estimate: Estimator, apart: int) -> Optional[int]:
        """Return where to resync, short of where the body ends; None where that saves too little.

        Two samples lie no more than ``apart`` bytes from each other. Each round
        looks at a few places, asked for at once, as long as that costs less than
        what it probably saves.
        """
        looked_behind = False  # since the samples were last spread over the body
        while not self.hopeless:
            reach = estimate.reach()
            left = estimate.left - estimate.output_at(start)[0]
            if reach.end - start < self.least or left > DENSE * (reach.end - start):
                return None
            places = self._places(estimate, reach, start, looked_behind)
            most = int((reach.end - start) / (self.piece * _TOO_MANY))
            places = places or estimate.between(apart - self.piece, int(reach.end), most)
            if len(places) > most:
                return None
            behind = bool(places) and places[-1] > reach.end
            if not self._look(estimate, places) and not (behind and not looked_behind):
                break
            looked_behind = behind
        place = self.sure(estimate)
        if place - start < self.least or estimate.unseen(place) > apart or self.hopeless:
            return None
        return place

    def _places(self, estimate: Estimator, reach: Reach, start: int, looked_behind: bool) -> List[int]:
        """Return where to look next: first all over the body, to learn how it compresses; then around its end.

        Where other things than the body are seen about there, that is narrowed
        down. Else another large body may follow, which looks the same, and only
        more samples help.
        """
        piece, high = self.piece, _latest(reach)
        low = estimate.last_place(high) or start
        if estimate.ceiling is not None and estimate.ceiling <= high:
            left = estimate.left_behind(low, estimate.ceiling)
            count = self._count(left)
            return estimate.places(count, low, estimate.ceiling) if self._pays(left, count) else []
        enough = _DOUBLED * _margin(estimate, reach) / piece  # samples; as many again would cost more than they save
        early = max(_EARLY * enough, (reach.end - start) / piece / _SPARSE)
        wanted = enough if looked_behind or enough < 2 * _KNOWN else early
        slow = self._fetcher.throughput.in_flight > piece  # a round then costs more than what it may look at in vain
        behind: List[int] = []
        if not looked_behind and estimate.count >= _KNOWN and (slow or max(estimate.count, _FIRST) >= wanted):
            left = estimate.left_behind(max(low, int(reach.end - 2 * reach.doubt)), int(high))
            behind = estimate.places(self._count(left), low, int(high))
            wanted = enough if slow else 0
        return sorted({*behind, *self._spread(estimate, int(wanted))}) or self._widest(estimate, reach, start)

    def _widest(self, estimate: Estimator, reach: Reach, start: int) -> List[int]:
        """Return where to look in a part of the body that was left out: its end was thought to come sooner."""
        apart = (reach.end - start) / max(estimate.count, 1)
        left_out = estimate.count >= _KNOWN and estimate.unseen(int(reach.end)) > _WIDE * max(apart, 4 * self.piece)
        return estimate.spread(_FEW_PLACES) if left_out else []

    def _spread(self, estimate: Estimator, wanted: int) -> List[int]:
        """Return where to look on the way to having ``wanted`` samples: as many again at most, on a slow line half."""
        missing = wanted - estimate.count
        if max(estimate.count, _FIRST) >= wanted:
            return []
        unnoticed = min(self._fetcher.throughput.in_flight // self.piece, missing)
        if not unnoticed:
            return estimate.spread(min(max(estimate.count, _FIRST), _MOST_AT_ONCE))
        return estimate.spread(max(missing // 2, min(missing, _MOST_AT_ONCE), unnoticed))

    def _count(self, left: float) -> int:
        """Return how many samples cost the least, together with what they leave to be read of ``left`` bytes."""
        return min(max(int(math.sqrt(left / self.piece)) - 1, 1), _MOST_AT_ONCE)

    def _pays(self, left: float, count: int) -> bool:
        return left * count / (count + 1) - count * self.piece > self._fetcher.throughput.in_flight

    def sure(self, estimate: Estimator) -> int:
        """Return where to resync by what samples tell so far."""
        reach = estimate.reach()
        if estimate.ceiling is not None and estimate.ceiling <= _latest(reach):
            return estimate.last_place(estimate.ceiling) or 0
        return int(reach.end - _margin(estimate, reach)) - self.piece

    def boundary_from(self, start: int) -> Optional[_Place]:
        """Return where a piece of the blob begins, at ``start``, the piece, and a block's beginning in it."""
        length, searched, self._dense = self.piece, 0, None
        while length <= self._settings.greatest_piece and start < self._fetcher.size and not self.hopeless:
            length = min(length, searched + self._most - self._vain + 1)  # none is searched that is not to be
            piece = self._fetcher.read(start, min(start + length, self._fetcher.size))
            try:
                boundary = find_boundary(piece, patient=False, searched=searched)
            except Dense as found:  # reading on is quicker there
                self._dense = (start, piece, found.boundary)
                return None
            if boundary is not None:
                self._vain = max(0, self._vain - _WORTH * len(piece))
                return start, piece, boundary
            self._vain += len(piece) - searched
            searched = len(piece)
            if start + searched >= self._fetcher.size:
                break  # there is no more to search
            length *= 2
        return None

    @property
    def dense(self) -> bool:
        """Whether what was looked at last inflates to so much that nothing is resynced on there."""
        return self._dense is not None

    def misled(self) -> None:
        """Take that what was found last was no beginning of a block."""
        self._vain += 2 * _WORTH * self.piece

    def _look(self, estimate: Estimator, wanted: List[int]) -> bool:
        """Take samples at these places, asked for at once; False where nothing more can be learnt of the body."""
        known = (estimate.count, estimate.ceiling, self.piece)
        fetcher, piece, longer = self._fetcher, self.piece, 0
        places = [place for place in wanted if place + piece < fetcher.size and (place, piece) not in self._looked]
        for place in places:
            fetcher.ahead(place, place + piece)
        for place in places:
            self._looked.add((place, piece))
            found = self.boundary_from(place)
            where = found or self._dense
            longer += where is None or len(where[1]) > piece
            if where is None:
                continue
            _, data, boundary = where
            output, headers = _sampled(*stream_at(data, boundary, fast=found is None))
            if headers:
                estimate.bound(place)
            else:
                estimate.add(place + boundary.bit // 8, place + len(data), output, place if found else None)
        if 2 * longer > len(places):
            self.piece = min(2 * piece, self._settings.greatest_piece)
        return (estimate.count, estimate.ceiling, self.piece) != known


def _latest(reach: Reach) -> float:
    """Return up to where the body itself may be seen."""
    return reach.end + _SURPRISE * reach.doubt


def _margin(estimate: Estimator, reach: Reach) -> float:
    """Return how far a leap falls short of the body's probable end."""
    return reach.doubt * (1 + _FEW / max(estimate.count, 2))


def _sampled(stream: MemberStream, data: bytes) -> Tuple[int, bool]:
    """Return how much ``data`` inflates to, and whether tar headers are in that."""
    tail, headers = b"", False
    for piece in stream.feed(data):
        buffer = tail + piece
        at = buffer.find(MAGIC)
        while at >= 0 and not headers:
            block = buffer[at - MAGIC_AT : at - MAGIC_AT + BLOCK] if at >= MAGIC_AT else b""
            headers = len(block) == BLOCK and checksum_holds(block)
            at = buffer.find(MAGIC, at + 1)
        tail = buffer[-WINDOW:]
    return stream.output, headers
