"""Bodies that come in chunks (RFC 9112, 7.1)::

    4;extension=x CRLF        length in hex; extensions mean nothing to us
    DATA CRLF
    0 CRLF
    trailer: x CRLF           nor do trailers
    CRLF

``http.client`` reads such lines for ever, and what had arrived of a chunk that
broke off is lost there. Here what frames a body is bounded by the body itself.
"""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .metered import Metered

_SIZE = re.compile(rb"0*([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\r\n]*)?\r?\n")
_MAX_LINE = 4096  # bytes
_FREE = 64 * 1024  # bytes of framing that any body may have
_RATIO = 16  # times a body's own bytes that may frame it, beyond that: chunks of one byte have 5


class Chunks(io.RawIOBase):
    """The body in ``stream``, a buffered reader of ``metered``, without its frame.

    An end that comes too early, or a frame that is none, is told by ``metered``.
    """

    def __init__(self, stream: Any, metered: Metered) -> None:
        super().__init__()
        self._stream = stream
        self._metered = metered
        self._left = 0  # bytes of the chunk at hand
        self._begun = False
        self._ended = False
        self._body = 0  # bytes so far
        self._frame = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self._ended and not self._left:
            try:
                self._next()
            except ValueError as error:
                self._end(str(error))
        if self._ended or not len(buffer):
            return 0
        count: int = self._stream.readinto1(memoryview(buffer)[: self._left])
        if not count:
            self._end("the body ends within a chunk")
        self._left -= count
        self._body += count
        self._metered.patience.gain(count)
        return count

    def _next(self) -> None:
        """Go on to the next chunk, or past the trailers to the end. Raises ValueError."""
        if self._begun and self._line() not in (b"\r\n", b"\n"):
            raise ValueError("a chunk does not end where it should")
        self._begun = True
        size = _SIZE.fullmatch(self._line())
        if size is None:
            raise ValueError("a chunk has no length")
        self._left = int(size.group(1), 16)
        if self._left == 0:
            while self._line() not in (b"\r\n", b"\n"):
                pass
            self._ended = True

    def _line(self) -> bytes:
        """Return the next line of the frame, with its end. Raises ValueError."""
        line: bytes = self._stream.readline(_MAX_LINE)
        self._frame += len(line)
        if not line.endswith(b"\n"):
            raise ValueError("a line of the frame does not end")
        if self._frame > _FREE + _RATIO * self._body:
            raise ValueError("the body is nearly all frame")
        return line

    def _end(self, problem: str) -> None:
        self._ended = True
        self._metered.fail(ConnectionError(problem))

    def close(self) -> None:
        if not self.closed:
            self._stream.close()
            super().close()
