"""One plain GET over a local unix socket, for daemons."""

from __future__ import annotations

import http.client
import socket

from ..._version import __version__
from ...errors import Unreachable
from .stall_guard import MeteredResponse


class _UnixConnection(http.client.HTTPConnection):
    response_class = MeteredResponse

    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class SocketAnswer:
    """The answer to a GET over a unix socket, its body unread. Close it."""

    def __init__(self, socket_path: str, target: str, timeout: float) -> None:
        """Ask for ``target``, a path. ``timeout`` is in seconds without a byte. Raises Unreachable."""
        self._name = "unix://" + socket_path
        if not hasattr(socket, "AF_UNIX"):
            raise Unreachable(f"{self._name} cannot be reached: Python has no unix sockets on this system.")
        self._connection = _UnixConnection(socket_path, timeout)
        try:
            self._connection.request("GET", target, headers={"User-Agent": "layerslayer/" + __version__})
            self._response = self._connection.getresponse()
        except (OSError, http.client.HTTPException, ValueError) as error:
            self._connection.close()
            reason = getattr(error, "strerror", None) or str(error) or "it closed the connection"
            raise Unreachable(f"{self._name} cannot be reached: {reason}.") from None
        self.status: int = self._response.status
        if isinstance(self._response, MeteredResponse) and self.status == 200:
            self._response.metered.patience.layer()
        elif isinstance(self._response, MeteredResponse):
            self._response.metered.patience.document()

    def read(self, count: int) -> bytes:
        """Return up to ``count`` bytes of the body, none at its end. Raises Unreachable for one cut short."""
        try:
            piece = self._response.read(count)
        except (OSError, http.client.HTTPException, ValueError):
            raise Unreachable(f"{self._name} broke off before all data had arrived.", "Try again.") from None
        if not piece and count and self._response.length:  # 3.7 to 3.11 take an early end of the connection for the end
            raise Unreachable(f"{self._name} broke off before all data had arrived.", "Try again.")
        return piece

    def close(self) -> None:
        self._response.close()
        self._connection.close()
