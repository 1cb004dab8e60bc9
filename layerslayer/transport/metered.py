"""A connection's bytes as they arrive: none lost when it breaks, and none waited for too long.

``http.client`` reads a body in large pieces; when the connection breaks in the
middle of one, what had arrived of it is lost with it. Here a break while a body
is read looks like its end, and is told afterwards. A server that sends only a
trickle, each byte in time, is found out too, and so is one whose headers never end.
"""

from __future__ import annotations

import http.client
import io
import socket
import time
from typing import Any, Optional

LEAST = 16 * 1024  # bytes that must arrive in PERIODS times the timeout
PERIODS = 2
MAX_HEAD = 1024 * 1024  # bytes before the body begins; http.client itself waits for ever for the last "100 Continue"
_BUFFER = 8 * 1024


class TooSlow(socket.timeout):
    """A trickle."""


class Metered(io.RawIOBase):
    """The raw stream of a socket. ``forgiving`` makes a break look like the end; ``error`` has it then."""

    def __init__(self, raw: Any, timeout: Optional[float]) -> None:
        super().__init__()
        self._raw = raw
        self._period = timeout * PERIODS if timeout else None
        self._waited = 0.0  # seconds within this period, inside of reads only: a slow reader is no slow sender
        self._arrived = 0
        self._head = 0  # bytes that came before anybody took the answer's body in hand
        self.forgiving = False
        self.error: Optional[OSError] = None

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> Optional[int]:
        if self.error is not None:
            return 0
        began = time.monotonic()
        try:
            count: Optional[int] = self._raw.readinto(buffer)
            self._judge(count or 0, time.monotonic() - began)
            self._bound_head(count or 0)
            return count
        except OSError as error:
            if not self.forgiving:
                raise
            self.error = error
            return 0

    def _judge(self, count: int, seconds: float) -> None:
        self._arrived += count
        self._waited += seconds
        if self._arrived >= LEAST:
            self._arrived, self._waited = 0, 0.0
        elif count and self._period and self._waited > self._period:
            raise TooSlow("less than {} bytes in {:.0f} seconds".format(LEAST, self._waited))

    def _bound_head(self, count: int) -> None:
        self._head += 0 if self.forgiving else count
        if self._head > MAX_HEAD:
            raise http.client.HTTPException("got more than {} bytes of headers".format(MAX_HEAD))

    def close(self) -> None:
        if not self.closed:
            self._raw.close()
            super().close()


class MeteredResponse(http.client.HTTPResponse):
    """An HTTP response that reads through ``Metered``."""

    def __init__(self, sock: socket.socket, *arguments: Any, **named: Any) -> None:
        super().__init__(sock, *arguments, **named)
        self.metered = Metered(self.fp.detach(), sock.gettimeout())
        self.fp = io.BufferedReader(self.metered, _BUFFER)
