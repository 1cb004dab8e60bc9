"""Inflaters of raw deflate that are several times as fast as zlib's, and cannot be copied. No I/O.

Of what they were fed they may hold the last symbol back, where zlib gives it.
"""

from __future__ import annotations

import zlib
from typing import Any, Iterable, Tuple

from ..decompress import igzip
from .block_finder import Boundary, inflater_at, primed
from .inflate import WINDOW
from .members import MemberStream

FAST = igzip is not None
# A stored block of zeros: a window that older bindings of isal crash when they are given as a dictionary.
_WINDOW = b"\0" + WINDOW.to_bytes(2, "little") + (0xFFFF ^ WINDOW).to_bytes(2, "little") + bytes(WINDOW)


class _Fast:
    """isal's, with the interface of zlib's: what does not fit into the limit comes with the next call."""

    unconsumed_tail = b""

    def __init__(self) -> None:
        self._engine = igzip.IgzipDecompressor(igzip.DECOMP_DEFLATE)
        self.eof = False
        self.unused_data = b""

    def decompress(self, data: bytes, limit: int) -> bytes:
        """Return up to ``limit`` bytes. Raises zlib.error."""
        if self.eof:
            return b""
        engine = self._engine
        try:
            output: bytes = engine.decompress(data, limit)
        except igzip.IsalError as error:
            raise zlib.error(str(error)) from None
        self.eof, self.unused_data = engine.eof, engine.unused_data
        return output


def new_engine() -> Any:
    """Return an inflater for the beginning of a stream."""
    return _Fast() if FAST else zlib.decompressobj(-15)


def stream_at(piece: bytes, boundary: Boundary, fast: bool = True) -> Tuple[MemberStream, bytes]:
    """Return a stream that begins there, with zeros for what is not known, and its first input."""
    if fast and FAST:
        stream = MemberStream(_Fast(), new_engine)
        stream.pass_over(WINDOW)
        stream.output = 0
        return stream, _WINDOW + primed(piece, boundary)
    engine, data = inflater_at(piece, boundary, 0)
    return MemberStream(engine), data


def quickened(stream: MemberStream, piece: bytes, boundary: Boundary, more: Iterable[bytes]) -> MemberStream:
    """Return a faster stream that goes on where ``stream`` stands; ``stream`` itself where there is none.

    ``stream`` has come from ``boundary`` in ``piece`` through that and what is ``more``.
    """
    if not FAST or stream.ends:
        return stream
    fast, data = stream_at(piece, boundary)
    for part in (data, *more):
        for _ in fast.feed(part):
            pass
    if fast.ends or fast.output > stream.output:
        return stream
    fast.pass_over(stream.output - fast.output)
    return fast
