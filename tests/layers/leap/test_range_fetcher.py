"""Parts of a blob are read once, as they arrive, whatever was asked for ahead, kept and forgotten."""

from __future__ import annotations

import io
import random
import threading
from typing import BinaryIO, Callable, List, Optional, Tuple, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from layerslayer.errors import BudgetSpent, CorruptLayer
from layerslayer.layers.leap import range_cache as spooling
from layerslayer.layers.leap.range_cache import CoveredRanges, RangeCache
from layerslayer.layers.leap.range_fetcher import Fetcher
from layerslayer.layers.leap.throughput import AT_ONCE

BLOB = random.Random(5).getrandbits(8 * 300_000).to_bytes(300_000, "little")


class Line:
    """Serves parts of the blob, and remembers which. ``let`` says how many pieces may come, when it was held."""

    def __init__(self, error: Callable[[int], Optional[Exception]] = lambda start: None) -> None:
        self.asked: List[Tuple[int, int]] = []
        self.open = self.most = 0
        self.let: Optional[threading.Semaphore] = None
        self._error = error
        self._lock = threading.Lock()

    def __call__(self, start: int, length: int) -> BinaryIO:
        assert start >= 0 and length > 0 and start + length <= len(BLOB)
        with self._lock:
            self.asked.append((start, start + length))
            self.open += 1
            self.most = max(self.most, self.open)
        return cast(BinaryIO, _Held(self, start, length, self._error(start)))

    def closed(self) -> None:
        with self._lock:
            self.open -= 1


class _Held:
    def __init__(self, line: Line, start: int, length: int, error: Optional[Exception]) -> None:
        self._line, self._error = line, error
        self._data = io.BytesIO(BLOB[start : start + length])

    def read(self, count: int) -> bytes:
        if self._line.let is not None:
            assert self._line.let.acquire(timeout=30)
        if self._error is not None and self._data.tell():
            raise self._error
        return self._data.read(min(count, 10_000))

    def close(self) -> None:
        self._line.closed()


@given(
    st.lists(
        st.tuples(st.sampled_from(("read", "ahead", "forget")), st.integers(0, 299_999), st.integers(1, 120_000),
                  st.sampled_from((0, 5_000, 70_000))), max_size=12,
    )
)  # fmt: skip
def test_any_order_of_asking_gives_the_blobs_own_bytes(steps: List[Tuple[str, int, int, int]]) -> None:
    line = Line()
    fetcher = Fetcher(line, len(BLOB))
    forgotten = False
    for verb, start, length, piece in steps:
        end = min(start + length, len(BLOB))
        if verb == "read":
            assert fetcher.read(start, end) == BLOB[start:end]
        elif verb == "ahead":
            fetcher.ahead(start - 50_000, end + 50_000, piece)
        else:
            fetcher.forget(start, end)
            forgotten = True
    assert fetcher.read(0, len(BLOB)) == BLOB
    assert fetcher.spent == fetcher.distinct + fetcher.again == sum(end - start for start, end in line.asked)
    assert fetcher.distinct == len(BLOB) and (forgotten or not fetcher.again)
    assert fetcher.requests == len(line.asked)


def test_what_has_arrived_is_read_before_the_rest_has() -> None:
    line = Line()
    line.let = threading.Semaphore(3)
    fetcher = Fetcher(line, len(BLOB))
    fetcher.ahead(0, len(BLOB))
    assert fetcher.read(5_000, 29_000) == BLOB[5_000:29_000]
    assert fetcher.distinct == 30_000 and fetcher.spent == len(BLOB)  # asked for is spent
    for _ in BLOB[::10_000]:
        line.let.release()
    assert fetcher.read(250_000, 300_000) == BLOB[250_000:]
    assert line.asked == [(0, len(BLOB))]


def test_no_more_than_so_many_requests_at_once() -> None:
    line = Line()
    line.let = threading.Semaphore(0)
    fetcher = Fetcher(line, len(BLOB))
    for start in range(0, 40 * 5000, 5000):
        fetcher.ahead(start, start + 1000)
    for _ in range(40):
        line.let.release()
    assert all(fetcher.read(start, start + 1000) == BLOB[start : start + 1000] for start in range(0, 200_000, 5000))
    assert len(line.asked) == 40 and 1 <= line.most <= AT_ONCE


@pytest.mark.parametrize("ahead", [False, True])
def test_what_goes_wrong_is_raised_where_it_is_needed_and_asked_for_anew_after_that(ahead: bool) -> None:
    failures = [BudgetSpent("the budget is spent")]
    line = Line(lambda start: failures.pop() if failures and start <= 100_000 < start + 50_000 else None)
    fetcher = Fetcher(line, len(BLOB))
    if ahead:
        fetcher.ahead(100_000, 150_000)
    assert fetcher.read(0, 50_000) == BLOB[:50_000]
    with pytest.raises(BudgetSpent):
        fetcher.read(100_000, 150_000)
    assert fetcher.spent == 60_000  # what had arrived of it, too
    assert fetcher.read(90_000, 200_000) == BLOB[90_000:200_000]


@pytest.mark.parametrize("ahead", [False, True])
def test_a_part_that_ends_too_early_is_damage(ahead: bool) -> None:
    fetcher = Fetcher(lambda start, length: io.BytesIO(BLOB[start : start + length - 1]), len(BLOB))
    if ahead:
        fetcher.ahead(0, 1000)
    with pytest.raises(CorruptLayer):
        fetcher.read(0, 1000)


def test_the_head_is_all_that_was_asked_for_from_the_first_byte_on() -> None:
    line = Line()
    fetcher = Fetcher(line, len(BLOB))
    assert fetcher.known_head() == b""
    fetcher.ahead(0, 100_000, 30_000)
    assert fetcher.known_head() == BLOB[:120_000]
    fetcher.ahead(200_000, 300_000)
    assert fetcher.known_head() == BLOB[:120_000]


def test_a_full_disk_only_means_asking_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: object, place: int, data: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(spooling.TemporaryBytes, "write", full)
    fetcher = Fetcher(Line(), len(BLOB))
    fetcher.ahead(0, 1000)
    assert fetcher.read(0, 2000) == BLOB[:2000] and not fetcher.keeps
    assert fetcher.read(500, 2500) == BLOB[500:2500]


# -- what is kept -----------------------------------------------------------


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(1, 25)), max_size=15))
def test_an_extent_is_a_set_of_bytes(ranges: List[Tuple[int, int]]) -> None:
    extent, model = CoveredRanges(), set()
    for start, length in ranges:
        fresh = set(range(start, start + length))
        assert extent.add(start, start + length) == len(fresh & model)
        model |= fresh
        assert extent.total == len(model)


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 60), st.integers(1, 25)), max_size=20))
def test_a_spool_knows_what_it_keeps(steps: List[Tuple[bool, int, int]]) -> None:
    spool = RangeCache()
    pieces: List[Tuple[int, int]] = []
    for keeping, start, length in steps:
        end = start + length
        if keeping and not any(at < end and start < to for at, to in pieces):
            spool.keep(start, BLOB[start:end])
            pieces.append((start, end))
        elif not keeping:
            spool.forget(start, end)
            pieces = [(at, to) for at, to in pieces if not (start <= at and to <= end)]
        for at in range(90):
            ends = max([to for begin, to in pieces if begin <= at < to], default=at)
            assert spool.ends(at) == ends
            assert spool.begins(at, 90) == min([begin for begin, _ in pieces if begin >= at], default=90)
            assert ends == at or spool.read(at, ends) == BLOB[at:ends]


def test_so_many_connections_are_kept_as_parts_are_asked_for_at_once() -> None:
    from layerslayer.cli import session  # which does without loading what leaps

    assert session._PARTS == AT_ONCE
