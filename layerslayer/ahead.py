"""Generators run ahead in threads: bounded, in order, stopped when left alone.

Pure of any subject. Memory is bounded because a producer waits when what it
made and nobody took exceeds its allowance; leaving an iterator early makes
its producer's generator close, and with it whatever that holds open.
"""

from __future__ import annotations

import threading
from collections import deque
from functools import partial
from typing import Callable, Deque, Generic, Iterable, Iterator, List, Optional, Sequence, TypeVar

T = TypeVar("T")


class Ahead(Generic[T]):
    """Iterates over ``make()`` while a thread of its own produces the items.

    ``allowance`` is the sum of ``weigh(item)`` that may wait to be taken; one
    item beyond it is made before the producer waits. An exception of the
    producer is raised after the items before it. ``close`` stops the producer.
    """

    def __init__(self, make: Callable[[], Iterable[T]], allowance: int, weigh: Callable[[T], int]) -> None:
        self._make = make
        self._allowance = allowance
        self._weigh = weigh
        self._items: Deque[T] = deque()
        self._waiting = 0  # weight of the items not yet taken
        self._done = False
        self._closed = False
        self._error: Optional[BaseException] = None
        self._changed = threading.Condition()
        self._thread: Optional[threading.Thread] = None
        self._on_end: Optional[Callable[[], None]] = None

    def start(self, on_end: Optional[Callable[[], None]] = None) -> None:
        """Begin; ``on_end`` is called from the producer's thread when it has ended."""
        if self._thread is None and not self._closed:
            self._on_end = on_end
            self._thread = threading.Thread(target=self._produce, daemon=True)
            self._thread.start()

    def _produce(self) -> None:
        try:
            source = iter(self._make())
            try:
                for item in source:
                    if not self._put(item):
                        break
            finally:
                close = getattr(source, "close", None)
                if close:
                    close()
        except BaseException as error:  # handed to the consumer, whatever it is
            self._error = error
        finally:
            try:
                if self._on_end:  # before the consumer learns of the end and goes on
                    self._on_end()
            finally:
                with self._changed:
                    self._done = True
                    self._changed.notify_all()

    def _put(self, item: T) -> bool:
        with self._changed:
            while self._waiting > self._allowance and not self._closed:
                self._changed.wait()
            if self._closed:
                return False
            self._items.append(item)
            self._waiting += self._weigh(item)
            self._changed.notify_all()
        return True

    def __iter__(self) -> Iterator[T]:
        self.start()
        try:
            while True:
                with self._changed:
                    while not self._items and not self._done and not self._closed:
                        self._changed.wait()
                    taken = list(self._items)
                    self._items.clear()
                    self._waiting = 0
                    self._changed.notify_all()
                if not taken:
                    break
                yield from taken
            if self._error:
                raise self._error
        finally:
            self.close()

    def close(self) -> None:
        """Stop the producer at its next item and forget what was made."""
        with self._changed:
            self._closed = True
            self._items.clear()
            self._changed.notify_all()


def at_once(costs: Sequence[int], jobs: int) -> int:
    """Return how many of the makers with these ``costs`` ``in_order`` starts at once."""
    free = max(1, jobs)
    for number, cost in enumerate(costs):
        cost = min(cost, max(1, jobs))
        if cost > free:
            return number
        free -= cost
    return len(costs)


def in_order(
    makers: Sequence[Callable[[], Iterable[T]]],
    jobs: int,
    allowance: int,
    weigh: Callable[[T], int],
    costs: Sequence[int] = (),
) -> Iterator[Iterator[T]]:
    """Yield one iterator for each maker, in order, while ``jobs`` of them run at once.

    Each may have ``allowance`` waiting. A maker with one of the ``costs`` counts
    for as many jobs, but never waits for more than all others. Every iterator
    must be used up, or left, before the next is asked for; leaving the whole
    stops all.
    """
    runs: List[Ahead[T]] = [Ahead(maker, allowance, weigh) for maker in makers]
    waiting = deque(zip(runs, costs or [1] * len(runs)))
    lock = threading.Lock()
    free = [max(1, jobs)]

    def start_some() -> None:
        # Strictly in order: a run that waited for a later one would wait forever.
        while True:
            with lock:
                if not waiting or free[0] < min(waiting[0][1], max(1, jobs)):
                    return
                run, cost = waiting.popleft()
                cost = min(cost, max(1, jobs))
                free[0] -= cost
            run.start(partial(ended, cost))

    def ended(cost: int) -> None:
        with lock:
            free[0] += cost
        start_some()

    start_some()
    try:
        for run in runs:
            yield iter(run)
    finally:
        with lock:
            waiting.clear()
        for run in runs:
            run.close()
