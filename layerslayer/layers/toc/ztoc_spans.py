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
from typing import BinaryIO, Iterator, List, NamedTuple, Sequence, Tuple, Union

from ...errors import CorruptLayer, DigestMismatch
from ...formats.decompress import MAX_PIECE, Decompressor
from ...formats.gzip.inflate import WINDOW, inflate_at
from ...formats.magic import GZIP_MAGIC
from ...limits import DEFAULT, Limits
from .base import OpenRange, read_fully
from .flatbuffers import I64, Buffer

MAX_SPAN = 32 * 1024 * 1024  # bytes of a span as stored; they are held to be hashed first. Usual are 4 MiB or less
MOST_SPANS = 2**17  # of a layer; usual are 4 MiB each
MAX_HELD = 16 * 1024 * 1024  # bytes of what a span holds, to be held for the next file
_HEAD = struct.Struct("<iq")
_RECORD = struct.Struct("<qqB")
_STRIDE = _RECORD.size + WINDOW
_GZIP_HEADER = 10  # bytes, of the shortest one
_AT_ONCE = 64 * 1024  # bytes inflated at a time; what the engine has not taken of them is copied again and again
_GZIP_TRAILER = 8
_KIND = "SOCI index"
Bytes = Union[bytes, memoryview]
_SHORT = "its spans hold {} bytes less than it says"


class Span(NamedTuple):
    """A piece: the bytes [start, end) of the layer as stored; what they hold begins at ``out`` of the tar."""

    start: int
    end: int
    out: int
    bits: int  # of the first byte that belong to the span; 0 for all
    window: int  # where in the checkpoints the output before ``out`` ends


def gzip_spans(checkpoints: Bytes, size: int) -> List[Span]:
    """Return the spans of a gzip layer of ``size`` bytes. Raises CorruptLayer."""
    if len(checkpoints) < _HEAD.size:
        raise CorruptLayer(_KIND, 0, "its checkpoints are cut off")
    count, _ = _HEAD.unpack_from(checkpoints)
    stored, rest = divmod(len(checkpoints) - _HEAD.size, _STRIDE)
    if rest or count < 1 or stored not in (count, count - 1) or count > MOST_SPANS:
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
    """A layer's spans and the digests of their bytes as stored; ``checkpoints`` is empty if that is the tar itself.

    For one reader at a time: the last span that was inflated is held, so that
    files that stand together cost one request.
    """

    def __init__(
        self,
        spans: Sequence[Span],
        digests: Sequence[str],
        checkpoints: Bytes,
        size: int,
        limits: Limits = DEFAULT,
    ) -> None:
        """``size`` is how many bytes of the tar there are to be read."""
        self._spans = spans
        self._digests = digests
        self._checkpoints = checkpoints
        self._outs = [span.out for span in spans]
        self._size = size
        self._limits = limits
        self._held: Tuple[int, bytes] = (-1, b"")

    def read(self, start: int, length: int, open_range: OpenRange) -> Iterator[bytes]:
        """Yield the bytes [start, start + length) of the tar from the spans that hold them, fetched in one request.

        A span's digest is checked before anything of it is used. Raises
        DigestMismatch, CorruptLayer, LimitReached and what ``open_range`` raises.
        """
        missing = length
        for data in self._read(start, start + length, open_range) if length > 0 else ():
            missing -= len(data)
            yield data
        if missing:
            raise CorruptLayer(_KIND, 0, _SHORT.format(missing))

    def _read(self, start: int, end: int, open_range: OpenRange) -> Iterator[bytes]:
        first = bisect.bisect_right(self._outs, start) - 1
        last = bisect.bisect_right(self._outs, end - 1) - 1
        if self._held[0] == first:
            yield self._held[1][start - self._outs[first] : end - self._outs[first]]
            first += 1
        if first > last:
            return
        for span in self._spans[first : last + 1]:
            if span.end - span.start > MAX_SPAN:
                raise CorruptLayer(_KIND, span.start, "the span there is larger than {} bytes".format(MAX_SPAN))
        begin = self._spans[first].start
        blob = open_range(begin, self._spans[last].end - begin)
        try:
            for number, body in self._checked(blob, first, last):
                out, size = self._outs[number], self._size_of(number)
                yield from self._plain(number, body, max(start - out, 0), min(end - out, size))
        finally:
            blob.close()

    def _size_of(self, number: int) -> int:
        """Return how much of the tar a span holds."""
        following = self._outs[number + 1] if number + 1 < len(self._outs) else self._size
        return max(following - self._outs[number], 0)

    def _checked(self, blob: BinaryIO, first: int, last: int) -> Iterator[Tuple[int, bytes]]:
        """Yield the numbers of spans and their bytes."""
        shared = b""  # a byte may belong to two spans
        for number in range(first, last + 1):
            span = self._spans[number]
            body = shared + read_fully(blob, span.end - span.start - len(shared))
            algorithm, _, stated = self._digests[number].partition(":")
            if hashlib.new(algorithm, body).hexdigest() != stated:
                raise DigestMismatch("a span of the layer has another digest than its index states")
            yield number, body
            shared = body[-1:] if number < last and self._spans[number + 1].bits else b""

    def _plain(self, number: int, body: bytes, low: int, high: int) -> Iterator[bytes]:
        """Yield the bytes [low, high) of what a span holds."""
        span, size = self._spans[number], self._size_of(number)
        pieces: Iterator[bytes] = iter((body,))
        if self._checkpoints:
            # What is not yet output cannot be referred to, whatever the record holds in its place.
            window = bytes(self._checkpoints[span.window - min(span.out, WINDOW) : span.window])
            pieces = _inflated(span, window, body, self._limits)
        if size > MAX_HELD:
            yield from _cut(pieces, low, high - low)
            return
        self._held = (number, b"".join(_cut(pieces, 0, size)))
        yield self._held[1][low:high]


def _cut(pieces: Iterator[bytes], skip: int, length: int) -> Iterator[bytes]:
    """Yield ``length`` bytes after the first ``skip`` ones, and look no further. Raises CorruptLayer."""
    while length > 0:
        piece = next(pieces, b"")
        if not piece:
            raise CorruptLayer(_KIND, 0, _SHORT.format(length))
        part = piece[skip : skip + length]
        skip -= min(skip, len(piece))
        length -= len(part)
        if part:
            yield part


def _inflated(span: Span, window: bytes, body: bytes, limits: Limits) -> Iterator[bytes]:
    """Yield what a span holds, through the ends of gzip members. Raises CorruptLayer and LimitReached."""
    inflated = 0
    for data in _members(span, window, body, limits):
        inflated += len(data)
        limits.check_size(inflated, len(body))
        yield data


def _members(span: Span, window: bytes, body: bytes, limits: Limits) -> Iterator[bytes]:
    engine, data = inflate_at(window, span.bits, body)
    at = 0
    while not engine.eof and at < len(data):
        part, output = data[at : at + _AT_ONCE], b"more"
        at += len(part)
        while not engine.eof and (part or output):
            try:
                output = engine.decompress(part, MAX_PIECE)
            except zlib.error as error:
                raise CorruptLayer("gzip", span.start, "from there it cannot be inflated ({})".format(error)) from None
            part = engine.unconsumed_tail
            if output:
                yield output
    rest = (engine.unused_data + data[at:])[_GZIP_TRAILER:]
    if rest.startswith(GZIP_MAGIC):
        yield from Decompressor(limits=limits).run(iter((rest,)))
