"""A proxy, all of whose traffic is kept."""

from __future__ import annotations

import socket
import threading
from typing import List

from .watching import Watched
from .wire import stop_listening


class Tunnel:
    """A proxy that makes tunnels (CONNECT) to this machine, whatever they are asked for; all it sees is in ``heard``.

    What is asked of it as of a server (``GET http://...``) it answers by ``instead``.
    """

    def __init__(self, instead: Watched) -> None:
        self.instead = instead
        self._heard: List[bytearray] = []
        self._listening = socket.socket()
        self._listening.bind(("127.0.0.1", 0))
        self._listening.listen(16)
        self.url = "http://127.0.0.1:{}".format(self._listening.getsockname()[1])

    def __enter__(self) -> Tunnel:
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        stop_listening(self._listening)

    @property
    def heard(self) -> bytes:
        return b"\n\n".join(self._heard)

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._listening.accept()
            except OSError:
                return
            threading.Thread(target=self._tunnel, args=(client,), daemon=True).start()

    def _tunnel(self, client: socket.socket) -> None:
        heard = bytearray()
        self._heard.append(heard)
        with client:
            while b"\r\n\r\n" not in heard:
                piece = client.recv(65536)
                if not piece:
                    return
                heard += piece
            words = bytes(heard).split(b" ")
            port = int(words[1].rpartition(b":")[2]) if words[0] == b"CONNECT" else self.instead.port
            with socket.create_connection(("127.0.0.1", port)) as server:
                if words[0] == b"CONNECT":
                    client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
                else:
                    server.sendall(bytes(heard))
                threading.Thread(target=_pump, args=(server, client, bytearray()), daemon=True).start()
                _pump(client, server, heard)


def _pump(here: socket.socket, there: socket.socket, heard: bytearray) -> None:
    try:
        while True:
            data = here.recv(65536)
            heard += data
            if not data:
                break
            there.sendall(data)
        there.shutdown(socket.SHUT_WR)
    except OSError:
        pass
