"""TCP connections begun while Python still loads the HTTP library.

Loading ``requests`` takes longer than a round trip to most registries, so the
first connections are ready by the time the first request is. A connection that
did not come about is no error here: the ordinary way finds the reason.
"""

from __future__ import annotations

import os
import select
import socket
import threading
import time
from typing import List, Optional

_PATIENCE = 1.0  # seconds to wait for a connection begun early; the ordinary way is better then
_FRESH = 20.0  # seconds; what waited longer may have been closed by the server
_PROXIES = ("http_proxy", "https_proxy", "all_proxy")


class EarlyConnections:
    """``count`` connections to one host, begun at once. Safe to share between threads."""

    def __init__(self, host: str, port: int, count: int) -> None:
        self._host = host
        self._port = port
        self._count = count
        self._sockets: List[socket.socket] = []
        self._lock = threading.Lock()
        self._begun_at = time.monotonic()
        self._closed = False
        self._ready = threading.Event()
        threading.Thread(target=self._begin, daemon=True).start()

    def _begin(self) -> None:
        try:
            # Only the first address: where it does not answer, the ordinary way tries the others.
            # As bytes: for a text Python would load its tables of international names.
            found = socket.getaddrinfo(self._host.encode("ascii"), self._port, 0, socket.SOCK_STREAM)
            family, kind, protocol, _, address = found[0]
            for _ in range(self._count):
                connection = socket.socket(family, kind, protocol)
                connection.setblocking(False)
                connection.connect_ex(address)
                with self._lock:
                    if self._closed:
                        connection.close()
                        return
                    self._sockets.append(connection)
        except (OSError, UnicodeError):
            pass  # no such host, no such network, no more files: whoever connects next says so
        finally:
            self._ready.set()

    def take(self, host: str, port: int) -> Optional[socket.socket]:
        """Return a connected socket to ``host`` and ``port``, or None."""
        if (host, port) != (self._host, self._port) or not self._ready.wait(_PATIENCE):
            return None
        with self._lock:
            connection = self._sockets.pop(0) if self._sockets else None
        if connection is None:
            return None
        try:
            if time.monotonic() - self._begun_at < _FRESH and _connected(connection):
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                return connection
        except (OSError, ValueError):
            pass
        connection.close()
        return None

    def close(self) -> None:
        """Close what nobody took."""
        with self._lock:
            self._closed = True
            left, self._sockets = self._sockets, []
        for connection in left:
            connection.close()


def _connected(connection: socket.socket) -> bool:
    """Wait for the connection to stand; False when it failed, or the server has closed it since."""
    _, writable, _ = select.select((), (connection,), (), _PATIENCE)
    if not writable or connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
        return False
    readable, _, _ = select.select((connection,), (), (), 0)
    return not readable  # a server that speaks first, or hangs up


def through_proxy() -> bool:
    """Whether the environment names a proxy; then nothing may be connected past it."""
    return any(os.environ.get(name) or os.environ.get(name.upper()) for name in _PROXIES)
