"""What the benchmark talks to, all of it on loopback: Debian's docker-registry, and a slow line before it."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import subprocess
import threading
import time
import urllib.request
from pathlib import Path
from typing import Iterator, List, Optional

_PIECE = 16 * 1024  # bytes the line carries at a time


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def registry(folder: Path) -> Iterator[int]:
    """Run docker-registry with its storage in ``folder``; yield its port."""
    port = free_port()
    settings = folder / "registry.yml"
    settings.write_text(
        "version: 0.1\nlog: {level: error, accesslog: {disabled: true}}\n"
        "storage: {filesystem: {rootdirectory: " + str(folder / "registry") + "}}\n"
        "http: {addr: '127.0.0.1:" + str(port) + "'}\n"
    )
    with (folder / "registry.log").open("wb") as log:
        server = subprocess.Popen(["docker-registry", "serve", str(settings)], stdout=log, stderr=log)
    try:
        for _ in range(200):
            with contextlib.suppress(OSError):
                urllib.request.urlopen("http://127.0.0.1:{}/v2/".format(port), timeout=5).close()
                break
            time.sleep(0.05)
        yield port
    finally:
        server.terminate()
        server.wait()


class Line:
    """A TCP relay that delays by half a round trip each way, shares one rate
    downstream among all connections, and counts bytes. As a context it runs."""

    def __init__(self, target: int, rtt: float = 0.0, mbit: float = 0.0) -> None:
        self.port = free_port()
        self.down = 0  # bytes that clients received
        self._target = target
        self._half = rtt / 2
        self._rate = mbit * 1e6 / 8
        self._free_at = 0.0  # when the line has carried all that was given to it
        self._loop: Optional[asyncio.AbstractEventLoop] = None

    def __enter__(self) -> Line:
        started = threading.Event()

        def run() -> None:
            self._loop = asyncio.new_event_loop()
            asyncio.set_event_loop(self._loop)
            self._loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", self.port))
            started.set()
            self._loop.run_forever()

        threading.Thread(target=run, daemon=True).start()
        started.wait(30)
        return self

    def __exit__(self, *_: object) -> None:
        assert self._loop
        self._loop.call_soon_threadsafe(self._loop.stop)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # Small buffers, so that what is counted was taken by the client.
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65536)
        await asyncio.sleep(2 * self._half)  # the TCP handshake
        up_reader, up_writer = await asyncio.open_connection("127.0.0.1", self._target, limit=65536)
        await asyncio.gather(self._relay(reader, up_writer, False), self._relay(up_reader, writer, True))

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, down: bool) -> None:
        queue: asyncio.Queue[List[object]] = asyncio.Queue(maxsize=64)

        async def fill() -> None:
            while True:
                piece = await reader.read(_PIECE)
                await queue.put([time.monotonic() + self._half, piece])
                if not piece:
                    return

        filling = asyncio.ensure_future(fill())
        try:
            while True:
                due, piece = await queue.get()
                assert isinstance(due, float) and isinstance(piece, bytes)
                if not piece:
                    break
                if down and self._rate:
                    self._free_at = max(self._free_at, time.monotonic() - 0.005) + len(piece) / self._rate
                    due = max(due, self._free_at)
                if due - time.monotonic() > 0.0005:
                    await asyncio.sleep(due - time.monotonic())
                writer.write(piece)
                await writer.drain()
                self.down += len(piece) if down else 0
        except OSError:
            pass  # the client has enough
        finally:
            filling.cancel()
            writer.close()
