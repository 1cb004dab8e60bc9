from __future__ import annotations

import threading
from functools import partial
from typing import Callable, Iterator, List

import pytest

from layerslayer.parallel import Ahead, at_once, in_order, wait_for_turn

GUARD = 20.0  # seconds until a broken test gives up


def test_items_come_in_order_and_the_exception_after_them() -> None:
    def make() -> Iterator[int]:
        yield from range(5)
        raise ValueError("late")

    got: List[int] = []
    with pytest.raises(ValueError, match="late"):
        for item in Ahead(make, 100, lambda item: 1):
            got.append(item)
    assert got == [0, 1, 2, 3, 4]


def test_a_producer_waits_when_its_allowance_is_used_up() -> None:
    made: List[int] = []
    third = threading.Event()

    def make() -> Iterator[int]:
        for number in range(100):
            made.append(number)
            if number == 3:
                third.set()
            yield number

    run = Ahead(make, 2, lambda item: 1)
    run.start()
    assert third.wait(GUARD)  # 0, 1, 2 wait to be taken, 3 was made and waits to be put
    assert made == [0, 1, 2, 3]
    assert list(run) == list(range(100))


def test_leaving_early_closes_the_generator() -> None:
    closed = threading.Event()

    def make() -> Iterator[int]:
        try:
            while True:
                yield 1
        finally:
            closed.set()

    for _ in Ahead(make, 10, lambda item: 1):
        break
    assert closed.wait(GUARD)


def test_in_order_runs_no_more_than_jobs_at_once() -> None:
    lock = threading.Lock()
    running = [0]
    most = [0]

    def maker(number: int) -> Iterator[int]:
        with lock:
            running[0] += 1
            most[0] = max(most[0], running[0])
        yield number
        yield number * 10
        with lock:
            running[0] -= 1

    makers = [lambda number=number: maker(number) for number in range(20)]
    assert [list(items) for items in in_order(makers, 3, 100, lambda item: 1)] == [[n, n * 10] for n in range(20)]
    assert most[0] <= 3


def test_leaving_in_order_stops_all() -> None:
    closed = [threading.Event() for _ in range(2)]

    def maker(number: int) -> Iterator[int]:
        try:
            while True:
                yield number
        finally:
            closed[number].set()

    runs = in_order([lambda: maker(0), lambda: maker(1)], 2, 5, lambda item: 1)
    assert next(next(runs)) == 0
    runs.close()  # type: ignore[attr-defined]
    assert all(event.wait(GUARD) for event in closed)


@pytest.mark.parametrize(
    ("costs", "jobs", "expected"),
    [
        ([], 4, 0),
        ([1] * 9, 4, 4),
        ([3, 3, 3], 8, 2),
        ([3, 3, 1, 1, 1], 8, 4),
        ([9, 1], 4, 1),
        ([1, 9, 1], 4, 1),
        ([2], 0, 1),
    ],
)
def test_costs_decide_how_many_start_at_once(costs: List[int], jobs: int, expected: int) -> None:
    assert at_once(costs, jobs) == expected
    started: List[int] = []
    hold = threading.Event()
    seen = threading.Semaphore(0)

    def maker(number: int) -> Callable[[], Iterator[int]]:
        def make() -> Iterator[int]:
            started.append(number)
            seen.release()
            hold.wait(30)
            yield number

        return make

    iterators = in_order([maker(number) for number in range(len(costs))], jobs, 1, lambda item: 1, costs)
    first = next(iterators, None)
    for _ in range(expected):
        assert seen.acquire(timeout=30)
    assert len(started) == expected
    hold.set()
    items = [*(first or ()), *(item for iterator in iterators for item in iterator)]
    assert items == list(range(len(costs)))


def test_what_waits_of_all_is_bounded_and_the_one_that_is_taken_goes_on() -> None:
    made = [0] * 30

    def maker(number: int) -> Iterator[bytes]:
        for _ in range(20):
            made[number] += 1
            yield bytes(100)

    runs = in_order([partial(maker, number) for number in range(30)], 4, 10**6, len, room=1000)
    first = next(runs)
    assert next(first) == bytes(100)
    deadline = threading.Event()
    for _ in range(50):  # as long as more is made
        before = sum(made)
        deadline.wait(0.02)
        if sum(made) == before:
            break
    assert sum(made) <= 20 + 10 + 2 * 4
    assert sum(1 for _ in first) == 19
    assert [sum(1 for _ in run) for run in runs] == [20] * 29


def test_turns_come_in_order() -> None:
    order: List[int] = []

    def maker(number: int) -> Iterator[int]:
        wait_for_turn()
        order.append(number)
        yield number

    wait_for_turn()  # nobody waits where nothing runs ahead
    taken = [list(run) for run in in_order([partial(maker, number) for number in range(6)], 3, 0, lambda item: 1)]
    assert taken == [[number] for number in range(6)]
    assert order == list(range(6))
