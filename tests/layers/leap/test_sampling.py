"""How far a body reaches, told from samples: nothing but numbers in, numbers out."""

from __future__ import annotations

from typing import List, NamedTuple, Tuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from layerslayer.layers.leap.sampling import Samples

LIMIT = 10_000_000


class Sample(NamedTuple):
    start: int
    length: int
    expansion: float


def samples(taken: List[Sample], left: int, expansion: float = 3.0, start: int = 1000, limit: int = LIMIT) -> Samples:
    made = Samples(start, left, expansion, limit)
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
    reach = samples(taken, left).reach()
    assert reach.end == pytest.approx(end, rel=0.02)
    assert reach.doubt >= 0


def test_samples_take_doubts_away() -> None:
    """More of them, the same all over: less doubt each time; a body that was seen whole leaves none."""
    doubts = []
    for count in (1, 2, 4, 8, 16, 32):
        step = 1_000_000 // count
        taken = [Sample(at, 20_000, 3.0) for at in range(1000, 1_001_000, step)]
        doubts.append(samples(taken, 3_000_000).reach().doubt)
    assert doubts == sorted(doubts, reverse=True) and doubts[-1] < doubts[0] / 3
    assert samples([Sample(1000, 1_000_000, 3.0)], 3_000_000).reach().doubt == 0


def test_samples_that_differ_leave_more_doubt() -> None:
    even = [Sample(at, 20_000, 3.0) for at in range(1000, 1_000_000, 100_000)]
    uneven = [item._replace(expansion=1.0 if number % 2 else 5.0) for number, item in enumerate(even)]
    assert samples(uneven, 3_000_000).reach().doubt > 2 * samples(even, 3_000_000).reach().doubt


def test_a_sample_that_goes_on_is_one() -> None:
    at_once = samples([Sample(500_000, 60_000, 4.0)], 3_000_000)
    in_parts = samples([Sample(500_000 + at, 20_000, 4.0) for at in (0, 20_000, 40_000)], 3_000_000)
    assert at_once.count == in_parts.count == 1
    assert in_parts.reach() == pytest.approx(at_once.reach())
    mixed = samples([Sample(500_000, 20_000, 2.0), Sample(520_000, 20_000, 6.0)], 3_000_000)
    assert mixed.reach() == pytest.approx(samples([Sample(500_000, 40_000, 4.0)], 3_000_000).reach())


@pytest.mark.parametrize("end", [400_000, 399_999, 0])
def test_a_sample_of_nothing_is_none(end: int) -> None:
    made = samples([], 3_000_000)
    made.add(400_000, end, 100)
    assert made.count == 0 and made.reach() == samples([], 3_000_000).reach()


@pytest.mark.parametrize("left", [0, 1, 3_000_000])
def test_bytes_that_inflate_to_nothing(left: int) -> None:
    """Empty blocks, one after the other."""
    made = samples([Sample(1000, 48_000, 0.0), Sample(500_000, 48_000, 0.0), Sample(548_000, 10, 0.0)], left)
    assert 1000 <= made.reach().end <= LIMIT and made.output_at(LIMIT)[0] > 0
    made.wanted(4)


def test_a_bound_only_comes_nearer() -> None:
    made = samples([], 3_000_000)
    assert made.ceiling is None
    for at, ceiling in ((900_000, 900_000), (950_000, 900_000), (300_000, 300_000)):
        made.bound(at)
        assert made.ceiling == ceiling
    assert all(place < 300_000 for place in made.wanted(8))


@pytest.mark.parametrize("count", [1, 2, 4, 9])
def test_places_for_more(count: int) -> None:
    made = samples([Sample(1000, 48_000, 3.0)], 3_000_000)
    places = made.wanted(count)
    assert len(places) == count and places == sorted(set(places))
    assert all(49_000 <= place < made.reach().end for place in places)
    # Spread over all of it: none of the stretches between them is much longer than another.
    bounds = [49_000, *places, int(made.reach().end)]
    gaps = [after - before for before, after in zip(bounds, bounds[1:])]
    assert max(gaps) <= 4 * min(gaps)


def test_no_more_places_where_all_is_known() -> None:
    assert samples([Sample(1000, 1_100_000, 3.0)], 3_000_000).wanted(4) == []


SAMPLE = st.tuples(st.integers(0, 200), st.integers(1, 40_000), st.floats(0.999, 1030))  # place, length, expansion
SAMPLES = st.lists(SAMPLE, max_size=8, unique_by=lambda item: item[0])


@given(SAMPLES, st.integers(0, 10**9), st.floats(1, 1030), st.integers(60_000, LIMIT))
def test_whatever_is_sampled(taken: List[Tuple[int, int, float]], left: int, first: float, limit: int) -> None:
    """All numbers stay in the blob, and agree with one another."""
    inside = [Sample(1000 + 50_000 * place, length, expansion) for place, length, expansion in taken]
    made = samples([item for item in inside if item.start + item.length < limit], left, first, limit=limit)
    reach = made.reach()
    assert 1000 <= reach.end <= limit and reach.doubt >= 0
    places = [made.output_at(at) for at in range(1000, limit, 1 + limit // 9)]
    assert [total for total, _ in places] == sorted(total for total, _ in places)
    assert all(deviation >= 0 for _, deviation in places)
    total, _ = made.output_at(int(reach.end))
    assert total <= left * 1.001 + 1
    if reach.end < limit - 1:
        assert total >= left * 0.999 - 1100
    for place in made.wanted(4):
        assert 1000 <= place <= reach.end
