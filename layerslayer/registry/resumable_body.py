"""A blob's bytes over as many connections as it takes.

What arrived is never asked for twice where the server serves parts
(RFC 9110, 14); where it does not, the blob is asked for again and what is
known of it is passed over. Nothing here is believed: whoever reads checks
size and digest of the whole.
"""

from __future__ import annotations

from typing import BinaryIO, Callable, List, Optional, Tuple

from ..errors import ConnectionLost, LayerslayerError, RangeIgnored
from .http import retries

LEAST_GAIN = 16 * 1024  # bytes that a connection must bring, or it counts as failed
_SKIPPED = 128 * 1024  # bytes at a time


class SteadyBody:
    """A readable of ``[position, end)`` of a blob; ``end`` None where its size is unknown.

    ``part(position)`` opens the rest of it, and says where in the blob that
    begins: there, or at 0. It may raise RangeIgnored, now or always; then
    ``whole()`` opens all of it. More than ``attempts`` connections in a row that
    bring next to nothing are given up: ConnectionLost. ``tell`` gets a line for
    each break, ``spend`` how many known bytes will come once more; what it raises
    ends the reading.
    """

    def __init__(
        self,
        stream: BinaryIO,
        position: int,
        end: Optional[int],
        part: Callable[[int], Tuple[BinaryIO, int]],
        whole: Callable[[], BinaryIO],
        attempts: int = retries.ATTEMPTS,
        tell: Callable[[str], None] = lambda text: None,
        spend: Callable[[int], None] = lambda count: None,
    ) -> None:
        self._stream = stream
        self._position = position
        self._end = end
        self._part = part if end is not None else None
        self._whole = whole
        self._attempts = attempts
        self._tell = tell
        self._spend = spend
        self._skip = 0  # bytes of the stream before ``position``
        self._mark = position  # where this connection began
        self._failures = 0
        self._error: Optional[LayerslayerError] = None

    def read(self, count: int) -> bytes:
        """Return ``count`` bytes, or fewer at the end, or before what the next call raises."""
        if self._error is not None:
            raise self._error
        pieces: List[bytes] = []
        while count > 0:
            try:
                piece = self._next(count)
            except LayerslayerError as error:
                if not pieces:
                    raise
                self._error = error
                break
            if piece is None:
                continue
            if not piece:
                break
            pieces.append(piece)
            count -= len(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _next(self, count: int) -> Optional[bytes]:
        """Return bytes at ``position``, none at the end, None where there is to be another try."""
        try:
            piece = self._stream.read(min(self._skip, _SKIPPED) or count)
            if not piece and (self._skip or (self._end is not None and self._position < self._end)):
                raise ConnectionLost(
                    "a blob broke off after {} of {} bytes.".format(self._position, self._end), "Try again."
                )
        except ConnectionLost as error:
            if self._end is not None and self._position >= self._end and not self._skip:
                return b""  # all is there, whatever length had been promised
            self._connect(error)
            return None
        if self._skip:
            self._skip -= len(piece)
            return None
        self._position += len(piece)
        return piece

    def _connect(self, error: ConnectionLost) -> None:
        self._stream.close()
        if self._position - self._mark >= LEAST_GAIN:
            self._failures = 0
        self._mark = self._position
        self._failures += 1
        if self._failures > self._attempts:
            raise error
        self._tell("{} Going on at byte {}.".format(error, self._position))
        if self._failures > 1:  # after a good stretch at once
            retries.pause(retries.backoff(self._failures - 1))
        begin = 0
        try:
            if self._part is None:
                self._open_whole()
            else:
                self._stream, begin = self._part(self._position)
                if begin < self._position:
                    self._pay(self._position - begin)
        except RangeIgnored as ignored:
            self._tell("{} Asking for all of it.".format(ignored))
            self._open_whole()
        self._skip = self._position - begin

    def _open_whole(self) -> None:
        self._spend(self._position)
        self._stream = self._whole()

    def _pay(self, count: int) -> None:
        try:
            self._spend(count)
        except BaseException:
            self._stream.close()
            raise

    def close(self) -> None:
        self._stream.close()
