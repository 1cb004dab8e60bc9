"""One blob over many connections."""

from __future__ import annotations

import io
from typing import BinaryIO, Callable, Iterator, List, Tuple, cast
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from layerslayer.errors import BudgetSpent, ConnectionLost, RangeIgnored
from layerslayer.registry import resumable_body
from layerslayer.registry.resumable_body import LEAST_GAIN, Reopening, ResumableBody

BODY = bytes(range(256)) * 1024  # 256 KiB


class Breaking:
    """A stream that breaks after ``left`` bytes, or ends there."""

    def __init__(self, data: bytes, left: int, silently: bool = False) -> None:
        self._data = io.BytesIO(data[:left])
        self._breaks = left < len(data) and not silently

    def read(self, count: int) -> bytes:
        piece = self._data.read(count)
        if not piece and self._breaks:
            raise ConnectionLost("it broke.")
        return piece

    def close(self) -> None:
        self._data.close()


def steady(
    lengths: Iterator[int],
    parts: bool = True,
    silently: bool = False,
    start: int = 0,
    end: int = len(BODY),
    log: Callable[[str], None] = lambda text: None,
) -> ResumableBody:
    def part(position: int) -> Tuple[BinaryIO, int]:
        if not parts and position % 2:
            raise RangeIgnored("no parts.")
        if not parts:
            return whole(), 0
        return cast(BinaryIO, Breaking(BODY[position:end], next(lengths), silently)), position

    def whole() -> BinaryIO:
        return cast(BinaryIO, Breaking(BODY, next(lengths), silently))

    first = part(start)[0] if parts else whole()
    return ResumableBody(first, start, end, Reopening(part, whole), 5, log)


SMALL_GAIN = 64  # bytes, so that a body of few has many breaks


@given(
    st.lists(st.integers(SMALL_GAIN, 360), min_size=64, max_size=64),
    st.booleans(),
    st.integers(1, 280),
    st.integers(0, 100),
)
def test_breaks_are_bridged(lengths: List[int], silently: bool, count: int, start: int) -> None:
    with mock.patch.object(resumable_body, "LEAST_GAIN", SMALL_GAIN):
        body = steady(iter(lengths), silently=silently, start=start, end=4096)
        read = b"".join(iter(lambda: body.read(count), b""))
    assert read == BODY[start:4096]


@pytest.mark.parametrize("silently", [False, True])
def test_where_no_parts_are_served_what_is_known_is_passed_over(silently: bool) -> None:
    body = steady(iter([100001, 200000, 10**9]), parts=False, silently=silently)
    assert body.read(50) == BODY[:50]
    assert body.read(10**9) == BODY[50:]


def test_next_to_no_gain_ends_it() -> None:
    opened: List[str] = []
    body = steady(iter([LEAST_GAIN - 1] * 20), log=opened.append)
    assert body.read(10**9) == BODY[: 6 * (LEAST_GAIN - 1)]
    with pytest.raises(ConnectionLost):
        body.read(10**9)
    assert len(opened) == 5


def test_gain_starts_the_count_anew() -> None:
    said: List[str] = []
    body = steady(iter([1, 1, 1, 1, LEAST_GAIN, 1, 1, 1, 1, 10**9]), log=said.append)
    assert body.read(10**9) == BODY
    assert len(said) == 9


def test_no_parts_and_no_gain_ends_it() -> None:
    body = steady(iter([20000] * 20), parts=False)
    assert body.read(10**9) == BODY[:20000]
    with pytest.raises(ConnectionLost):
        body.read(10**9)


class _Closing(Breaking):
    closed = 0

    def close(self) -> None:
        _Closing.closed += 1
        super().close()


@pytest.mark.parametrize("way", ["ignored", "from the start", "unknown size"])
def test_what_comes_once_more_is_told_before_and_may_be_refused(way: str) -> None:
    spent: List[int] = []
    opened: List[int] = []
    _Closing.closed = 0

    def whole() -> BinaryIO:
        opened.append(0)
        return cast(BinaryIO, _Closing(BODY, 150_000))

    def part(position: int) -> Tuple[BinaryIO, int]:
        if way == "ignored":
            raise RangeIgnored("no parts.")
        return whole(), 0

    def spend(count: int) -> None:
        if sum(spent) + count > 200_000:
            raise BudgetSpent("spent")
        spent.append(count)

    first = cast(BinaryIO, _Closing(BODY, 100_000))
    end = None if way == "unknown size" else len(BODY)
    body = ResumableBody(first, 0, end, Reopening(part, whole, spend), 5)
    assert body.read(len(BODY)) == BODY[:150_000]
    with pytest.raises(BudgetSpent):
        body.read(1)
    assert spent == [100_000]
    assert len(opened) == (2 if way == "from the start" else 1)  # where it shows only in the answer
    assert _Closing.closed == 1 + len(opened)
