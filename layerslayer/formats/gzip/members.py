"""Gzip members inflated from anywhere, with what their trailers say of their lengths. No I/O.

Wire format of a member (RFC 1952)::

    10 bytes   1f 8b 08 | flags | mtime 4 | extra flags | system
    optional   extra: 2 bytes length and so many | name NUL | comment NUL | 2 bytes checksum
    deflate blocks
    8 bytes    CRC-32 | ISIZE: the member's uncompressed length modulo 2**32
"""

from __future__ import annotations

import zlib
from typing import Any, Callable, Iterator, List, Optional, Tuple

from ...errors import CorruptLayer
from ..magic import GZIP_MAGIC

_PIECE = 256 * 1024  # bytes of output at a time
_TRAILER = 8
_MAX_HEADER = 128 * 1024  # bytes: two of 64 KiB, and the rest
_EXTRA, _NAME, _COMMENT, _CHECKSUM = 4, 8, 16, 2
_FIRST, _ENDED, _NEXT = range(3)  # no member has ended, one has, another began after it


def header_length(data: bytes) -> Optional[int]:
    """Return how long the member header is that ``data`` begins with, None when more is needed.

    Raises ValueError for what is none.
    """
    if not data.startswith(GZIP_MAGIC[: len(data)]):
        raise ValueError("no gzip member begins there")
    if len(data) < 10:
        return None
    flags, at = data[3], 10
    if flags & _EXTRA:
        if len(data) < at + 2:
            return None
        at += 2 + int.from_bytes(data[at : at + 2], "little")
    for flag in (_NAME, _COMMENT):
        if flags & flag:
            end = data.find(b"\0", at)
            if end < 0 or end >= _MAX_HEADER:
                if len(data) > _MAX_HEADER:
                    raise ValueError("the header there is too long")
                return None
            at = end + 1
    at += 2 if flags & _CHECKSUM else 0
    return at if len(data) >= at else None


class MemberStream:
    """Inflates members, from the beginning of one or from wherever ``engine`` stands in one.

    ``output`` counts the bytes that came out, ``ends`` has for each member that
    ended how many had come out by then, and its ISIZE; ``trailing`` counts bytes
    after the last member that are neither a member nor zeros.
    """

    def __init__(self, engine: Any = None, new_engine: Callable[[], Any] = lambda: zlib.decompressobj(-15)) -> None:
        self._engine = engine  # None between members
        self._new_engine = new_engine  # what inflates a member from its beginning
        self._over = 0  # bytes of output that are still to be passed over
        self._held = b""  # the beginning of a header or trailer
        self._stage = _FIRST
        self.trailing = 0
        self.output = 0
        self.ends: List[Tuple[int, int]] = []

    @property
    def several(self) -> bool:
        """Whether a member began after another had ended."""
        return self._stage == _NEXT

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yield all that the next bytes of the blob add. Raises CorruptLayer."""
        data = self._held + data
        self._held = b""
        while data:
            if self._engine is None:
                data = self._between(data)
                continue
            engine = self._engine
            try:
                piece = engine.decompress(data, _PIECE)
                while piece:
                    fresh = piece[self._over :] if self._over else piece
                    self._over -= len(piece) - len(fresh)
                    self.output += len(fresh)
                    if fresh:
                        yield fresh
                    if len(piece) < _PIECE or engine.eof:
                        break  # at the end zlib may keep an input that was used up already
                    piece = engine.decompress(engine.unconsumed_tail, _PIECE)
            except zlib.error as error:
                raise CorruptLayer("gzip", 0, f"the stream cannot be inflated ({error})") from None
            data = self._after(engine)

    def _after(self, engine: Any) -> bytes:
        """Return what is left for ``_between``, once an input is used up."""
        if not engine.eof:
            return b""
        rest: bytes = engine.unused_data
        if len(rest) < _TRAILER:
            # The engine of a finished member is kept until the trailer is whole.
            self._held, self._engine = rest, _Trailer()
            return b""
        self._end(rest)
        return rest[_TRAILER:]

    def _end(self, trailer: bytes) -> None:
        self.ends.append((self.output, int.from_bytes(trailer[4:_TRAILER], "little")))
        self._engine, self._stage = None, max(self._stage, _ENDED)

    def _between(self, data: bytes) -> bytes:
        """Begin the next member; return what follows its header."""
        if self._stage != _FIRST and not self.trailing:
            data = data.lstrip(b"\0")  # padding may follow a member
        if not data or self.trailing:
            self.trailing += len(data)
            return b""
        try:
            length = header_length(data)
        except ValueError:
            if self._stage == _FIRST:
                raise CorruptLayer("gzip", 0, "no gzip member begins there") from None
            self.trailing += len(data)
            return b""
        if length is None:
            self._held = data
            return b""
        self._stage = _FIRST if self._stage == _FIRST else _NEXT
        self._engine = self._new_engine()
        return data[length:]

    def pass_over(self, count: int) -> None:
        """Leave out the next ``count`` bytes of output, which came out before."""
        self._over = count
        self.output += count

    def copy(self) -> MemberStream:
        """Return another that goes on from here, knowing of no member that has ended. Only of zlib's engines."""
        twin = MemberStream(self._engine and self._engine.copy())
        twin._held, twin._stage, twin.trailing = self._held, self._stage, self.trailing
        return twin

    def close(self) -> None:
        """End the blob. Raises CorruptLayer where a member has not ended."""
        cut = self._held and (self._stage == _FIRST or len(self._held) >= len(GZIP_MAGIC))  # a header that breaks off
        if self._engine is not None or cut:
            raise CorruptLayer("gzip", 0, "the stream ends before its last member does")
        self.trailing += len(self._held)


class _Trailer:
    """In place of an engine, while a trailer is not whole."""

    eof = True

    def __init__(self) -> None:
        self.unused_data = b""
        self.unconsumed_tail = b""

    def decompress(self, data: bytes, limit: int) -> bytes:
        self.unused_data = data
        return b""

    def copy(self) -> _Trailer:
        return self
