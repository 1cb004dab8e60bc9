"""Stretches put together, once what lay between them was read: as if there had never been a gap."""

from __future__ import annotations

import zlib
from typing import List

import pytest

from layerslayer.formats.entry import Entry
from layerslayer.formats.gzip.members import MemberStream
from layerslayer.formats.tar.reader import TarWalker
from layerslayer.layers.leap.segments import Segment, adds_up, align

from ...support.tars import END, header, member, octal


def compressed(*parts: bytes) -> List[bytes]:
    """Return a gzip member in pieces that begin at bytes and refer to nothing before them."""
    engine = zlib.compressobj(6, zlib.DEFLATED, 31)
    made = [engine.compress(part) + engine.flush(zlib.Z_FULL_FLUSH) for part in parts]
    return [*made[:-1], made[-1] + engine.flush()]


BODY = b"xyz" * 3000 + bytes(-9000 % 512)
# A body goes on from the first part to the third; the fourth has two members, the last one the end.
PARTS = [member(b"a", bytes(700)) + header(b"large", octal(9000, 12)) + BODY[:2000], BODY[2000:5000], BODY[5000:],
         member(b"b", b"z" * 100) + member(b"c", b"z" * 600), member(b"d") + END]  # fmt: skip
PIECES = compressed(*PARTS)
STARTS = [sum(map(len, PIECES[:number])) for number in range(len(PIECES) + 1)]
NAMES = ["a", "large", "b", "c", "d"]


def read(begin: int, end: int) -> Segment:
    """Return the stretch that reads the parts [begin, end)."""
    return went_on(Segment(8 * STARTS[begin], STARTS[begin], stream(begin), TarWalker(), 0, 0), end)


def stream(begin: int) -> MemberStream:
    return MemberStream(zlib.decompressobj(-15) if begin else None)


def went_on(made: Segment, end: int) -> Segment:
    for number in range(STARTS.index(made.at), end):
        made.entries += made.feed(PIECES[number])
    return made


def landed(begin: int, end: int) -> Segment:
    """Return the stretch that begins within the body and walks from the first header on, where part 3 begins."""
    first = sum(map(len, PARTS[begin:3]))
    inflating = stream(begin)
    for number in range(begin, 3):
        assert b"".join(inflating.feed(PIECES[number])) == PARTS[number]
    return went_on(Segment(8 * STARTS[begin], STARTS[3], inflating, TarWalker(), first, -first), end)


def same(made: Segment, expected: Segment) -> bool:
    return (made.entries, made.at, made.position, made.all_ends(), made.walker.owed, made.origin, made.bit) == (
        expected.entries, expected.at, expected.position, expected.all_ends(), expected.walker.owed, expected.origin,
        expected.bit,
    )  # fmt: skip


@pytest.mark.parametrize("gap", [(1, 2), (1, 3), (2, 3), (1, 1)])
def test_a_stretch_goes_on_with_another(gap: List[int]) -> None:
    whole, before, after = read(0, 5), read(0, gap[0]), landed(gap[1], 5)
    align([before, after])
    assert adds_up([before, after]) and [item.offset for item in after.entries] == [
        item.offset for item in whole.entries[2:]
    ]
    origin = went_on(before, gap[1]).position
    assert before.meets(after, origin) == 0
    before.append(after, origin)
    assert same(before, whole) and [entry.name for entry in whole.entries] == NAMES


def test_what_comes_after_what_was_put_together_goes_on() -> None:
    whole, before, after = read(0, 5), read(0, 2), landed(2, 4)
    before.append(after, before.position)
    assert same(went_on(before, 5), whole)


def test_it_goes_on_with_the_later_entries_of_another() -> None:
    """With those of it that follow what was read anew, the first of it being none."""
    whole, before, after = read(0, 5), read(0, 2), landed(2, 5)
    origin = before.position
    assert went_on(before, 4).walker.owed == 0
    assert before.meets(after, origin) == 2  # b and c were read by both
    before.append(after, origin, 2)
    assert same(before, whole)


@pytest.mark.parametrize("off", [-512, 512, 1])
def test_it_does_not_go_on_with_one_whose_headers_are_elsewhere(off: int) -> None:
    before, after = read(0, 2), landed(2, 5)
    assert before.meets(after, before.position + off) is None


def test_it_does_not_go_on_with_an_archive_that_ended_in_the_body() -> None:
    """What came after that end seemed to be hidden, and is not."""
    before, after = read(0, 2), landed(2, 5)
    inner = TarWalker(after.walker.position - 1024)
    assert inner.feed(END) == []
    after.walker = inner
    assert before.meets(after, before.position) == 0  # ended where it may
    after.walker.end = after.origin + 512
    assert before.meets(after, before.position) is None


def late(end: int = 5) -> Segment:
    """Return a stretch that has missed the header of ``b`` and taken that of ``c`` for the first."""
    missed = len(member(b"b", b"z" * 100))
    inflating = stream(2)
    body = b"".join(inflating.feed(PIECES[2]))
    body += b"".join(inflating.feed(PIECES[3]))
    first = len(PARTS[2]) + missed
    made = Segment(8 * STARTS[2], STARTS[4], inflating, TarWalker(), first, -first)
    made.entries = made.walker.feed(body[first:])
    return went_on(made, end)


def fuller(end: int) -> tuple[Segment, List[Entry]]:
    """Return a landing before that one which has found both, without its entries, and those."""
    made = landed(1, end)
    entries, made.entries = made.entries, []
    return made, entries


def test_a_fuller_stretch_leads_into_one_that_missed_a_header() -> None:
    before, after = read(0, 1), late()
    align([before, after])
    assert not adds_up([before, after])
    made, entries = fuller(4)
    meets = made.first + len(member(b"b", b"z" * 100))
    assert made.lead_into(after, entries, meets)
    assert [entry.name for entry in made.entries] == ["b", "c", "d"]
    align([before, made])
    assert adds_up([before, made])
    went_on(before, 1).entries += made.entries
    assert before.entries == read(0, 5).entries


@pytest.mark.parametrize("off", [-512, 512, 100])
def test_one_that_does_not_meet_the_other_leads_nowhere(off: int) -> None:
    """And is left as it was."""
    after = late()
    untouched = (list(after.entries), after.origin, after.position, after.all_ends())
    made, entries = fuller(4)
    stood = (made.at, made.origin, made.position)
    assert not made.lead_into(after, entries, made.first + len(member(b"b", b"z" * 100)) + off)
    assert (after.entries, after.origin, after.position, after.all_ends()) == untouched
    assert (made.at, made.origin, made.position, made.entries) == (*stood, [])
