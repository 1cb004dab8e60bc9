"""A way to a registry that breaks every connection after a random number of bytes."""

from __future__ import annotations

import random
import socket
import struct
import threading
from typing import List


class CuttingProxy:
    """Listens on loopback and passes on to ``127.0.0.1:port``; resets each connection after ``low`` to ``high`` bytes."""

    def __init__(self, port: int, low: int, high: int, seed: int = 1) -> None:
        self._port = port
        self._random = random.Random(seed)
        self._low, self._high = low, high
        self._listener = socket.socket()
        self._listener.bind(("127.0.0.1", 0))
        self._listener.listen(64)
        self.port: int = self._listener.getsockname()[1]
        self.passed = 0  # bytes towards the client
        self.cuts = 0
        self._lock = threading.Lock()
        self._open: List[socket.socket] = []

    def __enter__(self) -> CuttingProxy:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()
        for connection in self._open:
            connection.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._port))
            except OSError:
                return
            self._open += [client, server]
            allowance = self._random.randint(self._low, self._high)
            threading.Thread(target=self._up, args=(client, server), daemon=True).start()
            threading.Thread(target=self._down, args=(server, client, allowance), daemon=True).start()

    @staticmethod
    def _up(client: socket.socket, server: socket.socket) -> None:
        try:
            while True:
                piece = client.recv(65536)
                if not piece:
                    break
                server.sendall(piece)
        except OSError:
            pass
        server.close()

    def _down(self, server: socket.socket, client: socket.socket, left: int) -> None:
        try:
            while left > 0:
                piece = server.recv(min(left, 65536))
                if not piece:
                    break
                client.sendall(piece)
                left -= len(piece)
                with self._lock:
                    self.passed += len(piece)
            if left <= 0:
                with self._lock:
                    self.cuts += 1
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        except OSError:
            pass
        client.close()
        server.close()
