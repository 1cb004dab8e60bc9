"""Generators run ahead in threads: bounded, in order, stopped when left alone.

Memory is bounded because a producer waits when what it made and nobody took exceeds its allowance.
Leaving an iterator early closes its producer's generator, and with it whatever that holds open.
"""

from __future__ import annotations

import threading
from collections import deque
from functools import partial
from typing import Any, Callable, Deque, Generic, Iterable, Iterator, List, Optional, Sequence, Set, TypeVar

T = TypeVar("T")
_here = threading.local()  # the queue that a thread produces for


class Room:
    """What runs that are not yet iterated over may have waiting together; see ``in_order``."""

    def __init__(self, size: int) -> None:
        self._left = size
        self._lock = threading.Lock()
        self._waiting: Set[threading.Condition] = set()

    def take(self, weight: int) -> None:
        with self._lock:
            self._left -= weight

    def give(self, weight: int) -> None:
        """Give back what was taken, and wake who waits; not to be called with a condition held."""
        with self._lock:
            self._left += weight
            waiting, self._waiting = self._waiting, set()
        for condition in waiting:
            with condition:
                condition.notify_all()

    def is_spent(self, waits: threading.Condition) -> bool:
        """Whether nothing is left; ``waits`` is notified then, once something is given back."""
        with self._lock:
            if self._left <= 0:
                self._waiting.add(waits)
            return self._left <= 0


def wait_for_turn() -> None:
    """Wait, in a thread that produces, until what it makes is being taken: then all before it has been.

    For what is too large for several to have at once. Elsewhere, and where nobody wants the rest, return at once.
    """
    queue: Optional[_Queue[Any]] = getattr(_here, "queue", None)
    if queue is not None:
        queue.wait_for_turn()


class _Queue(Generic[T]):
    """Items made and not yet taken, of bounded weight. It is over when no more are made, or nobody wants more."""

    def __init__(self, allowance: int, weigh: Callable[[T], int], room: Optional[Room]) -> None:
        self._allowance = allowance
        self._weigh = weigh
        self._room = room
        self._items: Deque[T] = deque()
        self._waiting = 0  # weight of the items
        self._taking = False  # somebody began to take them
        self.is_over = False
        self._changed = threading.Condition()

    def put(self, item: T) -> bool:
        """Add an item once there is room for it; return whether anybody still wants it."""
        weight = self._weigh(item)
        with self._changed:
            while (self._waiting > self._allowance or self._lacks_room()) and not self.is_over:
                self._changed.wait()
            if self.is_over:
                return False
            self._items.append(item)
            self._waiting += weight
            if self._room:
                self._room.take(weight)
            self._changed.notify_all()
            return True

    def _lacks_room(self) -> bool:
        return self._room is not None and not self._taking and self._room.is_spent(self._changed)

    def wait_for_turn(self) -> None:
        """Wait until somebody begins to take the items, or it is over."""
        with self._changed:
            while not self._taking and not self.is_over:
                self._changed.wait()

    def take(self) -> List[T]:
        """Wait for items and return all there are; none when it is over."""
        with self._changed:
            self._taking = True
            self._changed.notify_all()
            while not self._items and not self.is_over:
                self._changed.wait()
        return self._emptied()

    def end(self) -> None:
        """Record that no more items are made."""
        with self._changed:
            self.is_over = True
            self._changed.notify_all()

    def close(self) -> None:
        """Drop the items; take no more."""
        self.end()
        self._emptied()

    def _emptied(self) -> List[T]:
        with self._changed:
            items = list(self._items)
            self._items.clear()
            weight, self._waiting = self._waiting, 0
            self._changed.notify_all()
        if self._room and weight:
            self._room.give(weight)
        return items


class Ahead(Generic[T]):
    """Iterates over ``make()`` while a thread of its own produces the items.

    ``allowance`` is the sum of ``weigh(item)`` that may wait to be taken; one item beyond it is made before the
    producer waits. ``room`` is shared with others, and bounds them all as long as nobody iterates over this.
    An exception of the producer is raised after the items before it. ``close`` stops the producer.
    """

    def __init__(
        self, make: Callable[[], Iterable[T]], allowance: int, weigh: Callable[[T], int], room: Optional[Room] = None
    ) -> None:
        self._make = make
        self._queue = _Queue(allowance, weigh, room)
        self._error: Optional[BaseException] = None
        self._started = False

    def start(self, on_end: Optional[Callable[[], None]] = None) -> None:
        """Begin; ``on_end`` is called from the producer's thread when it has ended."""
        if not self._started and not self._queue.is_over:
            self._started = True
            threading.Thread(target=self._produce, args=(on_end,), daemon=True).start()

    def _produce(self, on_end: Optional[Callable[[], None]]) -> None:
        _here.queue = self._queue
        try:
            source = iter(self._make())
            try:
                for item in source:
                    if not self._queue.put(item):
                        break
            finally:
                close = getattr(source, "close", None)
                if close:
                    close()
        except BaseException as error:  # handed to the consumer, whatever it is
            self._error = error
        finally:
            try:
                if on_end:  # before the consumer learns of the end and goes on
                    on_end()
            finally:
                self._queue.end()

    def __iter__(self) -> Iterator[T]:
        self.start()
        try:
            for items in iter(self._queue.take, []):
                yield from items
            if self._error:
                raise self._error
        finally:
            self.close()

    def close(self) -> None:
        """Stop the producer at its next item and forget what was made."""
        self._queue.close()


def at_once(costs: Sequence[int], jobs: int) -> int:
    """Return how many of the makers with these ``costs`` ``in_order`` starts at once."""
    free = most = max(1, jobs)
    for number, cost in enumerate(costs):
        free -= min(cost, most)
        if free < 0:
            return number
    return len(costs)


def in_order(
    makers: Sequence[Callable[[], Iterable[T]]],
    jobs: int,
    allowance: int,
    weigh: Callable[[T], int],
    costs: Sequence[int] = (),
    room: int = 0,
) -> Iterator[Iterator[T]]:
    """Yield one iterator for each maker, in order, while ``jobs`` of them run at once.

    Use up, or leave, every iterator before asking for the next; leaving the whole stops all.

    Args:
        allowance: what each may have waiting.
        costs: as how many jobs each maker counts; none waits for more than all others to end.
        room: what all that come later than the one being taken may have waiting together, and one item more of
            each of ``jobs``; 0 for as much as each may.
    """
    shared = Room(room) if room else None
    runs: List[Ahead[T]] = [Ahead(maker, allowance, weigh, shared) for maker in makers]
    starter = _Starter(runs, costs or [1] * len(runs), jobs)
    starter.start_some()
    try:
        for run in runs:
            yield iter(run)
    finally:
        starter.stop()
        for run in runs:
            run.close()


class _Starter:
    """Starts runs while jobs are free, strictly in order: a run that waited for a later one would wait forever."""

    def __init__(self, runs: Sequence[Ahead[Any]], costs: Sequence[int], jobs: int) -> None:
        self._free = self._jobs = max(1, jobs)
        self._waiting = deque((run, min(cost, self._jobs)) for run, cost in zip(runs, costs))
        self._lock = threading.Lock()

    def start_some(self) -> None:
        """Start the next runs, as many as may run now."""
        while True:
            with self._lock:
                if not self._waiting or self._free < self._waiting[0][1]:
                    return
                run, cost = self._waiting.popleft()
                self._free -= cost
            run.start(partial(self._ended, cost))

    def _ended(self, cost: int) -> None:
        with self._lock:
            self._free += cost
        self.start_some()

    def stop(self) -> None:
        """Start no more."""
        with self._lock:
            self._waiting.clear()
