"""Memory that zstd frames ask for, of all layers that are read at once. No I/O.

A frame may ask for 128 MiB, in a layer of a few kilobytes. Ordinary ones ask
for 8 MiB at most, and several of these may be open at once. What is larger
waits until its layer is the one that is shown, or laid over the others, so
that there is one such window at a time, and nobody waits for one who waits.
It counts among what the process may hold, but for what that leaves free.
"""

from __future__ import annotations

import threading

from ...limits import DEFAULT, Limits
from ...parallel import wait_for_turn
from ..memory import Lease

TOGETHER = 32 * 2**20  # bytes
_BESIDES = 48 * 2**20  # bytes of windows that there is memory for besides what may be held
_COUNTED = 160 * 2**20  # bytes of windows that are counted; what is more the user has allowed


class _Room:
    def __init__(self, size: int) -> None:
        self.left = size
        self.lock = threading.RLock()  # what is let go may be found while it is held, by the collector


_room = _Room(TOGETHER)


class Window:
    """What one stream takes, of which ``most`` bytes are allowed; it is given back when that is let go."""

    def __init__(self, limits: Limits = DEFAULT) -> None:
        self.most = limits.window
        self._size = 0  # bytes
        self._lease = Lease(limits)

    def widen(self, size: int) -> None:
        """Have ``size`` bytes, or as many as there are already; may wait, see there.

        Raises LimitReached where too much is held for a large one.
        """
        more = size - self._size
        if more <= 0:
            return
        with _room.lock:
            free = more <= _room.left
            _room.left -= more if free else 0
        if not free:
            wait_for_turn()
            with _room.lock:
                used = min(TOGETHER - _room.left + more, _COUNTED)
                self._lease.close()
                self._lease.take(max(0, used - _BESIDES))
                _room.left -= more
        self._size = size

    def close(self) -> None:
        """Give back all; may be called again."""
        with _room.lock:
            _room.left += self._size
        self._size = 0
        self._lease.close()

    def __del__(self) -> None:
        self.close()
