"""What proves a listing with gaps: each condition alone does not, and without any one of them nothing is proved."""

from __future__ import annotations

import random
import zlib
from typing import Callable, Dict, List

import pytest

from layerslayer.formats.entry import Entry
from layerslayer.formats.gzip.block_finder import Dense, find_boundary
from layerslayer.formats.gzip.fast_inflate import FAST, quickened, stream_at
from layerslayer.formats.gzip.members import MemberStream
from layerslayer.formats.tar.reader import TarWalker
from layerslayer.layers.leap import segments as lengths
from layerslayer.layers.leap.estimate import Estimator
from layerslayer.layers.leap.proof import cheaper_gaps, doubtful_gaps, proves
from layerslayer.layers.leap.resync import Doubtful, Endless, Resync
from layerslayer.layers.leap.segments import Segment, align

from ...support.leap_layers import COMPRESSORS, noise, skewed
from ...support.leap_walks import compared
from ...support.tars import END, header, member, octal

BODY = 300_000
FIRST = member(b"first", b"1")  # another file as long as all of it is none that another part of the layer makes likely


class Ended(MemberStream):
    """A stream that has given so many bytes, at the end of the blob."""

    several = False  # as a test may say

    def __init__(self, output: int) -> None:
        super().__init__()
        self.output = output


def two(after: bytes = member(b"last", b"body") + END, head: bytes = FIRST) -> List[Segment]:
    """Return a stretch that ends at the beginning of a body, and one that begins 50 000 bytes before that one's end."""
    walker, later = TarWalker(), TarWalker(50_000)
    before = Segment(0, 1000, Ended(len(head) + 512), walker, 0, 0)
    before.entries = walker.feed(head + header(b"large", octal(BODY, 12)))
    end = Segment(8 * 101_000, 120_000, Ended(50_000 + len(after)), later, 50_000, 0)
    end.entries = later.feed(after) + later.close()
    end.ended = True
    end.expected, end.deviation = 250_000.0, 5000.0
    made = [before, end]
    align(made)
    end.stream.ends = [(end.stream.output, end.position)]
    return made


def state(made: List[Segment], off: int) -> None:
    made[1].stream.ends = [(made[1].stream.output, made[1].position + off)]


def several(made: List[Segment]) -> None:
    made[0].stream.several = True


def ended_before(made: List[Segment]) -> None:
    made[0].stream.ends = [(100, 100)]


def trailing(made: List[Segment]) -> None:
    made[1].stream.trailing = 1


def not_ended(made: List[Segment]) -> None:
    made[1].ended = False


def tail_behind_a_gap(made: List[Segment]) -> None:
    made[1].tail = True
    made.insert(1, Segment(8 * 50_000, 50_000, Ended(0), TarWalker(), 0, 0))


SPOILT: Dict[str, Callable[[List[Segment]], None]] = {
    "something was missed": lambda made: state(made, 512),
    "something was invented": lambda made: state(made, -1024),
    "another member": several,
    "a member before": ended_before,
    "bytes after it": trailing,
    "not read to its end": not_ended,
    "a last body behind a gap": tail_behind_a_gap,
}


def test_what_proves() -> None:
    assert proves(two(), 16) and not doubtful_gaps(two(), 16)


@pytest.mark.parametrize("name", SPOILT)
def test_what_does_not(name: str) -> None:
    made = two()
    SPOILT[name](made)
    assert not proves(made, 16)


@pytest.mark.parametrize("end, proved", [
    (bytes(1024), True), (bytes(10_240), True), (bytes(512), False), (b"", False),
    (bytes(1024) + member(b"hidden"), False), (bytes(1024) + b"x" * 512, False),
])  # fmt: skip
def test_an_end_must_be_seen(end: bytes, proved: bool) -> None:
    assert proves(two(member(b"last", b"body") + end), 16) == proved


def test_the_end_of_the_last_body_is_known_where_there_is_no_gap_before() -> None:
    made = two()
    made[1].tail = True
    assert proves(made, 16)


@pytest.mark.parametrize("unseen, deviation, modulus, sure", [
    (15_000, 5000.0, 2**32, True), (100, 100.0, 2**20, True),
    (15_000, 5000.0, 2**23, False), (100, 100_000.0, 2**20, False),
])  # fmt: skip
def test_lengths_are_known_modulo_something(
    monkeypatch: pytest.MonkeyPatch, unseen: int, deviation: float, modulus: int, sure: bool
) -> None:
    """A gap must not be able to hold so much more, for all that is known."""
    monkeypatch.setattr(lengths, "MODULUS", modulus)
    made = two()
    made[1].unseen, made[1].deviation = unseen, deviation
    made[1].bit, made[1].at = 8 * 251_000, 300_000
    assert (doubtful_gaps(made, 16) == []) == sure


@pytest.mark.parametrize("head, unseen, deviation, sure", [
    (FIRST, 10_000, 5000.0, True), (FIRST, 20_000, 5000.0, False), (FIRST, 10_000, 50_000.0, False),
    (b"", 10_000, 5000.0, False), (b"", 200, 5000.0, True), (member(b"one", bytes(BODY)), 10_000, 5000.0, False),
    (member(b"one", bytes(BODY - 512)), 10_000, 5000.0, True),
])  # fmt: skip
def test_no_member_may_end_in_a_gap(head: bytes, unseen: int, deviation: float, sure: bool) -> None:
    """As much again as all before its body's end must not hide there; nearly nothing, where files are of one size."""
    made = two(head=head)
    made[1].unseen, made[1].deviation = unseen, deviation
    assert proves(made, 16) == (doubtful_gaps(made, 16) == []) == sure


def test_what_is_less_to_read() -> None:
    made = two()
    assert cheaper_gaps(made, 120_000 + 100_001) == 1 and cheaper_gaps(made, 120_000 + 100_000) is None


# -- at a landing -------------------------------------------------------------


def resynced(before: bytes, padding: int, dense: int = 2**62) -> Resync:
    """Return a landing in a stream of what is certain, before a member."""
    engine = zlib.compressobj(1, zlib.DEFLATED, -15)
    data = engine.compress(before + member(b"next", noise(random.Random(2), 40_000))) + engine.flush()
    made = Resync(MemberStream(zlib.decompressobj(-15)), MemberStream(zlib.decompressobj(-15)), 0, padding, dense)
    made.feed(data + bytes(8))
    return made


LEAD = noise(random.Random(1), 70_000)


@pytest.mark.parametrize("padding", [1, 100, 511])
def test_a_header_stands_behind_zeros(padding: int) -> None:
    assert resynced(LEAD + bytes(padding), padding).first == len(LEAD) + padding
    for wrong in (LEAD, LEAD + bytes(padding - 1), LEAD + bytes(padding)[:-1] + b"x"):
        with pytest.raises(Doubtful):
            resynced(wrong, padding)


@pytest.mark.parametrize("zeros, sure", [(0, True), (511, True), (512, False), (1024, False), (10_240, False)])
@pytest.mark.parametrize("padding", [0, 100, 511])
def test_no_archive_has_ended_before_a_header(padding: int, zeros: int, sure: bool) -> None:
    """What comes after its end is hidden."""
    before = LEAD + bytes(padding + zeros)
    if sure:
        assert resynced(before, padding).first == len(before)
        return
    with pytest.raises(Doubtful):
        resynced(before, padding)


@pytest.mark.parametrize("body", [0, 512, 30_720, 62_464])
def test_a_header_of_old_before_it_is_seen(body: int) -> None:
    """It has no magic, only a checksum that holds."""
    old = header(b"old", octal(body, 12), magic=bytes(8)) + noise(random.Random(3), body)
    with pytest.raises(Doubtful):
        resynced(LEAD + old, 0)


def test_zeros_are_not_walked_through_for_ever() -> None:
    assert resynced(LEAD + bytes(9 << 20) + b"x" * 512, 0, 10 << 20).first is not None
    with pytest.raises(Endless):
        resynced(LEAD + bytes(9 << 20), 0, 5 << 20)


# -- what is dense ------------------------------------------------------------


def test_a_place_where_too_much_comes_out() -> None:
    engine = zlib.compressobj(6, zlib.DEFLATED, -15)
    blob = engine.compress(bytes(64 << 20)) + engine.flush()
    assert find_boundary(blob[1000:33_000]) is not None
    with pytest.raises(Dense) as found:
        find_boundary(blob[1000:33_000], patient=False)
    stream, data = stream_at(blob[1000:33_000], found.value.boundary)
    assert len(b"".join(stream.feed(data))) > 10 << 20


@pytest.mark.skipif(not FAST, reason="there is no faster stream")
def test_a_faster_stream_goes_on_where_another_stands() -> None:
    plain = skewed(random.Random(4), 1_000_000)
    blob = COMPRESSORS["level 6"](plain)
    for start in (100_000, 300_000):
        piece = blob[start : start + 100_000]
        boundary = find_boundary(piece)
        assert boundary is not None
        slow, data = stream_at(piece, boundary, fast=False)
        come = b"".join(slow.feed(data))
        fast = quickened(slow, piece, boundary, [])
        assert fast is not slow and fast.output == len(come)
        rest = blob[start + 100_000 :]
        slower, quicker = b"".join(slow.feed(rest)), b"".join(fast.feed(rest))
        assert quicker == slower and plain.endswith(quicker) and fast.ends == slow.ends


@pytest.mark.parametrize("count", [1, 2, 4])
@pytest.mark.parametrize("after", [0, 100])
def test_a_member_that_fills_pieces_of_output(count: int, after: int) -> None:
    """Nothing of what follows it comes twice."""
    first, second = bytes(count << 18), noise(random.Random(5), after)
    stream = MemberStream()
    blob = COMPRESSORS["level 6"](first) + COMPRESSORS["level 6"](second) + COMPRESSORS["level 6"](first)
    assert b"".join(stream.feed(blob)) == first + second + first
    assert stream.several and [stated for _, stated in stream.ends] == [len(first), after, len(first)]


def test_samples_tell_how_far_one_is_surely_in_a_body() -> None:
    estimate = Estimator(0, 1_000_000, 4.0, 10**9)
    for at in range(10_000, 200_000, 40_000):
        estimate.add(at, at + 10_000, 40_000)
    assert estimate.unseen(180_000) == 30_000
    at = estimate.before(400_000, 180_000, 1.0)
    output, deviation = estimate.output_at(at)
    assert output + deviation <= 400_000 < sum(estimate.output_at(at + 1))
    assert estimate.before(10**7, 180_000, 1.0) == 180_000


def test_a_last_body_behind_a_gap_is_read_or_the_gap_is() -> None:
    """Whichever is less."""
    large, larger = noise(random.Random(6), 1_500_000), noise(random.Random(7), 5_000_000)
    blob = COMPRESSORS["level 6"](FIRST + member(b"a", larger) + member(b"b") + member(b"c", large) + END)
    found = compared(blob)
    assert found.walk.leaps == 1 and not found.walk.whole and 0.25 < found.share < 0.45
    blob = COMPRESSORS["level 6"](FIRST + member(b"a", large) + member(b"b") + member(b"c", larger) + END)
    found = compared(blob)
    assert not found.walk.whole and found.walk.last.tail and 0.25 < found.share < 0.6
    names: List[Entry] = found.entries
    assert [entry.name for entry in names] == ["first", "a", "b", "c"]
