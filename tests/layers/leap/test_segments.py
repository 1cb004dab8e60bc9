"""Stretches of a layer and the gaps between them: positions, lengths, and whether they add up."""

from __future__ import annotations

import zlib
from typing import List, Tuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from layerslayer.formats.gzip.members import MemberStream
from layerslayer.formats.tar.reader import TarWalker
from layerslayer.layers.leap import segments
from layerslayer.layers.leap.segments import Segment, adds_up, align, deficit, gap

from ...support.tars import header, octal

BIG = 2**32


class Stood(MemberStream):
    """A stream that has given ``output`` bytes."""

    def __init__(self, output: int, ends: List[Tuple[int, int]]) -> None:
        super().__init__(zlib.decompressobj(-15))
        self.output, self.ends = output, ends


def segment(bit: int = 0, at: int = 0, output: int = 0, first: int = 0, origin: int = 0, owed: int = 0,
            ends: Tuple[Tuple[int, int], ...] = (), name: bytes = b"member") -> Segment:  # fmt: skip
    """Return a stretch that ends ``owed`` bytes before a body does; its walk began at ``first``."""
    walker = TarWalker(origin + first)
    entries = walker.feed(header(name, octal(owed, 12))) if output > first else []
    made = Segment(bit, at, Stood(output, list(ends)), walker, first, origin)
    made.entries = entries
    return made


def test_where_a_stretch_stands() -> None:
    made = segment(bit=801, at=300, output=5000, first=2048, origin=100_000)
    assert (made.begins, made.position) == (101, 105_000)
    assert segment(bit=800).begins == 100
    made.move(24)
    assert (made.origin, made.position, made.entries[0].offset) == (100_024, 105_024, 100_000 + 2048 + 24)
    made.move(-24)
    assert (made.origin, made.position, made.walker.position) == (100_000, 105_000, 100_000 + 2048 + 512)


# Where a tar is, member ends in it with what they state; what is missing.
DEFICITS = {
    "nothing ended": ([], 0),
    "as stated": ([(1000, 1000)], 0),
    "members": ([(1000, 1000), (1700, 700), (1700, 0)], 0),
    "some missing": ([(1000, 1512)], 512),
    "some too many": ([(1000, 488)], -512),
    "the first that is wrong": ([(1000, 1000), (1700, 800), (1900, 5)], 100),
    "over four gigabytes": ([(BIG + 1000, 1000)], 0),
    "over sixteen": ([(4 * BIG + 1000, 1000), (5 * BIG + 1007, 7)], 0),
    "missing beyond": ([(BIG + 1000, 2024)], 1024),
    "too many, across": ([(BIG + 100, BIG - 412)], -512),
    "missing, across": ([(BIG - 412, 100)], 512),
    "half way round, missing": ([(0, BIG // 2 - 1)], BIG // 2 - 1),
    "half way round, too many": ([(0, BIG // 2 + 1)], -(BIG // 2 - 1)),
}


@pytest.mark.parametrize("name", DEFICITS)
def test_deficit(name: str) -> None:
    ends, missing = DEFICITS[name]
    assert deficit([segment(output=6 * BIG, ends=tuple(ends))]) == missing
    # The same in a stretch that stands later, its members having begun before.
    last = ends[-1][0] if ends else 0
    two = [segment(output=last + 10, ends=tuple(ends)), segment(origin=last + 50, output=100, ends=((20, 70),))]
    assert deficit(two) == missing
    assert adds_up([segment(output=6 * BIG, ends=tuple(ends))]) == (missing == 0)


@given(st.integers(0, 2**40), st.integers(-(2**31) + 1, 2**31 - 1))
def test_any_deficit(length: int, missing: int) -> None:
    assert deficit([segment(ends=((length, (length + missing) % BIG),))]) == missing


def two(passed: int, owed: int, first: int = 0, stated: int = 0) -> List[Segment]:
    """Return two stretches with ``passed`` bytes of the blob between them, the body in which they are going on for
    ``owed`` bytes, of which ``first`` are read by the second."""
    before = segment(at=1000, output=2000, owed=owed)
    after = segment(bit=8 * (1000 + passed), at=1000 + passed + 500, output=first + 900, first=first, name=b"later")
    made = [before, after]
    align(made)
    end = after.position
    after.stream.ends = [(after.stream.output, (end + stated) % BIG)]
    return made


def test_a_gap_is_what_the_body_has_beyond_what_was_read() -> None:
    made = two(100_000, 300_032, first=50_000)
    owed = made[0].walker.owed
    assert gap(*made) == owed - 50_000
    assert made[1].entries[0].offset == 2000 + owed
    assert adds_up(made)


@pytest.mark.parametrize("missing", [-512, -1, 1, 512, 100_000])
def test_what_does_not_add_up(missing: int) -> None:
    made = two(100_000, 300_032, first=50_000, stated=missing)
    assert deficit(made) == missing and not adds_up(made)


# A gap's bytes of blob, of tar, and whether deflate can do that.
GAPS = {
    "stored": (100_000, 100_000, True),
    "stored, with its frames": (10_001_000, 10_000_384, True),
    "compressed": (100_000, 700_000, True),
    "zeros": (100_000, 102_000_000, True),
    "more than zeros": (100_000, 150_000_000, False),
    "less than stored": (100_000, 50_000, False),
    "less than nothing": (100_000, -512, False),
    "far less than nothing": (1000, -100_000, False),
}


@pytest.mark.parametrize("name", GAPS)
def test_a_gap_that_cannot_be_proves_nothing(name: str) -> None:
    """Whatever the lengths say: a trailer may have been made to fit."""
    passed, owed, possible = GAPS[name]
    first = 200_192  # read by the second stretch, of the same body
    made = two(passed, owed + first, first=first)
    assert deficit(made) == 0 and adds_up(made) == possible


def test_align_moves_all_that_follow() -> None:
    made = [segment(at=10, output=2000, owed=5120), segment(bit=800, at=200, output=3000, first=512, owed=1024),
            segment(bit=8000, at=2000, output=700, ends=((700, 9),))]  # fmt: skip
    align(made)
    second = 2000 + 5120  # where the first body ends, and the second header is
    assert made[1].origin == second - 512 and made[1].entries[0].offset == second
    assert made[2].origin == made[1].position + 1024
    assert made[2].all_ends() == [(made[2].origin + 700, 9)]
    before = [(item.origin, item.position) for item in made]
    align(made)
    assert [(item.origin, item.position) for item in made] == before


@pytest.mark.parametrize("modulus", [2**10, 2**20])
def test_another_modulus(monkeypatch: pytest.MonkeyPatch, modulus: int) -> None:
    """Lengths known modulo something small prove as they do modulo 2**32, which few tests can afford to go beyond."""
    monkeypatch.setattr(segments, "MODULUS", modulus)
    made = two(100_000, 3_000_320, first=50_000)
    end = made[1].position
    for off in (0, 512, -512):
        made[1].stream.ends = [(made[1].stream.output, (end + off) % modulus)]
        assert (deficit(made) in (off, off + modulus, off - modulus)) and adds_up(made) == (off == 0)
