"""Bytes as they arrive: a trickle is found out, a break keeps what came before."""

from __future__ import annotations

import io
from typing import Any, List

import pytest

from layerslayer.registry.http import stall_guard
from layerslayer.registry.http.stall_guard import Metered
from layerslayer.registry.http.timeouts import LEAST, OutOfTime, TooSlow


class Slow(io.RawIOBase):
    """Gives pieces of these sizes, each after ``seconds`` of a clock of its own; then raises ``error``, if any."""

    def __init__(self, sizes: List[int], seconds: float, clock: List[float], error: Any = None) -> None:
        self._sizes, self._seconds, self._clock, self._error = list(sizes), seconds, clock, error

    def readinto(self, buffer: Any) -> int:
        self._clock[0] += self._seconds
        if not self._sizes:
            if self._error:
                raise self._error
            return 0
        count = min(self._sizes.pop(0), len(buffer))
        buffer[:count] = b"x" * count
        return count


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> List[float]:
    now = [0.0]
    monkeypatch.setattr(stall_guard.time, "monotonic", lambda: now[0])  # type: ignore[attr-defined]
    return now


@pytest.mark.parametrize(
    ("size", "seconds", "slow"),
    [(1, 9.0, True), (LEAST, 9.0, False), (LEAST // 2, 9.0, False), (LEAST // 4, 9.0, True)],
)
def test_a_trickle_is_a_break(clock: List[float], size: int, seconds: float, slow: bool) -> None:
    raw = Metered(Slow([size] * 40, seconds, clock), timeout=10.0)
    raw.patience.layer()
    buffer = bytearray(LEAST)
    if slow:
        with pytest.raises(TooSlow):
            for _ in range(40):
                raw.readinto(buffer)
    else:
        assert sum(raw.readinto(buffer) or 0 for _ in range(40)) == size * 40


def test_a_break_keeps_what_came_before(clock: List[float]) -> None:
    raw = Metered(Slow([5, 6], 0.1, clock, ConnectionResetError("gone")), timeout=10.0)
    raw.forgiving = True
    assert io.BufferedReader(raw).read(1000) == b"x" * 11
    assert isinstance(raw.error, ConnectionResetError)


def test_before_the_body_a_break_is_raised(clock: List[float]) -> None:
    raw = Metered(Slow([], 0.1, clock, ConnectionResetError("gone")), timeout=None)
    with pytest.raises(ConnectionResetError):
        raw.readinto(bytearray(10))


def seconds_of(document: bool, clock: List[float], rate: int, size: int) -> float:
    """Return how long ``size`` bytes are waited for that come with ``rate`` bytes a second."""
    raw = Metered(Slow([rate] * (size // rate), 1.0, clock), timeout=30.0)
    raw.forgiving = True
    began = clock[0]
    (raw.patience.document if document else raw.patience.layer)()
    buffer = bytearray(rate)
    while raw.readinto(buffer):
        pass
    if raw.error:
        raise raw.error
    return clock[0] - began


def test_a_document_is_bounded_in_all(clock: List[float]) -> None:
    """By default at 3 kB/s after little more than a minute; what a slow line manages is waited for, however large."""
    with pytest.raises(OutOfTime):
        seconds_of(True, clock, 3000, 4 * 2**20)
    assert 60 < clock[0] < 90
    assert seconds_of(True, clock, 30000, 16 * 2**20) > 500
    assert seconds_of(True, clock, 3000, 150_000) > 45


def test_a_layer_may_take_for_ever(clock: List[float]) -> None:
    assert seconds_of(False, clock, 300, 10**6) > 3000
    with pytest.raises(TooSlow):
        seconds_of(False, clock, 200, 10**6)


def test_a_head_is_bounded_in_all(clock: List[float]) -> None:
    raw = Metered(Slow([300] * 400, 1.0, clock), timeout=30.0)
    with pytest.raises(TooSlow):
        while True:
            raw.readinto(bytearray(300))
    assert clock[0] < 70
