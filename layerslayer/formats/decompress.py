"""Compressed pieces in, uncompressed pieces out, whatever the compression. No I/O.

No output piece is larger than a few MiB, however well the input compresses.
"""

from __future__ import annotations

import re
import zlib
from functools import partial
from typing import Any, Iterator, Optional, Tuple

from ..errors import CorruptLayer
from ..limits import DEFAULT, Limits
from .checkpoints import Recorder
from .magic import GZIP_MAGIC, compression_of
from .zstd.stream import FrameStream

igzip: Any
try:
    from isal import igzip_lib as igzip
except ImportError:  # slower, and right all the same
    igzip = None

MAX_PIECE = 256 * 1024  # bytes of output at a time
_FIRST_TAKEN = 512  # bytes given to a member that begins; what it leaves is copied, and members may be tiny
_MOST_TAKEN = 128 * 1024  # bytes given to a member at once, in the end
_ZEROS = re.compile(rb"\0*")


class Decompressor:
    """Decompresses one blob. ``kind`` is "gzip", "zstd" or "none" once the first
    piece came out; ``trailing`` counts bytes after the last gzip member that
    are neither a member nor zeros. ``recorder`` notes points to begin at again."""

    def __init__(self, recorder: Optional[Recorder] = None, limits: Limits = DEFAULT) -> None:
        self._limits = limits
        self.kind = "none"
        self.head = b""  # the blob's first bytes
        self.trailing = 0
        self._recorder = recorder

    def run(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        """Yield the uncompressed bytes of the compressed ``pieces``.

        Raises CorruptLayer (offset in compressed bytes) and MissingBinding.
        """
        head = b""
        for piece in pieces:
            head += piece
            if len(head) >= 4:
                break
        self.kind, self.head = compression_of(head), head[:8]
        joined = _chain(head, pieces)
        recorder = self._recorder if self.kind != "none" else None
        if recorder:
            yield from self._recorded(joined, recorder)
        elif self.kind == "gzip":
            yield from self._gzip(joined)
        elif self.kind == "zstd":
            yield from _zstd(joined, self._limits)
        else:
            yield from joined

    def _recorded(self, pieces: Iterator[bytes], recorder: Recorder) -> Iterator[bytes]:
        """Decompress, and note points.

        A piece of gzip is asked for once all has come out of those before; of
        what has just filled its limit the engine may still hold a part back.
        """
        last = 0

        def watched() -> Iterator[bytes]:
            stored = 0
            for piece in pieces:
                if last < MAX_PIECE:
                    recorder.passed(stored, windows=True)
                stored += len(piece)
                yield piece

        gzip = self.kind == "gzip"
        for piece in self._gzip(watched()) if gzip else _zstd(pieces, self._limits, recorder):
            last = len(piece)
            recorder.came_out(piece)
            yield piece

    def _gzip(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        member: Any = None  # None between members
        begun = False  # whether there has been one
        consumed = 0  # compressed bytes before the piece
        held = b""  # the start of a member, too short to tell
        for piece in pieces:
            data = held + piece if held else piece
            held, at, taken = b"", 0, _MOST_TAKEN
            while at < len(data):
                if member is None:
                    at = _ZEROS.match(data, at).end() if begun else at  # type: ignore[union-attr]  # padding may follow
                    head = data[at : at + len(GZIP_MAGIC)]
                    if len(head) < len(GZIP_MAGIC) and GZIP_MAGIC.startswith(head):
                        held = head
                        break
                    if head != GZIP_MAGIC:
                        self.trailing = len(data) - at + sum(map(len, pieces))
                        return
                    member, begun, taken = gzip_member(), True, _FIRST_TAKEN
                part = data[at : at + taken]
                yield from _inflated(member, part, consumed + at)
                at += len(part)
                if member.eof:
                    at -= len(member.unused_data)
                    member = None
                taken = min(2 * taken, _MOST_TAKEN)
            consumed += len(data) - len(held)
        if member is not None:
            raise CorruptLayer("gzip", consumed, "the stream ends before its last member does")
        self.trailing = len(held)


class _ZlibMember:
    """One gzip member inflated by the standard library, with the interface of isal's decompressor."""

    def __init__(self) -> None:
        self._engine = zlib.decompressobj(31)
        self.eof = False
        self.needs_input = True
        self.unused_data = b""

    def decompress(self, data: bytes, limit: int) -> bytes:
        """Return at most ``limit`` bytes; ``needs_input`` turns False where more can come without input."""
        engine = self._engine
        output = engine.decompress(engine.unconsumed_tail + data, limit)
        self.eof, self.unused_data = engine.eof, engine.unused_data
        self.needs_input = not engine.unconsumed_tail and len(output) < limit
        return output


if igzip is None:
    gzip_member: Any = _ZlibMember
    _inflate_errors: Tuple[Any, ...] = (zlib.error,)
else:
    gzip_member = partial(igzip.IgzipDecompressor, igzip.DECOMP_GZIP)
    _inflate_errors = (igzip.IsalError,)


def _inflated(member: Any, data: bytes, offset: int) -> Iterator[bytes]:
    """Yield what ``data``, which stands at ``offset``, adds to the output of ``member``."""
    try:
        output = member.decompress(data, MAX_PIECE)
        while output:
            yield output
            if member.needs_input or member.eof:
                return
            output = member.decompress(b"", MAX_PIECE)
    except _inflate_errors as error:
        raise CorruptLayer("gzip", offset, f"near there the stream cannot be inflated ({error})") from None


def _chain(head: bytes, pieces: Iterator[bytes]) -> Iterator[bytes]:
    if head:
        yield head
    yield from pieces


def _zstd(pieces: Iterator[bytes], limits: Limits, recorder: Optional[Recorder] = None) -> Iterator[bytes]:
    stream = FrameStream(limits=limits)
    begins = partial(recorder.passed, windows=False) if recorder else None
    try:
        for piece in pieces:
            yield from stream.feed(piece, begins)
        stream.close()
    finally:
        stream.release()
