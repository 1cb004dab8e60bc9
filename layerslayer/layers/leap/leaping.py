"""The walk through a gzip layer that leaps over what bodies it can, and what is done when it went wrong."""

from __future__ import annotations

from typing import Generator, List, Optional, Tuple

from ...descriptors import Descriptor
from ...entries import Entry
from ...errors import CorruptLayer
from ...limits import check_entries, check_size
from ..fields import checksum_holds
from ..kinds import GZIP_MAGIC
from ..members import BLOCK
from ..tar import TarWalker
from ..verify import Verifier
from .boundaries import Boundary, find_boundary, inflater_at
from .fetching import Fetcher
from .landing import Doubtful, Landing
from .members import MemberStream
from .sampling import Samples
from .stretches import Stretch, adds_up, align, deficit, gap

_CHUNK = 128 * 1024  # bytes read at a time, at least
_GREATEST_CHUNK = 1024 * 1024
_PIECE = 48 * 1024  # bytes of a sample, and of a first look at a landing
_GREATEST_PIECE = 512 * 1024
_AT_ONCE = 4  # samples
_MARGIN = 1.5  # standard deviations that a leap falls short of the body's probable end
_INCREDIBLE = 5.0  # standard deviations that a gap may be off
_DUBIOUS = 2.0  # the same, where a header may have been missed
_LEAST = 384 * 1024  # bytes of the blob that a leap must save
_STEP_BACK = 256 * 1024  # bytes, for the first time
_ALLOWANCE = 0.045  # of the blob may be fetched twice, at worst
_FIRST_EXPANSION = 3.0  # of a layer that nothing is known of
_SHORT = 0.005  # seconds of waiting that are not worth fetching ahead for
_END_PADDING = 64 * 1024  # bytes of zeros an archive may end with


class NotGzip(Exception):
    """Nothing to leap in."""


class Leaping:
    """One leaping walk. After it, ``whole``: no gap was left; ``proved``: the lengths add up;
    ``stretches`` tells the rest."""

    def __init__(self, descriptor: Descriptor, fetcher: Fetcher) -> None:
        self.fetcher = fetcher
        self.size = descriptor.size
        self.proved = False
        self.leaps = 0
        self.repaired = 0
        self.verifier = Verifier(descriptor)  # of use as long as there is no gap
        self.stretches: List[Stretch] = [Stretch(0, 0, MemberStream(), TarWalker(), 0, 0)]
        self._piece = _PIECE
        self._allowance = int(self.size * _ALLOWANCE)
        self._stay = 0  # where in the tar the body ends that is not to be leapt over
        self._told = 0  # entries already given out

    @property
    def whole(self) -> bool:
        return len(self.stretches) == 1

    def run(self) -> Generator[List[Entry], None, None]:
        """Yield the entries: those before the first leap as they come, the others once they are proved.

        Raises CorruptLayer, DigestMismatch, LimitReached and what the source
        raises; NotGzip before anything was yielded.
        """
        if not self._read(0, min(_CHUNK, self.size)).startswith(GZIP_MAGIC):
            raise NotGzip
        try:
            yield from self._forward()
            self.proved = adds_up(self.stretches)
        except CorruptLayer:
            if self.whole:
                raise
        while not self.whole and not self.proved:
            yield from self._repair()
        last = self.stretches[-1]
        last.entries += last.walker.close()
        if self.whole:
            self._finish_whole()
        yield from self._untold()

    def _finish_whole(self) -> None:
        last = self.stretches[-1]
        last.stream.close()
        self.proved = True
        if self.verifier.count == self.size:
            self.verifier.finish()

    def _untold(self) -> Generator[List[Entry], None, None]:
        """Yield the entries that were held back."""
        told = self._told
        for stretch in self.stretches:
            if told < len(stretch.entries):
                yield stretch.entries[told:]
            told = max(told - len(stretch.entries), 0)
        self._told = sum(len(stretch.entries) for stretch in self.stretches)

    # -- forward ----------------------------------------------------------

    def _forward(self) -> Generator[List[Entry], None, None]:
        while self.stretches[-1].at < self.size:
            stretch = self.stretches[-1]
            self._advance(stretch, self._chunk())
            if self.whole and len(stretch.entries) > self._told:
                yield stretch.entries[self._told :]
                self._told = len(stretch.entries)
            if not self.whole and stretch.walker.hidden:
                raise CorruptLayer("tar", stretch.position, "an archive ended within the layer")
            if stretch.at < self.size and stretch.walker.owed and stretch.position + stretch.walker.owed != self._stay:
                self._perhaps_leap(stretch)
        if not self.whole:
            self.stretches[-1].stream.close()

    def _advance(self, stretch: Stretch, length: int) -> None:
        """Read on for ``length`` bytes of the blob."""
        data = self._read(stretch.at, min(stretch.at + length, self.size))
        if self.whole and self.verifier.count == stretch.at:
            self.verifier.update(data)
        if self.fetcher.pace.latency > _SHORT and stretch.walker.owed < self._expansion() * _LEAST:
            self.fetcher.ahead(stretch.at + len(data), stretch.at + len(data) + self._chunk())
        stretch.entries += stretch.feed(data)
        check_size(stretch.position, stretch.at)
        check_entries(sum(len(item.entries) for item in self.stretches))

    def _read(self, start: int, end: int) -> bytes:
        return self.fetcher.read(start, end)

    def _chunk(self) -> int:
        return max(_CHUNK, min(_GREATEST_CHUNK, self.fetcher.pace.in_flight))

    def _expansion(self) -> float:
        """Return what a byte of the layer has inflated to so far."""
        last = self.stretches[-1]
        return max(1.0, last.position / last.at) if last.at else _FIRST_EXPANSION

    @property
    def _least(self) -> int:
        """Bytes that a leap must save to be worth its requests."""
        return max(_LEAST, 4 * self._piece) + self.fetcher.pace.in_flight

    # -- leaps ------------------------------------------------------------

    def _perhaps_leap(self, stretch: Stretch) -> None:
        owed = stretch.walker.owed
        if owed < self._least:
            return
        samples = Samples(stretch.at, owed, self._expansion(), self.size)
        target = self._target(stretch.at, samples)
        landed = self._land(stretch, target, samples) if target is not None else None
        if landed is None:
            self._stay = stretch.position + owed
            return
        self.stretches.append(landed)
        self.leaps += 1

    def _target(self, start: int, samples: Samples) -> Optional[int]:
        """Return where to land, short of where the body ends; None where that saves too little."""
        while True:
            reach = samples.reach()
            if reach.end - start < self._least:
                return None
            margin = _MARGIN * reach.doubt
            # Twice as many samples would take three tenths off the margin.
            cost = max(_AT_ONCE, samples.count) * self._piece
            if 0.3 * margin < cost or self._allowance < 2 * _AT_ONCE * self._piece or not self._sample(samples):
                break
        ceiling = samples.ceiling if samples.ceiling is not None else self.size
        target = int(min(reach.end - margin, ceiling)) - self._piece
        return target if target - start >= self._least else None

    def _sample(self, samples: Samples) -> bool:
        """Take a few more samples; False where there was none to take."""
        places = [place for place in samples.wanted(_AT_ONCE) if place + self._piece < self.size]
        for place in places:
            self.fetcher.ahead(place, place + self._piece)
        for place in places:
            self._allowance -= self._piece
            piece = self._read(place, place + self._piece)
            boundary = find_boundary(piece)
            if boundary is None:
                self._piece = min(2 * self._piece, _GREATEST_PIECE)
                continue
            engine, data = inflater_at(piece, boundary, 0)
            output, headers = _sampled(MemberStream(engine), data)
            if headers:
                samples.bound(place)
            else:
                samples.add(place + boundary.bit // 8, place + len(piece), output)
        return bool(places)

    def _land(self, stretch: Stretch, target: int, samples: Samples) -> Optional[Stretch]:
        """Return the stretch that begins with the header after the body at hand, or None."""
        back = _STEP_BACK
        while target - stretch.at >= _LEAST and self._allowance > 0:
            found = self._boundary_from(target)
            if found is None:
                return None
            at, piece, boundary = found
            self._allowance -= boundary.bit // 8
            try:
                landed, further = self._follow(stretch, at, piece, boundary, samples)
            except (Doubtful, CorruptLayer):
                samples.bound(at)
                target = at - back
                back *= 2
                continue
            if further is None:
                return landed
            target = further
        return None

    def _boundary_from(self, start: int) -> Optional[Tuple[int, bytes, Boundary]]:
        """Return a piece of the blob that begins at ``start``, and the first boundary in it."""
        length = self._piece
        while length <= _GREATEST_PIECE and start < self.size:
            piece = self._read(start, min(start + length, self.size))
            boundary = find_boundary(piece)
            if boundary is not None:
                return start, piece, boundary
            length *= 2
        return None

    def _follow(
        self, stretch: Stretch, start: int, piece: bytes, boundary: Boundary, samples: Samples
    ) -> Tuple[Optional[Stretch], Optional[int]]:
        """Read on from a landing until it is settled; return the stretch, or where to land further on.

        Raises Doubtful and CorruptLayer where this place is of no use.
        """
        landing, data = self._landing(stretch, piece, boundary)
        begin = start + boundary.bit // 8
        at = start + len(piece)
        while True:
            output = landing.stream.output
            landing.feed(data)
            if landing.first is None:
                samples.add(begin, at, landing.stream.output - output)
                begin = at
                further = self._further(stretch, at, samples)
                if further is not None:
                    return None, further
            if landing.settled:
                return self._settled(stretch, start, boundary, at, landing, samples), None
            if at >= self.size:
                return self._at_the_end(stretch, start, boundary, landing), None
            end = min(at + self._chunk(), self.size)
            data = self._read(at, end)
            at = end

    def _landing(self, stretch: Stretch, piece: bytes, boundary: Boundary) -> Tuple[Landing, bytes]:
        """Return a landing in the body that a stretch ended in, and its first input."""
        zeros, data = inflater_at(piece, boundary, 0)
        ones, _ = inflater_at(piece, boundary, 0xFF)
        return Landing(MemberStream(zeros), MemberStream(ones), stretch.position + stretch.walker.owed), data

    def _further(self, stretch: Stretch, at: int, samples: Samples) -> Optional[int]:
        """Return where to land next, when the body goes on much further than ``at``."""
        if samples.reach().end - at < 2 * self._least:
            return None
        return self._target(at, samples)

    def _settled(
        self, stretch: Stretch, start: int, boundary: Boundary, at: int, landing: Landing, samples: Samples
    ) -> Stretch:
        assert landing.first is not None
        bit = 8 * start + boundary.bit
        origin = stretch.position + stretch.walker.owed - landing.first
        found = Stretch(bit, at, landing.stream, landing.walker, landing.first, origin)
        found.entries = landing.entries
        found.expected, deviation = samples.output_at(bit // 8)
        found.deviation = max(deviation, 0.02 * found.expected, _STEP_BACK)
        if abs(gap(stretch, found) - found.expected) / found.deviation > (_DUBIOUS if landing.doubted else _INCREDIBLE):
            raise Doubtful
        return found

    def _at_the_end(self, stretch: Stretch, start: int, boundary: Boundary, landing: Landing) -> Stretch:
        """The blob has ended without another header: the body must be the last, and only zeros come after it.

        What the trailer states tells how many; they must all be there. Raises Doubtful.
        """
        ends = landing.stream.ends
        landing.stream.close()
        ends_at = stretch.position + stretch.walker.owed
        if landing.first is not None or len(ends) != 1 or any(item.all_ends() for item in self.stretches):
            raise Doubtful
        padding = (ends[0][1] - ends_at) % 2**32
        if padding > min(landing.zeros, _END_PADDING) or padding % BLOCK:
            raise Doubtful
        walker = TarWalker(ends_at)
        walker.feed(bytes(padding))
        first = landing.stream.output - padding
        return Stretch(8 * start + boundary.bit, self.size, landing.stream, walker, first, ends_at - first)

    # -- when lengths do not add up -----------------------------------------

    def _repair(self) -> Generator[List[Entry], None, None]:
        """Mend what is most doubtful: look for headers right before a landing, or read a gap; then see again."""
        self.repaired += 1
        broken = self.stretches[-1].at < self.size  # the last landing led astray
        missing = deficit(self.stretches)
        if broken:
            self._fill(len(self.stretches) - 1)
        elif missing < 0 or not any(self._look_back(number, missing) for number in self._suspects(missing)):
            self._fill(self._suspects(missing, anew=True)[0])
        try:
            yield from self._forward()
            self.proved = adds_up(self.stretches)
        except CorruptLayer:
            if self.whole:
                raise

    def _suspects(self, missing: int, anew: bool = False) -> List[int]:
        """Return the numbers of stretches before which ``missing`` bytes may have been lost, the likeliest first.

        Only those that were not looked behind for so much yet, unless ``anew``.
        """
        scores = []
        for number in range(1, len(self.stretches)):
            before, after = self.stretches[number - 1], self.stretches[number]
            if anew or after.looked_for < missing:
                off = gap(before, after) - after.expected
                scores.append((((off + missing) / after.deviation) ** 2 - (off / after.deviation) ** 2, number))
        return [number for _, number in sorted(scores)]

    def _look_back(self, number: int, missing: int) -> bool:
        """Land once more, before the landing of a stretch that perhaps missed headers of ``missing`` bytes in all.

        Where that finds them they are added.
        """
        before, after = self.stretches[number - 1], self.stretches[number]
        after.looked_for = missing
        begins = -(-after.bit // 8)
        expansion = max(1.0, after.expected / max(1, begins - before.at))
        back = int(1.5 * max(0, missing - after.first) / expansion) + _STEP_BACK
        again = max(0, after.first - missing + BLOCK) / expansion  # bytes read anew behind the landing
        if back + again > self._allowance or begins - back - before.at < _STEP_BACK:
            return False
        spent = self.fetcher.spent
        try:
            fuller = self._landed_before(before, after, begins - back)
        except (Doubtful, CorruptLayer):
            fuller = None
        self._allowance -= self.fetcher.spent - spent
        if fuller is None:
            return False
        fuller.expected, fuller.deviation = after.expected, after.deviation
        self.stretches[number] = fuller
        align(self.stretches)
        return True

    def _landed_before(self, before: Stretch, after: Stretch, start: int) -> Optional[Stretch]:
        """Return a stretch that begins behind ``start`` and leads into ``after`` by headers of its own.

        Raises Doubtful and CorruptLayer.
        """
        found = self._boundary_from(start)
        if found is None:
            return None
        start, piece, boundary = found
        landing, data = self._landing(before, piece, boundary)
        begins = -(-after.bit // 8)
        at = min(start + len(piece), begins)
        landing.feed(data[: len(data) - (start + len(piece) - at)])
        while at < begins:
            end = min(at + self._chunk(), begins)
            landing.feed(self._read(at, end))
            at = end
        meets = landing.stream.output + after.first  # the first header of ``after``, as output of this landing
        while landing.stream.output < meets + BLOCK and not (landing.settled and landing.walker.owed == meets - landing.stream.output):
            if landing.first is not None and landing.first >= meets or at >= after.at:
                return None  # there is nothing before it
            end = min(at + _CHUNK, after.at)
            landing.feed(self._read(at, end))
            at = end
        if landing.first is None or landing.first >= meets or not landing.certain:
            return None
        fuller = Stretch(
            8 * start + boundary.bit,
            at,
            landing.stream,
            landing.walker,
            landing.first,
            before.position + before.walker.owed - landing.first,
        )
        return fuller if fuller.lead_into(after, landing.entries, meets) else None

    def _fill(self, number: int) -> None:
        """Read what lies before a stretch, up to where it begins, and see whether it then fits; else read it anew."""
        before, after = self.stretches[number - 1], self.stretches.pop(number)
        begins = -(-after.bit // 8)
        while before.at < begins:
            self._advance(before, min(self._chunk(), begins - before.at))
        if before.walker.owed == after.first:
            before.append(after)
            before.entries += after.entries
        else:
            self._allowance = 0
            while before.at < after.at:
                self._advance(before, min(self._chunk(), after.at - before.at))
        align(self.stretches)


def _sampled(stream: MemberStream, data: bytes) -> Tuple[int, bool]:
    """Return how much ``data`` inflates to, and whether tar headers are in that."""
    tail, headers = b"", False
    for piece in stream.feed(data):
        buffer = tail + piece
        at = buffer.find(b"ustar")
        while at >= 0 and not headers:
            headers = at >= 257 and len(buffer) >= at + 255 and checksum_holds(buffer[at - 257 : at + 255])
            at = buffer.find(b"ustar", at + 1)
        tail = buffer[-BLOCK:]
    return stream.output, headers
