"""Bytes as they arrive: a trickle is found out, a break keeps what came before."""

from __future__ import annotations

import io
from typing import Any, List

import pytest

from layerslayer.transport import metered
from layerslayer.transport.metered import Metered
from layerslayer.transport.patience import LEAST, TooSlow


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
    monkeypatch.setattr(metered.time, "monotonic", lambda: now[0])  # type: ignore[attr-defined]
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
