"""A way to a registry that breaks every connection after a random number of bytes."""

from __future__ import annotations

import random
import select
import socket
import struct
import threading
from typing import List


class CuttingProxy:
    """Listens on loopback, passes on to ``port``; ends each connection after ``low`` to ``high`` bytes.

    ``reset``: so that what is still on its way is lost.
    """

    def __init__(self, port: int, low: int, high: int, seed: int = 1, reset: bool = False) -> None:
        self._port = port
        self._random = random.Random(seed)
        self._low, self._high = low, high
        self._reset = reset
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
            threading.Thread(target=self._pass_on, args=(client, server, allowance), daemon=True).start()

    def _pass_on(self, client: socket.socket, server: socket.socket, left: int) -> None:
        # One thread for both ways: a socket that another thread reads from is not closed by closing it.
        try:
            while left > 0:
                for ready in select.select((client, server), (), ())[0]:
                    piece = ready.recv(65536 if ready is client else min(max(left, 1), 65536))
                    if not piece:
                        return
                    (server if ready is client else client).sendall(piece)
                    if ready is server:
                        left -= len(piece)
                        with self._lock:
                            self.passed += len(piece)
            with self._lock:
                self.cuts += 1
            if self._reset:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        except (OSError, ValueError):
            pass
        finally:
            client.close()
            server.close()
