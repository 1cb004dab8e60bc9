"""Spans: a layer cut into pieces that can be read each by itself, as a SOCI index states them (soci-snapshotter).

Checkpoints of a gzip layer (``ztoc/compression/gzip_zinfo.c``), little endian::

    i32 count   i64 span size
    records of 32 785 bytes:   i64 in   i64 out   u8 bits   32 768 bytes of output before ``out``

Span n begins at a boundary of deflate blocks, in the byte before ``in`` with its
highest ``bits`` bits where there are any, and ends at the ``in`` of the next.
Its output begins at ``out``. One record less than the count: the first is left
out, and is the one after a gzip header of ten bytes. Of a layer that is not
compressed there is only a FlatBuffer ``TarZinfo{version, span_size, size}``.
"""

from __future__ import annotations

import bisect
import hashlib
import struct
import zlib
from itertools import chain
from typing import BinaryIO, Iterator, List, NamedTuple, Sequence

from ..errors import CorruptLayer, DigestMismatch
from ..limits import check_size
from .claimed import OpenRange, read_fully
from .compression import MAX_PIECE, Decompressor
from .flatbuffers import I64, Buffer
from .inflate_at import WINDOW, inflate_at
from .kinds import GZIP_MAGIC

MAX_SPAN = 32 * 1024 * 1024  # bytes of a span as stored; they are held to be hashed first. Usual are 4 MiB or less
_HEAD = struct.Struct("<iq")
_RECORD = struct.Struct("<qqB")
_STRIDE = _RECORD.size + WINDOW
_GZIP_HEADER = 10  # bytes, of the shortest one
_GZIP_TRAILER = 8
_KIND = "SOCI index"


class Span(NamedTuple):
    """A piece: the bytes [start, end) of the layer as stored; what they hold begins at ``out`` of the tar."""

    start: int
    end: int
    out: int
    bits: int  # of the first byte that belong to the span; 0 for all
    window: int  # where in the checkpoints the output before ``out`` ends


def gzip_spans(checkpoints: bytes, size: int) -> List[Span]:
    """Return the spans of a gzip layer of ``size`` bytes. Raises CorruptLayer."""
    if len(checkpoints) < _HEAD.size:
        raise CorruptLayer(_KIND, 0, "its checkpoints are cut off")
    count, _ = _HEAD.unpack_from(checkpoints)
    stored, rest = divmod(len(checkpoints) - _HEAD.size, _STRIDE)
    if rest or count < 1 or stored not in (count, count - 1):
        raise CorruptLayer(_KIND, 0, "it has not as many checkpoints as it says")
    records = [(_GZIP_HEADER, 0, 0, 0)] if stored < count else []
    for at in range(_HEAD.size, len(checkpoints), _STRIDE):
        records.append((*_RECORD.unpack_from(checkpoints, at), at + _STRIDE))
    ends = [record[0] for record in records[1:]] + [size]
    spans: List[Span] = []
    before = 0
    for (place, out, bits, window), end in zip(records, ends):
        start = place - (1 if bits else 0)
        if not 0 <= start <= place < end or bits > 7 or out < before or (out and not spans):
            raise CorruptLayer(_KIND, len(spans), "its checkpoints are not in order")
        spans.append(Span(start, end, out, bits, window))
        before = out
    return spans


def plain_spans(zinfo: bytes, size: int, count: int) -> List[Span]:
    """Return the ``count`` spans of a layer of ``size`` bytes that is not compressed. Raises CorruptLayer."""
    table = Buffer(zinfo).root()
    step, whole = table.number(1, I64), table.number(2, I64)
    if step < 1 or whole != size or -(-size // step) != count:
        raise CorruptLayer(_KIND, 0, "its spans do not make up the layer")
    return [Span(at, min(at + step, size), at, 0, 0) for at in range(0, size, step)]


class Spans:
    """A layer's spans and the digests of their bytes as stored; ``checkpoints`` is empty if that is the tar itself."""

    def __init__(self, spans: Sequence[Span], digests: Sequence[str], checkpoints: bytes) -> None:
        self._spans = spans
        self._digests = digests
        self._checkpoints = checkpoints
        self._outs = [span.out for span in spans]

    def read(self, start: int, length: int, open_range: OpenRange) -> Iterator[bytes]:
        """Yield the bytes [start, start + length) of the tar from the spans that hold them, fetched in one request.

        A span's digest is checked before anything of it is used. Raises
        DigestMismatch, CorruptLayer, LimitReached and what ``open_range`` raises.
        """
        if length <= 0:
            return
        first = bisect.bisect_right(self._outs, start) - 1
        last = bisect.bisect_right(self._outs, start + length - 1) - 1
        for span in self._spans[first : last + 1]:
            if span.end - span.start > MAX_SPAN:
                raise CorruptLayer(_KIND, span.start, "the span there is larger than {} bytes".format(MAX_SPAN))
        begin = self._spans[first]
        blob = open_range(begin.start, self._spans[last].end - begin.start)
        try:
            pieces = self._checked(blob, first, last)
            if self._checkpoints:
                pieces = _inflated(begin, self._window(begin), pieces)
            yield from _cut(pieces, start - begin.out, length)
        finally:
            blob.close()

    def _window(self, span: Span) -> bytes:
        # What is not yet output cannot be referred to, whatever the record holds in its place.
        return self._checkpoints[span.window - min(span.out, WINDOW) : span.window]

    def _checked(self, blob: BinaryIO, first: int, last: int) -> Iterator[bytes]:
        """Yield the bytes of one span after the other."""
        shared = b""  # a byte may belong to two spans
        for number in range(first, last + 1):
            span = self._spans[number]
            body = shared + read_fully(blob, span.end - span.start - len(shared))
            algorithm, _, stated = self._digests[number].partition(":")
            if hashlib.new(algorithm, body).hexdigest() != stated:
                raise DigestMismatch("a span of the layer has another digest than its index states")
            yield body[len(shared) :]
            following = self._spans[number + 1].bits if number < last else 0
            shared = body[-1:] if following else b""


def _cut(pieces: Iterator[bytes], skip: int, length: int) -> Iterator[bytes]:
    """Yield ``length`` bytes after the first ``skip`` ones, and look no further. Raises CorruptLayer."""
    for piece in pieces:
        if skip >= len(piece):
            skip -= len(piece)
            continue
        part = piece[skip : skip + length]
        skip = 0
        yield part
        length -= len(part)
        if not length:
            return
    raise CorruptLayer(_KIND, 0, "its spans hold {} bytes less than it says".format(length))


def _inflated(begin: Span, window: bytes, pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Yield what the stream holds from a checkpoint on, through the ends of gzip members."""
    fetched = inflated = 0

    def counted() -> Iterator[bytes]:
        nonlocal fetched
        for piece in pieces:
            fetched += len(piece)
            yield piece

    for data in _members(begin, window, counted()):
        inflated += len(data)
        check_size(inflated, fetched)
        yield data


def _members(begin: Span, window: bytes, pieces: Iterator[bytes]) -> Iterator[bytes]:
    engine, data = inflate_at(window, begin.bits, next(pieces))  # there is one: a span is never empty
    while not engine.eof:
        try:
            output = engine.decompress(data, MAX_PIECE)
        except zlib.error as error:
            raise CorruptLayer("gzip", begin.start, "from there it cannot be inflated ({})".format(error)) from None
        if output:
            yield output
        data = engine.unconsumed_tail
        if not data and len(output) < MAX_PIECE and not engine.eof:
            data = next(pieces, b"")
            if not data:
                return
    rest = engine.unused_data
    while len(rest) < _GZIP_TRAILER + len(GZIP_MAGIC):
        more = next(pieces, b"")
        if not more:
            return
        rest += more
    rest = rest[_GZIP_TRAILER:]
    if rest.startswith(GZIP_MAGIC):
        yield from Decompressor().run(chain((rest,), pieces))
