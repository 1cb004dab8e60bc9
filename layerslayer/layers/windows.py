"""Memory that zstd frames ask for, of all layers that are read at once. No I/O.

A frame may ask for 128 MiB, in a layer of a few kilobytes. Ordinary ones ask
for 8 MiB at most, and several of these may be open at once. What is larger
waits until its layer is the one that is shown, or laid over the others, so
that there is one such window at a time, and nobody waits for one who waits.
"""

from __future__ import annotations

import threading

from ..ahead import wait_for_turn

TOGETHER = 32 * 2**20  # bytes


class _Room:
    def __init__(self, size: int) -> None:
        self.left = size
        self.lock = threading.Lock()


_room = _Room(TOGETHER)


class Window:
    """What one stream takes; it is given back when that is let go."""

    def __init__(self) -> None:
        self._size = 0  # bytes

    def widen(self, size: int) -> None:
        """Have ``size`` bytes, or as many as there are already; may wait, see there."""
        more = size - self._size
        if more <= 0:
            return
        with _room.lock:
            free = more <= _room.left
            _room.left -= more if free else 0
        if not free:
            wait_for_turn()
            with _room.lock:
                _room.left -= more
        self._size = size

    def close(self) -> None:
        """Give back all; may be called again."""
        with _room.lock:
            _room.left += self._size
        self._size = 0

    def __del__(self) -> None:
        self.close()
