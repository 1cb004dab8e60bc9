"""How far a body reaches, told from samples: nothing but numbers in, numbers out."""

from __future__ import annotations

from typing import List, NamedTuple, Tuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from layerslayer.layers.leap.estimate import Estimator, truncated_logistic

LIMIT = 10_000_000


class Sample(NamedTuple):
    start: int
    length: int
    expansion: float


def estimate(
    taken: List[Sample], left: int, expansion: float = 3.0, start: int = 1000, limit: int = LIMIT
) -> Estimator:
    made = Estimator(start, left, expansion, limit)
    for item in taken:
        made.add(item.start, item.start + item.length, int(item.length * item.expansion))
    return made


# What is left of the body, its samples, and where about it must end.
REACHES = {
    "nothing known": (3_000_000, [], 1_001_000),
    "as it begins": (3_000_000, [Sample(1000, 48_000, 3.0)], 1_001_000),
    "incompressible": (1_000_000, [Sample(1000, 48_000, 1.0), Sample(700_000, 48_000, 1.0)], 1_001_000),
    "the same all over": (8_000_000, [Sample(at, 50_000, 4.0) for at in range(1000, 2_000_000, 300_000)], 2_001_000),
    "half and half": (
        3_000_000,
        [Sample(at, 10_000, 2.0 if at < 500_000 else 4.0) for at in range(1000, 1_001_000, 20_000)],
        1_001_000,
    ),
    "more than there is": (10**9, [Sample(1000, 48_000, 3.0)], LIMIT),
    "nothing left": (0, [], 1000),
}


@pytest.mark.parametrize("name", REACHES)
def test_reach(name: str) -> None:
    left, taken, end = REACHES[name]
    reach = estimate(taken, left).reach()
    assert reach.end == pytest.approx(end, rel=0.02)
    assert reach.doubt >= 0


def test_samples_take_doubts_away() -> None:
    """More of them, the same all over: less doubt each time; a body that was seen whole leaves none."""
    doubts = []
    for count in (1, 2, 4, 8, 16, 32):
        step = 1_000_000 // count
        taken = [Sample(at, 20_000, 3.0) for at in range(1000, 1_001_000, step)]
        doubts.append(estimate(taken, 3_000_000).reach().doubt)
    assert doubts == sorted(doubts, reverse=True) and doubts[-1] < doubts[0] / 3
    assert estimate([Sample(1000, 1_000_000, 3.0)], 3_000_000).reach().doubt == 0


def test_samples_that_differ_leave_more_doubt() -> None:
    even = [Sample(at, 20_000, 3.0) for at in range(1000, 1_000_000, 100_000)]
    uneven = [item._replace(expansion=1.0 if number % 2 else 5.0) for number, item in enumerate(even)]
    assert estimate(uneven, 3_000_000).reach().doubt > 2 * estimate(even, 3_000_000).reach().doubt


def test_a_sample_that_goes_on_is_one() -> None:
    at_once = estimate([Sample(500_000, 60_000, 4.0)], 3_000_000)
    in_parts = estimate([Sample(500_000 + at, 20_000, 4.0) for at in (0, 20_000, 40_000)], 3_000_000)
    assert at_once.count == in_parts.count == 1
    assert in_parts.reach() == pytest.approx(at_once.reach())
    mixed = estimate([Sample(500_000, 20_000, 2.0), Sample(520_000, 20_000, 6.0)], 3_000_000)
    assert mixed.reach() == pytest.approx(estimate([Sample(500_000, 40_000, 4.0)], 3_000_000).reach())


@pytest.mark.parametrize("end", [400_000, 399_999, 0])
def test_a_sample_of_nothing_is_none(end: int) -> None:
    made = estimate([], 3_000_000)
    made.add(400_000, end, 100)
    assert made.count == 0 and made.reach() == estimate([], 3_000_000).reach()


@pytest.mark.parametrize("left", [0, 1, 3_000_000])
def test_bytes_that_inflate_to_nothing(left: int) -> None:
    """Empty blocks, one after the other."""
    made = estimate([Sample(1000, 48_000, 0.0), Sample(500_000, 48_000, 0.0), Sample(548_000, 10, 0.0)], left)
    assert 1000 <= made.reach().end <= LIMIT and made.output_at(LIMIT)[0] > 0
    made.spread(4)


def test_a_bound_only_comes_nearer() -> None:
    made = estimate([], 3_000_000)
    assert made.ceiling is None
    for at, ceiling in ((900_000, 900_000), (950_000, 900_000), (300_000, 300_000)):
        made.bound(at)
        assert made.ceiling == ceiling
    assert all(place < 300_000 for place in made.spread(8))


@pytest.mark.parametrize("count", [1, 2, 4, 9])
def test_places_for_more(count: int) -> None:
    made = estimate([Sample(1000, 48_000, 3.0)], 3_000_000)
    places = made.spread(count)
    assert len(places) == count and places == sorted(set(places))
    assert all(49_000 <= place < made.reach().end for place in places)
    # Spread over all of it: none of the stretches between them is much longer than another.
    bounds = [49_000, *places, int(made.reach().end)]
    gaps = [after - before for before, after in zip(bounds, bounds[1:])]
    assert max(gaps) <= 4 * min(gaps)


def test_no_more_places_where_all_is_known() -> None:
    assert estimate([Sample(1000, 1_100_000, 3.0)], 3_000_000).spread(4) == []


SAMPLE = st.tuples(st.integers(0, 200), st.integers(1, 40_000), st.floats(0.999, 1030))  # place, length, expansion
SAMPLES = st.lists(SAMPLE, max_size=8, unique_by=lambda item: item[0])


@given(SAMPLES, st.integers(0, 10**9), st.floats(1, 1030), st.integers(60_000, LIMIT))
def test_whatever_is_sampled(taken: List[Tuple[int, int, float]], left: int, first: float, limit: int) -> None:
    """All numbers stay in the blob, and agree with one another."""
    inside = [Sample(1000 + 50_000 * place, length, expansion) for place, length, expansion in taken]
    made = estimate([item for item in inside if item.start + item.length < limit], left, first, limit=limit)
    reach = made.reach()
    assert 1000 <= reach.end <= limit and reach.doubt >= 0
    places = [made.output_at(at) for at in range(1000, limit, 1 + limit // 9)]
    assert [total for total, _ in places] == sorted(total for total, _ in places)
    assert all(deviation >= 0 for _, deviation in places)
    total, _ = made.output_at(int(reach.end))
    assert total <= left * 1.001 + 1
    if reach.end < limit - 1:
        assert total >= left * 0.999 - 1100
    for place in made.spread(4):
        assert 1000 <= place <= reach.end


EVEN = [Sample(at, 20_000, 3.0) for at in range(1000, 1_000_000, 50_000)]  # the body ends at 1 001 000


def test_places_around_the_end() -> None:
    """Most of them where the end is likely, none beyond what bounds it."""
    made = estimate(EVEN, 3_000_000)
    places = made.places(9, 500_000, 3_000_000)
    assert places == sorted(set(places)) and all(500_000 <= place <= 3_000_000 for place in places)
    assert places[4] == pytest.approx(1_001_000, rel=0.01)
    assert places[5] - places[4] < places[8] - places[7] < 100_000


@pytest.mark.parametrize(("low", "high"), [(500_000, 600_000), (2_000_000, 2_100_000)])
def test_places_where_the_end_was_not_thought_to_be(low: int, high: int) -> None:
    """In the part that is next to where it was: what was believed is not all given up."""
    made = estimate(EVEN, 3_000_000)
    places = made.places(5, low, high)
    assert all(low <= place <= high for place in places)
    near = high if high < 1_001_000 else low
    assert all(abs(place - near) < (high - low) / 2 for place in places)
    assert low <= low + made.left_behind(low, high) <= high


def test_where_to_land() -> None:
    made = estimate([], 3_000_000)
    assert made.last_place(LIMIT) is None
    for place in (200_000, 600_000, 900_000):
        made.add(place + 500, place + 20_000, 60_000, place)
    assert [made.last_place(before) for before in (LIMIT, 900_000, 100_000)] == [900_000, 600_000, None]
    made.bound(800_000)
    assert made.last_place(LIMIT) == 600_000


def test_what_lies_behind_a_bound_is_forgotten() -> None:
    made, without = estimate(EVEN, 9_000_000), estimate(EVEN[:10], 9_000_000)
    made.bound(500_500)
    assert made.reach() == without.reach() and made.count == without.count == 10


@pytest.mark.parametrize(("at", "passed"), [(1_000_000, False), (1_001_000, False), (1_200_000, True)])
def test_passed(at: int, passed: bool) -> None:
    assert estimate(EVEN, 3_000_000).passed(at, 2.0) is passed
    assert not estimate(EVEN, 3_000_000).passed(at, 1000.0)


def test_what_was_read_of_a_body_tells_of_it() -> None:
    """And is not counted as read anew."""
    made = estimate([], 3_000_000, expansion=30.0)
    made.begins(900, 2700)
    assert made.reach().end == pytest.approx(1_001_000)
    assert made.output_at(101_000)[0] == pytest.approx(300_000)


@given(
    st.lists(st.floats(0.001, 0.999), min_size=1, max_size=9), st.floats(-1e9, 1e9), st.floats(1, 1e8),
    st.integers(0, 10**9), st.integers(0, 10**9),
)  # fmt: skip
def test_any_distribution(parts: List[float], mean: float, deviation: float, low: int, more: int) -> None:
    found = truncated_logistic(sorted(parts), mean, deviation, low, low + more)
    assert found == sorted(found) and all(low <= value <= low + more for value in found)


@pytest.mark.parametrize("apart, count", [(1000, 0), (400, 2), (250, 3), (100, 9)])
def test_places_so_that_no_two_lie_further_apart(apart: int, count: int) -> None:
    made = estimate([Sample(1000, 100, 3.0), Sample(2100, 100, 3.0)], 10_000_000)
    places = made.between(apart, 2200, 100)
    assert len(places) == count and all(1100 < place < 2100 for place in places)
    begins = [1100, *places, 2100]
    assert max(after - before for before, after in zip(begins, begins[1:])) <= apart
    assert 5 < len(made.between(1, 2200, 5)) < 10  # more than that are not counted out
