"""How many connections this process holds, whoever opened them: unused ones make room for new ones.

Each host has its own, and so has each registry of a batch; a system lets a
process have a few hundred open files, of which the store and downloads need some.
"""

from __future__ import annotations

import errno
import threading
from typing import Any, Callable, TypeVar
from weakref import WeakSet

MOST = 96  # connections open at once before those are closed that nobody uses
_SHARE = 3  # of the open files that the system allows, one in so many is a connection
_BESIDE = 48  # files that are open whatever is done: streams, the store, libraries, parts of one layer
_FILES_A_JOB = 4
_FULL = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS)

T = TypeVar("T")


def allowed_files() -> int:
    """Return how many files this process may have open; a large number where nobody says."""
    try:
        import resource

        soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        return soft if soft != resource.RLIM_INFINITY else 2**30
    except (ImportError, OSError, ValueError):
        return 2**30


def jobs_at_once(jobs: int) -> int:
    """Return how many of ``jobs`` may run at once, where each may have a connection and a file or two open."""
    return max(1, min(jobs, (allowed_files() - _BESIDE) // _FILES_A_JOB))


class Lines:
    """The connections of all who hold some. Safe to share between threads."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._connections: WeakSet[Any] = WeakSet()  # each has its ``sock`` while it is open
        self._holders: WeakSet[Any] = WeakSet()  # each can ``rest``
        self._lock = threading.Lock()

    def hold(self, holder: Any) -> None:
        """Add one who keeps connections; its ``rest()`` closes those that nobody uses."""
        with self._lock:
            self._holders.add(holder)

    def opened(self, connection: Any, connect: Callable[[], T]) -> T:
        """Return what ``connect`` does for ``connection``, with room made before where there is little."""
        with self._lock:
            self._connections.add(connection)
            count = sum(getattr(other, "sock", None) is not None for other in self._connections)
        if count >= self._most:
            self.rest()
        try:
            return connect()
        except Exception as error:
            if not _is_full(error):
                raise
            self.rest()
            return connect()

    def rest(self) -> None:
        """Close all connections that nobody uses."""
        with self._lock:
            holders = list(self._holders)
        for holder in holders:
            holder.rest()


def _is_full(error: BaseException) -> bool:
    """Whether a connection could not be opened for want of a descriptor."""
    seen = 0
    cause = error
    while cause is not None and seen < 8:
        if isinstance(cause, OSError) and cause.errno in _FULL:
            return True
        cause, seen = cause.__cause__ or cause.__context__, seen + 1  # type: ignore[assignment]
    return False


LINES = Lines(max(8, min(MOST, allowed_files() // _SHARE)))
