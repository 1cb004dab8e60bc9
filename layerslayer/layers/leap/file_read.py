"""The bytes of a file that a leaping walk went past, read from the nearest place that it can be gone on from. No I/O.

Best is a point before the file's header, within the same segment. Where there is
none, the stream is resynced in anew, and inflated with two guesses at what came
before (see ``resync``): the file is taken where both agree on it, and from
further back where they do not, at last from where the segment before ended.
How many bytes of tar come out up to the next point tells where in the tar that
is. The file's header must stand there, and say what the walk was told.
"""

from __future__ import annotations

from typing import Iterator, List, NamedTuple, Optional, Tuple, Union

from ...errors import CorruptLayer
from ...formats.entry import Entry
from ...formats.gzip.block_finder import inflater_at
from ...formats.gzip.inflate import WINDOW
from ...formats.gzip.members import MemberStream
from ...formats.tar.bodies import Bodies, Sink
from ...formats.tar.header import BLOCK
from ...formats.tar.reader import TarWalker
from .gzip_walk import GzipWalk
from .segments import Segment

_BACK = 128 * 1024  # bytes to go back for another resync, at first; then twice as many
_LEAST, _MOST = 32 * 1024, 1024 * 1024  # bytes of the blob to read at a time
_AT_ONCE = 16 * 1024  # the same, inflated with two guesses: those of a bomb stay small
_HEADERS = 8  # extensions, the largest there may be, that a file's headers and map of holes never take


class Start(NamedTuple):
    """Where to begin: ``data`` comes first, then the blob from ``at`` on; what comes out of it stands at ``position``.

    Of a resync there are two streams, with two guesses at what came before.
    """

    streams: Tuple[MemberStream, ...]
    data: bytes
    at: int
    position: int


class _Unknown(Exception):
    """What came out depends on what is not known."""


def read_body(walk: GzipWalk, entry: Entry, sink: Sink) -> None:
    """Give the body of a regular file to ``sink``: all its bytes, then ``end``; or ``refuse``.

    The walk has yielded ``entry`` and stands still. Raises CorruptLayer where
    another file stands there, or none, and what the source and ``sink`` raise;
    the sink has some of the bytes then.
    """
    resumed = _Resumed(sink)
    for start in _starts(walk, entry.offset):
        try:
            _read(walk, start, entry, resumed)
            return
        except _Unknown:
            pass
        except CorruptLayer:
            if len(start.streams) == 1 or resumed.given:
                raise  # else it was no resync
        resumed.rewind()


# -- where to begin ---------------------------------------------------------


def _starts(walk: GzipWalk, offset: int) -> Iterator[Start]:
    """Yield where to begin for what stands at ``offset`` of the tar, the nearest first; the last is exact."""
    number = max(at for at, segment in enumerate(walk.segments) if not at or segment.origin + segment.first <= offset)
    segment = walk.segments[number]
    nearest: Optional[Start] = None
    for point in segment.resume_points:
        if point.stream is not None and point.position <= offset and (nearest is None or point.at > nearest.at):
            nearest = Start((point.stream,), b"", point.at, point.position)
    if nearest is None and not number:
        nearest = Start((MemberStream(),), b"", 0, 0)
    if nearest is not None:
        yield nearest._replace(streams=(nearest.streams[0].copy(),))
        return
    before, back = walk.segments[number - 1], 0
    while segment.bit // 8 - back > before.at:
        resynced = _resynced(walk, segment, segment.bit // 8 - back, offset)
        if resynced is not None:
            yield resynced
        back = 2 * back or _BACK
    yield Start((before.stream.copy(),), b"", before.at, before.position)


def _resynced(walk: GzipWalk, segment: Segment, start: int, offset: int) -> Optional[Start]:
    """Return a resync near ``start``, before ``offset`` of the tar; None where there is none."""
    place = walk.skipper.boundary_from(start)
    if place is None:
        return None
    start, piece, boundary = place
    until, position = min(
        [(point.at, point.position) for point in segment.resume_points if point.position > offset],
        default=(segment.at, segment.position),
    )
    if until <= start + boundary.bit // 8:
        return None
    at = min(start + len(piece), until)
    engine, data = inflater_at(piece, boundary, 0)
    data = data[: len(data) - (start + len(piece) - at)]
    stream = MemberStream(engine)
    try:
        for part in _between(walk, data, at, until):
            for _ in stream.feed(part):
                pass
    except CorruptLayer:
        return None
    position -= stream.output
    streams = tuple(MemberStream(inflater_at(piece, boundary, fill)[0]) for fill in (0, 0xFF))
    return Start(streams, data, at, position) if position <= offset else None


def _between(walk: GzipWalk, data: bytes, at: int, until: int) -> Iterator[bytes]:
    yield data
    yield from walk.skipper.pieces(at, until)


# -- reading on from there --------------------------------------------------


def _read(walk: GzipWalk, start: Start, entry: Entry, sink: _Resumed) -> None:
    """Read on to the end of the file. Raises CorruptLayer, and _Unknown where other bytes may come out."""
    met: List[Entry] = []

    def choose(found: Entry) -> Optional[Sink]:
        if not met and found != entry:
            raise CorruptLayer("tar", entry.offset, "another file stands there than was listed")
        met.append(found)
        return sink if len(met) == 1 else None

    walker, bodies = TarWalker(entry.offset, walk.limits), Bodies(choose)
    walker.bodies = bodies.starts
    position = start.position
    for piece, other in _output(walk, start, entry):
        skipped = min(max(0, entry.offset - position), len(piece))
        position += len(piece)
        piece = piece[skipped:]
        if other is not None and other[skipped:] != piece:
            raise _Unknown
        if piece:
            batch = walker.feed(piece)
            bodies.take(position - len(piece), piece, batch)
        if sink.over:
            return
        if position > entry.offset + entry.size + _HEADERS * walk.limits.extension:
            break
    raise CorruptLayer("tar", entry.offset, "the file that was listed is not there")


def _output(walk: GzipWalk, start: Start, entry: Entry) -> Iterator[Tuple[bytes, Optional[bytes]]]:
    """Yield what comes out, piece by piece, and, as long as it may be another one, the other guess of it."""
    stream = start.streams[0]
    other = start.streams[1] if len(start.streams) > 1 else None
    tail = other_tail = b""
    for data in _input(walk, start, entry):
        if other is None:
            for piece in stream.feed(data):
                yield piece, None
            continue
        for at in range(0, len(data), _AT_ONCE):
            part = data[at : at + _AT_ONCE]
            others = other.feed(part)
            for piece in stream.feed(part):
                guess = next(others)
                yield piece, guess
                tail, other_tail = (tail + piece)[-WINDOW:], (other_tail + guess)[-WINDOW:]
            for _ in others:  # none is left; but it ends what it does only when asked once more
                pass
        if len(tail) == WINDOW and tail == other_tail:
            other = None  # all that follows is the same


def _input(walk: GzipWalk, start: Start, entry: Entry) -> Iterator[bytes]:
    """Yield the blob's bytes, no more at a time than the file takes, probably."""
    fetcher, at = walk.fetcher, start.at
    stream, end = start.streams[0], entry.offset + BLOCK + entry.size - start.position
    expansion = max(1.0, walk.last.position / max(1, walk.last.at))
    begun = at
    if start.data:
        yield start.data
    while at < fetcher.size:
        if stream.output and at > begun:
            expansion = max(1.0, stream.output / (at - begun + len(start.data)))
        wanted = int(max(0, end - stream.output) / expansion)
        length = min(max(wanted, _LEAST), _MOST)
        to = min(at + length, fetcher.size)
        further = min(2 * fetcher.throughput.in_flight, wanted - length)
        if further > 0:
            fetcher.ahead(to, to + further, min(length, further))
        yield fetcher.read(at, to)
        if length == _MOST:  # a large file is not to be held in a temporary one as well
            walk.let_go(at, to)
        at = to


class _Resumed(Sink):
    """Leads on to a sink; after ``rewind`` the bytes that it has already come once more."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self.given = 0
        self._passed = 0
        self.over = False

    def rewind(self) -> None:
        self._passed = 0

    def begin(self, place: int) -> None:
        if not self.given:
            self._sink.begin(place)

    def write(self, data: Union[bytes, memoryview]) -> None:
        fresh = data[max(0, self.given - self._passed) :]
        self._passed += len(data)
        if len(fresh):
            self.given += len(fresh)
            self._sink.write(fresh)

    def end(self) -> None:
        self.over = True
        self._sink.end()

    def refuse(self, reason: str) -> None:
        self.over = True
        self._sink.refuse(reason)
