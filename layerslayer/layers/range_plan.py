"""Files out of a layer that was read before: where to begin, how much to fetch, and their bytes checked. No I/O.

What an earlier verified reading kept says where each file stands in the tar
and its sha256; its points say where in the blob that is. A span is a part of
the blob that is fetched at once and holds one or several of the files.
"""

from __future__ import annotations

import hashlib
from itertools import chain
from typing import BinaryIO, Callable, Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple, Union

from ..errors import CorruptLayer, DigestMismatch
from ..formats.checkpoints import Point, Points
from ..formats.decompress import Decompressor
from ..formats.entry import Entry
from ..formats.gzip.inflate import WINDOW
from ..formats.gzip.window import rejoin
from ..formats.tar.bodies import Bodies, Sink
from ..formats.tar.reader import TarWalker
from ..limits import DEFAULT, Limits

LEAD = 72 * 1024  # bytes of a gzip stream before a point in which to join it: more than a stored block
FURTHER = 288 * 1024  # the same, where none was found in that
_SLACK = 64  # bytes of the blob after a point that an engine may want besides
_REQUEST = 192 * 1024  # bytes of the blob that are better read than asked for around
_PIECE = 32 * 1024  # bytes of the blob read at a time: what a file ends in the middle of is not wanted
_BEYOND = 8 * 1024 * 1024  # bytes of tar after a span's files that something must be wrong by
OpenSink = Callable[[Entry], Sink]


class Wanted(NamedTuple):
    """A regular file with the sha256 of its contents; ``end`` is where in the tar nothing of it follows."""

    entry: Entry
    digest: bytes
    end: int


class Span(NamedTuple):
    """The bytes [start, end) of the blob. The tar from ``point`` on comes out of them; before it they lead up to it."""

    start: int
    end: int
    point: Point
    files: Tuple[Wanted, ...]  # as they stand in the tar


class Remembered(NamedTuple):
    """What is known of a layer of ``size`` bytes; ``limits`` bound what is taken of it."""

    compression: str
    size: int
    points: Points
    limits: Limits = DEFAULT


def spans(layer: Remembered, wanted: Sequence[Wanted], lead: int) -> List[Span]:
    """Return what to fetch for files, given as they stand in the tar: neighbours together.

    ``lead`` bytes of a gzip stream before a point are for joining it.
    """
    found: List[Span] = []
    for item in wanted:
        span = _span_of(layer, item, lead)
        last = found[-1] if found else None
        if last is not None and span.start <= last.end + _REQUEST:
            found[-1] = last._replace(end=max(last.end, span.end), files=(*last.files, item))
        else:
            found.append(span)
    return found


def from_the_beginning(layer: Remembered, wanted: Sequence[Wanted]) -> Span:
    """Return the span of all files that needs no point."""
    end = max(_end(layer, item.end) for item in wanted)
    return Span(0, end, Point(0, 0), tuple(wanted))


def _span_of(layer: Remembered, item: Wanted, lead: int) -> Span:
    end = _end(layer, item.end)
    offset = item.entry.offset
    if layer.compression == "none":
        return Span(offset, end, Point(offset, offset), (item,))
    gzip = layer.compression == "gzip"
    point = layer.points.before(offset, windows=gzip)
    if gzip and point.stored <= lead:
        return Span(0, end, Point(0, 0), (item,))
    return Span(point.stored - lead if gzip else point.stored, end, point, (item,))


def _end(layer: Remembered, position: int) -> int:
    """Return how many bytes of the blob surely hold the tar up to ``position``."""
    if layer.compression == "none":
        return min(position, layer.size)
    after = layer.points.after(position)
    return layer.size if after is None else min(after + _SLACK, layer.size)


def read_span(
    layer: Remembered, span: Span, blob: BinaryIO, open_sink: OpenSink, done: Callable[[Wanted], None]
) -> None:
    """Give the files of a span to their sinks: all bytes, and ``end`` only when they have the sha256 that is known.

    ``blob`` is a readable of the span's bytes, or more; what is not needed is
    left unread. ``done`` is told of each file. Raises CorruptLayer and
    DigestMismatch for anything else than what was known, and what the sinks and ``blob`` raise.
    """
    missing: Dict[int, Wanted] = {item.entry.offset: item for item in span.files}

    def choose(entry: Entry) -> Optional[Sink]:
        item = missing.get(entry.offset)
        if item is None:
            return None
        if entry != item.entry:
            raise CorruptLayer("tar", entry.offset, "another file stands there than is remembered")
        return _Checked(open_sink(entry), item, finished)

    def finished(item: Wanted) -> None:
        del missing[item.entry.offset]
        done(item)

    begin, last = span.files[0].entry.offset, max(item.end for item in span.files)
    walker = TarWalker(begin, layer.limits)
    bodies = Bodies(choose)
    walker.bodies = bodies.starts
    for position, piece in _tar(layer, span, blob):
        if position + len(piece) <= begin:
            continue
        if position < begin:
            position, piece = begin, piece[begin - position :]
        bodies.take(position, piece, walker.feed(piece))
        if not missing:
            return
        if position > last + _BEYOND:
            break
    raise CorruptLayer("tar", begin, "{} files that are remembered are not there".format(len(missing)))


def _tar(layer: Remembered, span: Span, blob: BinaryIO) -> Iterator[Tuple[int, bytes]]:
    """Yield what the span holds of the tar, piece by piece, each with where it stands there."""
    position = span.point.tar
    pieces: Iterator[bytes]
    if span.start < span.point.stored:
        lead = _read(blob, span.point.stored - span.start)
        try:
            known = layer.points.window(span.point)
        except ValueError as error:
            raise CorruptLayer("gzip", span.point.stored, str(error)) from None
        if len(known) < WINDOW:
            raise CorruptLayer("gzip", span.point.stored, "too little is known there")
        beyond = blob.read(LEAD)
        stream, shift = rejoin(lead, known, beyond)
        position += shift
        pieces = (piece for data in chain((beyond,), _pieces(blob)) for piece in stream.feed(data))
    elif layer.compression == "none":
        pieces = _pieces(blob)
    else:
        pieces = Decompressor(limits=layer.limits).run(_pieces(blob))
    for piece in pieces:
        yield position, piece
        position += len(piece)


def _pieces(blob: BinaryIO) -> Iterator[bytes]:
    while True:
        data = blob.read(_PIECE)
        if not data:
            return
        yield data


def _read(blob: BinaryIO, length: int) -> bytes:
    pieces = []
    while length > 0:
        piece = blob.read(length)
        if not piece:
            raise CorruptLayer("gzip", 0, "the blob ends {} bytes too early".format(length))
        pieces.append(piece)
        length -= len(piece)
    return b"".join(pieces)


class _Checked(Sink):
    """Ends what it leads to only when the body has the sha256 that is known."""

    def __init__(self, sink: Sink, item: Wanted, finished: Callable[[Wanted], None]) -> None:
        self._sink = sink
        self._item = item
        self._finished = finished
        self._hash = hashlib.sha256()

    def write(self, data: Union[bytes, memoryview]) -> None:
        self._hash.update(data)
        self._sink.write(data)

    def end(self) -> None:
        if self._hash.digest() != self._item.digest:
            raise DigestMismatch("the contents of a file are not those of the earlier verified reading")
        self._sink.end()
        self._finished(self._item)

    def refuse(self, reason: str) -> None:
        raise CorruptLayer("tar", self._item.entry.offset, "another file stands there than is remembered")
