"""Generators run ahead in threads: bounded, in order, stopped when left alone.

Pure of any subject. Memory is bounded because a producer waits when what it
made and nobody took exceeds its allowance; leaving an iterator early makes
its producer's generator close, and with it whatever that holds open.
"""

from __future__ import annotations

import threading
from collections import deque
from functools import partial
from typing import Any, Callable, Deque, Generic, Iterable, Iterator, List, Optional, Sequence, Set, TypeVar

T = TypeVar("T")
_here = threading.local()  # the run that a thread produces for


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
        """Take back what was taken, and wake who waits; not to be called with a condition held."""
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

    For what is too large to be had by several at once. Returns at once in any
    other thread, and where nobody wants the rest any more.
    """
    run: Optional[Ahead[Any]] = getattr(_here, "run", None)
    if run is not None:
        run.wait_for_turn()


class Ahead(Generic[T]):
    """Iterates over ``make()`` while a thread of its own produces the items.

    ``allowance`` is the sum of ``weigh(item)`` that may wait to be taken; one
    item beyond it is made before the producer waits; ``room`` is shared with
    others, and bounds them all as long as nobody iterates over this. An
    exception of the producer is raised after the items before it. ``close``
    stops the producer.
    """

    def __init__(
        self, make: Callable[[], Iterable[T]], allowance: int, weigh: Callable[[T], int], room: Optional[Room] = None
    ) -> None:
        self._make = make
        self._allowance = allowance
        self._weigh = weigh
        self._items: Deque[T] = deque()
        self._waiting = 0  # weight of the items not yet taken
        self._room = room
        self._taking = False  # somebody iterates over this
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
        _here.run = self
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
            while self._is_full() and not self._closed:
                self._changed.wait()
            if self._closed:
                return False
            weight = self._weigh(item)
            self._items.append(item)
            self._waiting += weight
            if self._room:
                self._room.take(weight)
            self._changed.notify_all()
        return True

    def _is_full(self) -> bool:
        if self._waiting > self._allowance:
            return True
        return self._room is not None and not self._taking and self._room.is_spent(self._changed)

    def wait_for_turn(self) -> None:
        """Wait until somebody iterates over this, or left it."""
        with self._changed:
            while not self._taking and not self._closed:
                self._changed.wait()

    def __iter__(self) -> Iterator[T]:
        self.start()
        with self._changed:
            self._taking = True
            self._changed.notify_all()
        try:
            while True:
                with self._changed:
                    while not self._items and not self._done and not self._closed:
                        self._changed.wait()
                    taken = list(self._items)
                    self._items.clear()
                    weight, self._waiting = self._waiting, 0
                    self._changed.notify_all()
                self._give_back(weight)
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
            weight, self._waiting = self._waiting, 0
            self._changed.notify_all()
        self._give_back(weight)

    def _give_back(self, weight: int) -> None:
        if self._room and weight:
            self._room.give(weight)


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
    room: int = 0,
) -> Iterator[Iterator[T]]:
    """Yield one iterator for each maker, in order, while ``jobs`` of them run at once.

    Each may have ``allowance`` waiting, and all that come later than the one
    that is being taken ``room`` together, and what one item more of each of
    ``jobs`` weighs (0: as each may). A maker with one of the ``costs`` counts
    for as many jobs, but never waits for more than all others. Every iterator
    must be used up, or left, before the next is asked for; leaving the whole
    stops all.
    """
    shared = Room(room) if room else None
    runs: List[Ahead[T]] = [Ahead(maker, allowance, weigh, shared) for maker in makers]
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
