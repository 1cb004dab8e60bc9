"""Blobs that were compressed once more for their way, though nobody asked for it.

``Accept-Encoding: identity`` is what we say (RFC 9110, 12.5.3); some proxies do
not mind, and some registries (Pulp) say ``Content-Encoding: x-gzip`` of layers
that are gzip by themselves, which is not the same. What arrives shows it.
"""

from __future__ import annotations

import zlib
from typing import BinaryIO, Iterator, cast

from ..errors import CorruptLayer
from .http.response import Answer

_MAGIC = b"\x1f\x8b"
_HEAD = 4096  # bytes looked at
_PIECE = 64 * 1024
_FREE = 64 * 1024  # bytes of framing that any body may have
_RATIO = 16  # times what it holds that may frame it, beyond that: blocks of one byte have 6


def unwrapped(answer: Answer, media_type: str, document: bool = False) -> BinaryIO:
    """Return the body of an answer as the blob that was stored, as far as its beginning shows.

    ``document`` as for ``Answer.stream``.
    """
    stream = answer.stream(document)
    return cast(BinaryIO, _Unwrapped(stream, media_type)) if answer.encoded else stream


class _Unwrapped:
    """A readable of ``stream``, inflated where that makes it what ``media_type`` says."""

    def __init__(self, stream: BinaryIO, media_type: str) -> None:
        self._stream = stream
        self._is_gzip = media_type.endswith("gzip")
        self._pieces = self._run()
        self._left = b""

    def read(self, count: int) -> bytes:
        """Return up to ``count`` bytes, none at the end. Raises as ``stream``, and CorruptLayer."""
        while not self._left:
            piece = next(self._pieces, None)
            if piece is None:
                return b""
            self._left = piece
        piece, self._left = self._left[:count], self._left[count:]
        return piece

    def _run(self) -> Iterator[bytes]:
        head = self._stream.read(_HEAD)
        wrapped = head.startswith(_MAGIC) and (not self._is_gzip or _inflates_to_gzip(head))
        if not wrapped:
            yield head
            yield from iter(lambda: self._stream.read(_PIECE), b"")
            return
        try:
            yield from self._inflated(head)
        except zlib.error as error:
            raise _damaged(str(error)) from None

    def _inflated(self, data: bytes) -> Iterator[bytes]:
        """Yield what a gzip stream holds (RFC 1952); what follows its end is not read."""
        inflater = zlib.decompressobj(31)
        came = gave = 0
        while data and not inflater.eof:
            piece = inflater.decompress(data, _PIECE)
            came, gave = came + len(data) - len(inflater.unconsumed_tail), gave + len(piece)
            if came > _FREE + _RATIO * gave:
                raise _damaged("it is nearly all frame")
            yield piece
            data = inflater.unconsumed_tail or self._stream.read(_PIECE)
        yield inflater.flush()

    def close(self) -> None:
        self._stream.close()


def _damaged(problem: str) -> CorruptLayer:
    return CorruptLayer("gzip", 0, f"what it was compressed with on its way is damaged ({problem})")


def _inflates_to_gzip(head: bytes) -> bool:
    try:
        return zlib.decompressobj(31).decompress(head, 2) == _MAGIC
    except zlib.error:
        return False
