from __future__ import annotations

import threading
from typing import List

import pytest

from layerslayer.registry.prefetch import Foresight


def test_what_was_begun_is_taken_once() -> None:
    calls: List[str] = []

    def noted(name: str) -> str:
        calls.append(name)
        return "answer"

    foresight: Foresight[str] = Foresight(lambda value: None)
    foresight.begin("a", lambda: noted("a"))
    foresight.begin("a", lambda: noted("again"))
    assert foresight.take("a") == "answer"
    assert foresight.take("a") is None
    assert calls == ["a"]


def test_a_failure_is_raised_where_the_answer_is_wanted() -> None:
    foresight: Foresight[str] = Foresight(lambda value: None)

    def fail() -> str:
        raise ValueError("no")

    foresight.begin("a", fail)
    with pytest.raises(ValueError, match="no"):
        foresight.take("a")


def test_calls_run_side_by_side() -> None:
    both = threading.Barrier(2, timeout=20)
    foresight: Foresight[int] = Foresight(lambda value: None)
    for key in "ab":
        foresight.begin(key, both.wait)
    assert {foresight.take("a"), foresight.take("b")} == {0, 1}


def test_what_nobody_took_is_dropped() -> None:
    dropped: List[str] = []
    foresight: Foresight[str] = Foresight(dropped.append)
    before = set(threading.enumerate())
    foresight.begin("a", lambda: "answer")
    foresight.begin("b", lambda: str(1 // 0))
    for thread in set(threading.enumerate()) - before:
        thread.join(20)
    foresight.close()
    assert dropped == ["answer"]
    assert foresight.take("a") is None
