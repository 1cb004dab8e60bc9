"""What is held at once is counted, bounded and given back."""

from __future__ import annotations

import gc
import threading
from typing import Any, Callable

import pytest

from layerslayer.filesystem.node import IMPLIED_ENTRY
from layerslayer.formats import memory as held_by_all
from layerslayer.formats.entry import Entry
from layerslayer.formats.memory import Holding, Lease
from layerslayer.formats.zstd import window_memory
from layerslayer.limits import DEFAULT, LimitReached, Limits, raising


@pytest.fixture(autouse=True)
def own(monkeypatch: pytest.MonkeyPatch) -> None:
    """A count of what is held that other tests have no part in."""
    gc.collect()  # what gives back later gives back to the count of others
    monkeypatch.setattr(held_by_all, "_process", held_by_all._Process())


def entry(name: str = "usr/bin/env", **fields: Any) -> Entry:
    return IMPLIED_ENTRY._replace(name=name, **dict({"kind": "-"}, **fields))


def test_names_targets_owners_and_attributes_count() -> None:
    holding = Holding()
    holding.cost([entry()])  # its owner is known from then on
    plain = holding.cost([entry()])
    assert holding.cost([entry("d" * 5000)]) > plain + 5000
    assert holding.cost([entry(kind="l", target="t" * 5000)]) > plain + 5000
    assert holding.cost([entry(uname="u" * 5000)]) > plain + 5000
    assert holding.cost([entry(xattrs={"a": b"x" * 5000})]) > plain + 5000
    assert plain < 1000


def test_what_is_too_much_is_not_taken_and_says_how_to_raise_it() -> None:
    limits = Limits(memory=100 * 1024)
    holding = Holding(limits=limits)
    holding.take([entry()] * 50)
    before = holding.memory
    with pytest.raises(LimitReached) as refused:
        holding.take([entry()] * 500)
    assert refused.value.within == raising("memory")
    assert holding.memory == before
    holding.close()
    Holding(limits=limits).take([entry()] * 100)


def test_all_holders_share_one_bound() -> None:
    limits = Limits(memory=100 * 1024)
    one, lease = Holding(limits=limits), Lease(limits)
    lease.take(90 * 1024)
    with pytest.raises(LimitReached):
        one.take([entry()] * 50)
    lease.close()
    one.take([entry()] * 50)


def test_the_stricter_of_two_callers_is_refused_first_and_the_other_goes_on() -> None:
    strict, generous = Lease(Limits(memory=100)), Lease(Limits(memory=1000))
    generous.take(90)
    with pytest.raises(LimitReached, match="the limit is 100 "):
        strict.take(20)
    generous.take(900)
    with pytest.raises(LimitReached, match="the limit is 1000 "):
        generous.take(20)
    generous.close()
    strict.take(100)


def test_each_view_adds_what_its_own_limits_allow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(held_by_all, "FREE", 0)
    limits = Limits(memory=0, view=20)
    one, other = Holding(limits=limits), Holding(limits=Limits(view=30))
    lease = Lease(limits)
    lease.take(50 * held_by_all.EACH, entries=1000)
    with pytest.raises(LimitReached):
        lease.take(1)
    other.close()
    lease.close()
    with pytest.raises(LimitReached):
        lease.take(50 * held_by_all.EACH, entries=1000)
    one.close()


def test_entries_of_an_image_are_bounded() -> None:
    holding = Holding(limits=Limits(view=10))
    holding.take([entry()] * 10)
    with pytest.raises(LimitReached) as refused:
        holding.take([entry()])
    assert refused.value.within == raising("view")


def test_a_part_is_let_go_by_itself() -> None:
    holding = Holding()
    part = holding.part()
    holding.take([entry()])
    before = holding.memory
    part.take([entry()] * 100)
    part.empty()
    assert (holding.entries, holding.memory) == (1, before)


@pytest.mark.parametrize("counts", [lambda: held_by_all._process, lambda: window_memory._room], ids=["held", "windows"])
def test_what_the_collector_lets_go_while_somebody_counts_is_no_deadlock(counts: Callable[[], Any]) -> None:
    def collected() -> None:
        with counts().lock:  # as an exception's frames may be collected while one is being made
            lease, held, window = Lease(), Holding(), window_memory.Window()
            lease.close()
            held.close()
            window.close()

    thread = threading.Thread(target=collected, daemon=True)
    thread.start()
    thread.join(5)
    assert not thread.is_alive()


def test_a_large_window_counts_among_what_is_held() -> None:
    lease, window = Lease(), window_memory.Window()
    lease.take(DEFAULT.memory - 40 * 2**20)
    with pytest.raises(LimitReached, match="too much memory"):
        window.widen(128 * 2**20)
    lease.close()
    window.widen(128 * 2**20)
    with pytest.raises(LimitReached):
        lease.take(DEFAULT.memory - 40 * 2**20)
    window.close()
    lease.take(DEFAULT.memory - 40 * 2**20)
    lease.close()
