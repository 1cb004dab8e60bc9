"""How long a line takes: until an answer begins, and for each byte from then on."""

from __future__ import annotations

import threading
import time

AT_ONCE = 24  # requests
_SHORT = 0.005  # seconds of waiting that are not worth fetching ahead for
_MOST_IN_FLIGHT = 1024 * 1024  # bytes: on faster lines too --fast is there to spare the registry
_TELLING = 128 * 1024  # bytes from which on they tell the line's rate
_WHILE = 0.5  # seconds


class Throughput:
    """What a line has shown so far: seconds until an answer begins, bytes a second from then on. Safe for threads.

    ``asking`` is held while a request is made and its answer read.
    """

    def __init__(self) -> None:
        self.latency = 0.05  # what is assumed at first
        self.rate = 4e6
        self.asking = threading.BoundedSemaphore(AT_ONCE)
        self._seen = False
        self._lock = threading.Lock()
        self._active = 0  # answers that are being read
        self._since = 0.0  # when that was none, or a good while ago
        self._arrived = 0  # bytes since then

    def begins(self, waited: float) -> None:
        """Take that an answer begins, which was waited for."""
        with self._lock:
            self.latency = min(self.latency, waited) if self._seen else waited
            self._seen = True
            if not self._active:
                self._since, self._arrived = time.monotonic(), 0
            self._active += 1

    def arrived(self, count: int) -> None:
        """Take that so many bytes of an answer have come."""
        with self._lock:
            self._arrived += count
            if time.monotonic() - self._since > _WHILE:
                self._judge()

    def ends(self) -> None:
        """Take that an answer ends."""
        with self._lock:
            self._active -= 1
            self._judge()

    def _judge(self) -> None:
        took = time.monotonic() - self._since
        if self._arrived >= _TELLING:
            self.rate = 0.7 * self.rate + 0.3 * self._arrived / max(took, 1e-4)
        if took > _WHILE:
            self._since, self._arrived = time.monotonic(), 0

    @property
    def in_flight(self) -> int:
        """Bytes that pass while one waits for an answer: what a request costs besides its own; 0 for no wait."""
        return min(int(self.latency * self.rate), _MOST_IN_FLIGHT) if self.latency > _SHORT else 0
