"""A connection's bytes as they arrive: none lost when it breaks, and none waited for too long.

``http.client`` reads a body in large pieces; when the connection breaks in the
middle of one, what had arrived of it is lost with it. Here a break while a body
is read looks like its end, and is reported afterwards. A server that sends only a
trickle, each byte in time, is found out too (``timeouts``), and so is one whose
headers never end.
"""

from __future__ import annotations

import http.client
import io
import socket
import time
from typing import Any, List, Optional, Tuple

from .chunked_body import Chunks
from .timeouts import Patience

MAX_HEAD = 1024 * 1024  # bytes before the body begins; http.client itself waits for ever for the last "100 Continue"
_BUFFER = 8 * 1024
_LINE = 64 * 1024  # bytes of a header read at a time
_COOKIES = ("Set-Cookie", "Set-Cookie2")


class Metered(io.RawIOBase):
    """The raw stream of a socket. ``forgiving`` makes a break look like the end; ``error`` has it then.

    ``framed`` is set by who takes the body out of its frame, and then reports to ``patience`` what was gained.
    """

    def __init__(self, raw: Any, timeout: Optional[float]) -> None:
        super().__init__()
        self._raw = raw
        self.patience = Patience(timeout)
        self.framed = False
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
            if count:
                if not self.framed:
                    self.patience.gain(count)
                self.patience.wait(time.monotonic() - began)
                self._bound_head(count)
            return count
        except OSError as error:
            self.fail(error)
            return 0

    def fail(self, error: OSError) -> None:
        """End the stream: with ``error`` where nobody is forgiving, else as if it had come to its end."""
        if not self.forgiving:
            raise error
        self.error = self.error or error

    def _bound_head(self, count: int) -> None:
        self._head += 0 if self.forgiving else count
        if self._head > MAX_HEAD:
            raise http.client.HTTPException(f"got more than {MAX_HEAD} bytes of headers")

    def close(self) -> None:
        if not self.closed:
            self._raw.close()
            super().close()


class MeteredResponse(http.client.HTTPResponse):
    """An HTTP response that reads through ``Metered``, and where it is chunked through ``Chunks``.

    Interim answers are passed over, whichever they are (RFC 9110, 15.2), and cookies are not even looked at.
    """

    def __init__(self, sock: socket.socket, *arguments: Any, **named: Any) -> None:
        super().__init__(sock, *arguments, **named)
        self.metered = Metered(self.fp.detach(), sock.gettimeout())
        self.fp = io.BufferedReader(self.metered, _BUFFER)
        self._begun = False

    def begin(self) -> None:
        if self._begun:
            return
        self._begun = True
        super().begin()
        for name in _COOKIES:
            del self.headers[name]  # all of them; nothing where there is none
        if self.chunked:
            self.chunked = False
            self.metered.framed = True
            self.fp = io.BufferedReader(Chunks(self.fp, self.metered), _BUFFER)

    def _read_status(self) -> Tuple[str, int, str]:
        while True:
            version, status, reason = super()._read_status()  # type: ignore[misc]
            if not 100 < status < 200 or status == http.client.SWITCHING_PROTOCOLS:
                return version, status, reason  # http.client passes over 100 itself
            while self.fp.readline(_LINE) not in (b"\r\n", b"\n", b""):
                pass


def paced(opened: Any) -> Any:
    """Bound how long a TLS socket is waited for by the TLS within it: that of a host behind a proxy that speaks https.

    The inner one asks for bytes until a record is whole, or the handshake, and
    each of its reads may take the timeout. ``opened`` itself is returned.
    """
    receive, send = opened.recv, opened.sendall
    waiting: List[Patience] = []

    def recv(*arguments: Any) -> bytes:
        if not waiting:
            waiting.append(Patience(opened.gettimeout()))
            waiting[0].layer()
        began = time.monotonic()
        data: bytes = receive(*arguments)
        if data:
            waiting[0].gain(len(data))
            waiting[0].wait(time.monotonic() - began)
        return data

    def sendall(data: Any, *arguments: Any) -> Any:
        if data:  # urllib3 sends nothing, too
            waiting.clear()  # another answer is waited for from now on
        return send(data, *arguments)

    opened.recv, opened.sendall = recv, sendall
    return opened
