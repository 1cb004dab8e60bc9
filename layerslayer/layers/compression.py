"""Compressed pieces in, uncompressed pieces out, whatever the compression. No I/O.

No output piece is larger than a few MiB, however well the input compresses.
"""

from __future__ import annotations

import zlib
from typing import Any, Iterator, Tuple

from ..errors import CorruptLayer, MissingBinding
from ..limits import bound
from .kinds import GZIP_MAGIC, compression_of
from .zstd_frames import FrameCutter

try:
    from isal import igzip_lib, isal_zlib

    _inflater: Any = isal_zlib.decompressobj
    _inflate_errors: Tuple[Any, ...] = (igzip_lib.IsalError, zlib.error)
except ImportError:  # slower, and right all the same
    _inflater = zlib.decompressobj
    _inflate_errors = (zlib.error,)

MAX_PIECE = 256 * 1024  # bytes of output at a time


class Decompressor:
    """Decompresses one blob. ``kind`` is "gzip", "zstd" or "none" once the first
    piece came out; ``trailing`` counts bytes after the last gzip member that
    are neither a member nor zeros."""

    def __init__(self) -> None:
        self.kind = "none"
        self.trailing = 0

    def run(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        """Yield the uncompressed bytes of the compressed ``pieces``.

        Raises CorruptLayer (offset in compressed bytes) and MissingBinding.
        """
        head = b""
        for piece in pieces:
            head += piece
            if len(head) >= 4:
                break
        self.kind = compression_of(head)
        joined = _chain(head, pieces)
        if self.kind == "gzip":
            joined = self._gzip(joined)
        elif self.kind == "zstd":
            joined = _zstd(joined)
        yield from joined

    def _gzip(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        member: Any = _inflater(31)  # None between members
        consumed = 0  # compressed bytes dealt with
        held = b""  # the start of a member, too short to tell
        for piece in pieces:
            data = held + piece
            held = b""
            while data:
                if member is None:
                    rest = data.lstrip(b"\0")  # padding may follow a member
                    consumed += len(data) - len(rest)
                    data = rest
                    if len(data) < len(GZIP_MAGIC) and GZIP_MAGIC.startswith(data):
                        held = data
                        break
                    if not data.startswith(GZIP_MAGIC):
                        self.trailing = len(data) + sum(map(len, pieces))
                        return
                    member = _inflater(31)
                output, left = _inflate(member, data, consumed)
                consumed += len(data) - len(left)
                data = left
                if output:
                    yield output
                if member.eof:
                    member = None
        while member is not None:
            output, _ = _inflate(member, b"", consumed)
            if output:
                yield output
            elif not member.eof:
                raise CorruptLayer("gzip", consumed, "the stream ends before its last member does")
            if member.eof:
                member = None
        self.trailing = len(held)


def _inflate(member: Any, data: bytes, consumed: int) -> Tuple[bytes, bytes]:
    """Return a bounded piece of output and the input left for later."""
    try:
        output = member.decompress(data, MAX_PIECE)
    except _inflate_errors as error:
        raise CorruptLayer("gzip", consumed, "near there the stream cannot be inflated ({})".format(error)) from None
    left = member.unused_data if member.eof else member.unconsumed_tail
    if data and not output and not member.eof and len(left) == len(data):
        raise CorruptLayer("gzip", consumed, "the stream cannot be inflated further")
    return output, left


def _chain(head: bytes, pieces: Iterator[bytes]) -> Iterator[bytes]:
    if head:
        yield head
    yield from pieces


def _zstd(pieces: Iterator[bytes]) -> Iterator[bytes]:
    try:
        import zstandard
    except ImportError:
        raise MissingBinding(
            "this layer is compressed with zstd, and no zstd binding is installed", "Run: pip install zstandard"
        ) from None
    engine = zstandard.ZstdDecompressor(max_window_size=bound("window"))
    cutter = FrameCutter()
    frame = engine.decompressobj()
    for piece in pieces:
        for part, ends in cutter.feed(piece):
            try:
                output = frame.decompress(part)
            except zstandard.ZstdError as error:
                raise CorruptLayer(
                    "zstd", cutter.frame_start, "the frame there cannot be decompressed ({})".format(error)
                ) from None
            if output:
                yield output
            if ends:
                frame = engine.decompressobj()
    cutter.close()
