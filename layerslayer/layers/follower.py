"""Work done beside its maker, in a thread of its own, in order."""

from __future__ import annotations

import threading
from collections import deque
from typing import Callable, Deque, Generic, Optional, TypeVar

T = TypeVar("T")


class Follower(Generic[T]):
    """Calls ``take`` with items, in order, in a thread of its own that begins with the first.

    At most ``most`` of them wait. ``close`` it, or ``finish``; what ``take``
    raises is raised by the next ``put``, and by ``finish``.
    """

    def __init__(self, take: Callable[[T], None], most: int) -> None:
        self._take = take
        self._most = most
        self._items: Deque[T] = deque()
        self._ended = False
        self._error: Optional[BaseException] = None
        self._changed = threading.Condition()
        self._thread: Optional[threading.Thread] = None

    def put(self, item: T) -> None:
        """Hand over an item; wait while too many do."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, daemon=True)
            self._thread.start()
        with self._changed:
            while len(self._items) >= self._most and not self._ended:
                self._changed.wait()
            self._items.append(item)
            self._changed.notify_all()
        self._check()

    def _run(self) -> None:
        try:
            while True:
                with self._changed:
                    while not self._items and not self._ended:
                        self._changed.wait()
                    if not self._items:
                        return
                    item = self._items.popleft()
                    self._changed.notify_all()
                self._take(item)
        except BaseException as error:  # handed to the producer, whatever it is
            self._error = error
            self.close()

    def finish(self) -> None:
        """Wait until all items were taken."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join()
        self._check()

    def close(self) -> None:
        """Take no more items; those that wait are forgotten. May be called again."""
        with self._changed:
            self._ended = True
            self._items.clear()
            self._changed.notify_all()

    def _check(self) -> None:
        if self._error is not None:
            raise self._error
