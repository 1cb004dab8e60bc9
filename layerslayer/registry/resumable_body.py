"""A blob's bytes over as many connections as it takes.

What arrived is never asked for twice where the server serves parts
(RFC 9110, 14); where it does not, the blob is asked for again and what is
known of it is passed over. Nothing here is believed: whoever reads checks
size and digest of the whole.
"""

from __future__ import annotations

from typing import BinaryIO, Callable, List, NamedTuple, Optional, Tuple

from ..errors import ConnectionLost, LayerslayerError, RangeIgnored
from .http import retries

LEAST_GAIN = 16 * 1024  # bytes that a connection must bring, or it counts as failed
_SKIPPED = 128 * 1024  # bytes at a time


class Reopening(NamedTuple):
    """How to open what is left of a blob: ``part`` is tried first, ``whole`` where the server serves no parts.

    ``part(position)`` opens the rest of it, and says where in the blob that begins: there, or at 0. It may raise
    RangeIgnored, now or always. ``spend`` gets how many known bytes will come once more; what it raises ends
    the reading.
    """

    part: Optional[Callable[[int], Tuple[BinaryIO, int]]]
    whole: Callable[[], BinaryIO]
    spend: Callable[[int], None] = lambda count: None

    def open(self, position: int, log: Callable[[str], None]) -> Tuple[BinaryIO, int]:
        """Return a readable of the rest, or of more, and where in the blob it begins."""
        if self.part is None:
            return self._all(position), 0
        try:
            stream, begin = self.part(position)
        except RangeIgnored as ignored:
            log(f"{ignored} Asking for all of it.")
            return self._all(position), 0
        if begin < position:
            try:
                self.spend(position - begin)
            except BaseException:
                stream.close()
                raise
        return stream, begin

    def _all(self, position: int) -> BinaryIO:
        self.spend(position)
        return self.whole()


class _Attempts:
    """Connections in a row that brought next to nothing; more than ``most`` of them are given up."""

    def __init__(self, most: int, position: int) -> None:
        self._most = most
        self._began = position  # where this connection did
        self._failures = 0

    def failed(self, position: int, error: ConnectionLost) -> int:
        """Record that a connection broke at ``position``; return how many did in a row. Raises ``error`` at the end."""
        if position - self._began >= LEAST_GAIN:
            self._failures = 0
        self._began = position
        self._failures += 1
        if self._failures > self._most:
            raise error
        return self._failures


class ResumableBody:
    """A readable of ``[position, end)`` of a blob; ``end`` None where its size is unknown.

    More than ``attempts`` connections in a row that bring next to nothing are
    given up: ConnectionLost. ``log`` gets a line for each break.
    """

    def __init__(
        self,
        stream: BinaryIO,
        position: int,
        end: Optional[int],
        reopening: Reopening,
        attempts: int = retries.ATTEMPTS,
        log: Callable[[str], None] = lambda text: None,
    ) -> None:
        self._stream = stream
        self._position = position
        self._end = end
        self._reopening = reopening if end is not None else reopening._replace(part=None)
        self._attempts = _Attempts(attempts, position)
        self._log = log
        self._skip = 0  # bytes of the stream before ``position``
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
                raise ConnectionLost(f"a blob broke off after {self._position} of {self._end} bytes.", "Try again.")
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
        failures = self._attempts.failed(self._position, error)
        self._log(f"{error} Going on at byte {self._position}.")
        if failures > 1:  # after one that brought much, at once
            retries.pause(retries.backoff(failures - 1))
        self._stream, begin = self._reopening.open(self._position, self._log)
        self._skip = self._position - begin

    def close(self) -> None:
        self._stream.close()
