"""Work beside its maker: in order, bounded, and ended."""

from __future__ import annotations

import threading
from typing import List

import pytest

from layerslayer.layers.follower import Follower


def test_a_follower_takes_all_in_order() -> None:
    taken: List[int] = []
    follower: Follower[int] = Follower(taken.append, 2)
    for number in range(100):
        follower.put(number)
    follower.finish()
    assert taken == list(range(100))


def test_what_a_follower_raises_comes_to_who_puts() -> None:
    def refuse(item: int) -> None:
        raise ValueError("no")

    follower: Follower[int] = Follower(refuse, 1)
    with pytest.raises(ValueError, match="no"):
        for number in range(100):
            follower.put(number)
    with pytest.raises(ValueError, match="no"):
        follower.finish()


def test_a_follower_that_is_closed_keeps_nobody_waiting() -> None:
    may_go, taken = threading.Event(), []

    def wait(item: int) -> None:
        may_go.wait(30)
        taken.append(item)

    follower: Follower[int] = Follower(wait, 1)
    follower.put(0)
    follower.close()
    for number in range(10):
        follower.put(number)  # would wait for ever
    may_go.set()
    follower.finish()
    assert taken[:1] == [0]
