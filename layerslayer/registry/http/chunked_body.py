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
    from .stall_guard import Metered

_SIZE = re.compile(rb"0{0,4000}([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\r\n]{0,4000})?\r?\n")
_NEXT = re.compile(rb"\r?\n" + _SIZE.pattern)  # the end of the chunk before, too
_MAX_LINE = 4096  # bytes
_BLOCK = 64 * 1024  # bytes asked for at a time
_FREE = 64 * 1024  # bytes of framing that any body may have
_RATIO = 16  # times a body's own bytes that may frame it, beyond that: chunks of one byte have 5


class Chunks(io.RawIOBase):
    """The body in ``stream``, a buffered reader of ``metered``, without its frame.

    ``metered`` reports an end that comes too early, or a frame that is none.
    """

    def __init__(self, stream: Any, metered: Metered) -> None:
        super().__init__()
        self._stream = stream
        self._metered = metered
        self._block = b""  # what came of the stream, and
        self._at = 0  # where in it the rest begins
        self._left = 0  # bytes of this chunk that are still to come
        self._begun = False
        self._ended = False
        self._spare = _FREE  # bytes of framing that may still come; more with each byte of the body

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        """Read as many chunks as have come; wait only where there is nothing yet."""
        view = memoryview(buffer)
        count = 0
        try:
            while count < len(view) and not self._ended:
                if not self._left:
                    if count and not self._has_line():
                        break
                    self._next()
                elif self._at == len(self._block):
                    if count:
                        break
                    self._more("the body ends within a chunk")
                else:
                    size = min(self._left, len(view) - count, len(self._block) - self._at)
                    view[count : count + size] = self._block[self._at : self._at + size]
                    self._left -= size
                    self._at += size
                    count += size
                    self._spare += _RATIO * size
                    if not self._left:
                        count = self._whole_chunks(view, count)
        except ValueError as error:
            self._ended = True
            self._metered.fail(ConnectionError(str(error)))
        self._metered.patience.gain(count)
        return count

    def _whole_chunks(self, view: memoryview, count: int) -> int:
        """Copy the chunks that follow and have come whole, as far as there is room behind ``count`` bytes.

        Nothing but speed: half a second for each 200 MB in chunks of 512 bytes.
        """
        block, begin, at, room = self._block, count, self._at, len(view)
        match = _NEXT.match(block, at)
        while match is not None:
            here = match.end()
            size = int(match.group(1), 16)
            if not size or size > room - count or here + size > len(block):
                break
            at = here + size
            view[count : count + size] = block[here:at]
            count += size
            match = _NEXT.match(block, at)
        self._spare += (_RATIO + 1) * (count - begin) - (at - self._at)
        self._at = at
        return count

    def _has_line(self) -> bool:
        """Whether the line that says how long the next chunk is has come, behind the end of this one."""
        end = self._block.find(b"\n", self._at)
        return end >= 0 and self._block.find(b"\n", end + 1) >= 0

    def _next(self) -> None:
        """Go on to the next chunk, or past the trailers to the end. Raises ValueError."""
        pattern = _NEXT if self._begun else _SIZE
        size = pattern.match(self._block, self._at)
        if size is None:
            self._gather(2 if self._begun else 1)
            size = pattern.match(self._block, self._at)
            if size is None:
                raise ValueError("a chunk does not end where it should, or the next has no length")
        self._begun = True
        self._pass(size.end())
        self._left = int(size.group(1), 16)
        if self._left == 0:
            self._pass_trailers()
            self._ended = True

    def _pass_trailers(self) -> None:
        line = b""
        while line not in (b"\r\n", b"\n"):
            self._gather(1)
            end = self._block.index(b"\n", self._at) + 1
            line = self._block[self._at : end]
            self._pass(end)

    def _gather(self, lines: int) -> None:
        """Wait until so many whole lines have come. Raises ValueError."""
        end = self._at
        while lines:
            found = self._block.find(b"\n", end, self._at + _MAX_LINE) + 1
            if found:
                end, lines = found, lines - 1
            elif len(self._block) - self._at >= _MAX_LINE:
                raise ValueError("a line of the frame does not end")
            else:
                end -= self._at
                self._more("a line of the frame does not end")

    def _pass(self, end: int) -> None:
        """Go on behind a piece of the frame. Raises ValueError where that is nearly all there is."""
        self._spare -= end - self._at
        self._at = end
        if self._spare < 0:
            raise ValueError("the body is nearly all frame")

    def _more(self, problem: str) -> None:
        """Wait for more of the stream. Raises ValueError where it ends."""
        piece = self._stream.read1(_BLOCK)
        if not piece:
            raise ValueError(problem)
        self._block = self._block[self._at :] + piece
        self._at = 0

    def close(self) -> None:
        if not self.closed:
            self._stream.close()
            super().close()
