"""A server that writes to the socket itself, so that its answers may be anything, and need never end."""

from __future__ import annotations

import itertools
import socket
import ssl
import threading
from typing import Callable, Iterable, Iterator, List, Optional

Script = Callable[[str], Iterable[bytes]]  # path and query of a request -> pieces of the answer, as they go on the wire


class Wire:
    """Listens on loopback and answers each request by ``script``; a piece that is empty is a pause.

    The connection ends when a script does, unless it ``keep``s it. ``unix`` is the path of a socket to listen at.
    ``everywhere``: at all addresses of this machine, not at 127.0.0.1 alone.
    """

    def __init__(
        self,
        script: Script,
        pause: float = 0.02,
        keep: bool = False,
        unix: str = "",
        tls: Optional[ssl.SSLContext] = None,
        everywhere: bool = False,
    ) -> None:
        self._script = script
        self._pause = pause
        self._keep = keep
        self._tls = tls
        self._over = threading.Event()
        self._listener = socket.socket(socket.AF_UNIX if unix else socket.AF_INET)
        self._listener.bind(unix or ("" if everywhere else "127.0.0.1", 0))
        self._listener.listen(64)
        self.host = unix or "127.0.0.1:{}".format(self._listener.getsockname()[1])
        self.asked: List[str] = []
        self.connections = 0

    def __enter__(self) -> Wire:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        stop_listening(self._listener)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            connection.settimeout(20)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            with connection:
                if self._tls is None:
                    self.talk(connection)
                    return
                with self._tls.wrap_socket(connection, server_side=True) as wrapped:
                    self.talk(wrapped)
        except OSError:
            pass  # the client has had enough

    def talk(self, connection: socket.socket) -> None:
        """Answer what is asked over one connection."""
        while True:
            path = asked_of(connection)
            if path is None:
                return
            self.asked.append(path)
            for piece in self._script(path):
                if self._over.is_set():
                    return
                if piece:
                    connection.sendall(piece)
                else:
                    self._over.wait(self._pause)
            if not self._keep:
                return


def asked_of(connection: socket.socket) -> Optional[str]:
    """Return path and query of the next request, None when there is none."""
    head = b""
    while b"\r\n\r\n" not in head:
        piece = connection.recv(4096)
        if not piece:
            return None
        head += piece
    return head.split(b" ", 2)[1].decode("latin-1")


def head(*lines: str, status: int = 200) -> bytes:
    """A status line and headers."""
    return "\r\n".join(["HTTP/1.1 {} Word".format(status), *lines, "", ""]).encode("latin-1")


def whole(body: bytes, *lines: str, status: int = 200) -> bytes:
    """An answer as it should be."""
    return head("Content-Length: {}".format(len(body)), *lines, status=status) + body


def dripping(piece: bytes) -> Iterator[bytes]:
    """A piece at a time, for ever, each soon after the one before."""
    return itertools.chain.from_iterable((piece, b"") for _ in itertools.repeat(None))


def flooding(piece: bytes) -> Iterator[bytes]:
    """As fast as it goes, for ever."""
    return itertools.repeat(piece * max(1, 65536 // len(piece)))


def stop_listening(listener: socket.socket) -> None:
    """Close a socket on which a thread waits for connections: that wakes on Linux by a shutdown only."""
    try:
        listener.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass  # where closing does
    listener.close()
