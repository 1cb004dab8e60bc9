"""Files of a layer that was read before: always their own bytes, and few of the blob's."""

from __future__ import annotations

import random
import tarfile
import zlib
from typing import List, Tuple, Union
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from layerslayer.errors import CorruptLayer, NotFound, RangeIgnored, Unreachable
from layerslayer.formats import decompress
from layerslayer.formats.checkpoints import Point, Points
from layerslayer.layers import range_plan

from ..support import cached_layers as layers
from ..support.cached_layers import SHAPES, Memory, archive, deflated, noise, refuse, words

KIB = 1024


def small_steps() -> mock._patch_dict:
    return mock.patch.multiple(  # type: ignore[return-value]
        "layerslayer.formats.checkpoints", _STEP=8 * KIB, _WINDOW_STEP=40 * KIB
    )


@st.composite
def members(draw: st.DrawFn) -> List[Tuple[str, Union[bytes, str]]]:
    chance = random.Random(draw(st.integers(0, 2**32)))
    found: List[Tuple[str, Union[bytes, str]]] = []
    for number in range(draw(st.integers(4, 14))):
        long = "/".join([draw(st.sampled_from(["a", "dir", "\u00fc" * 30, "b" * 90]))] * draw(st.integers(1, 4)))
        name = "{}/{}".format(long, number)
        if found and draw(st.integers(0, 5)) == 0:
            found.append((name, found[draw(st.integers(0, len(found) - 1))][0]))
            continue
        size = draw(st.sampled_from([0, 1, 511, 512, 513, 5_000, 60_000, 300_000, 900_000]))
        found.append((name, draw(st.sampled_from(layers.BODIES))(chance, size)))
    return found


@settings(max_examples=25, deadline=None)
@given(members(), st.sampled_from(sorted(SHAPES)), st.sampled_from([tarfile.GNU_FORMAT, tarfile.PAX_FORMAT]), st.data())
def test_a_recalled_file_is_what_tarfile_reads(
    content: List[Tuple[str, Union[bytes, str]]], shape: str, form: int, data: st.DataObject
) -> None:
    tar = archive(content, form)
    with small_steps(), mock.patch("layerslayer.layers.recall.LEAD", 24 * KIB):
        memory = Memory(tar, SHAPES[shape](tar), ahead=32 * KIB)
        for offset, body in memory.bodies.items():
            got = memory.fetch(offset)
            assert got.bodies == {offset: body} and got.report.problem is None
            assert got.report.checked == 1 and got.report.complete and not got.report.verified
        some = data.draw(st.lists(st.sampled_from(sorted(memory.bodies) or [0]), unique=True))
        if some and memory.bodies:
            assert memory.fetch(*some).bodies == {offset: memory.bodies[offset] for offset in some}


@pytest.fixture(scope="module")
def content() -> bytes:
    chance = random.Random(7)
    files = [
        ("{}/{}".format(number, "n" * (number % 120)), (words, words, noise)[number % 3](chance, 30_000))
        for number in range(400)
    ]
    return archive(files)  # type: ignore[arg-type]


@pytest.mark.parametrize("shape", sorted(set(SHAPES) - {"frames"}))
def test_one_range_of_a_few_hundred_kilobytes_is_enough(content: bytes, shape: str) -> None:
    memory = Memory(content, SHAPES[shape](content))
    far = [offset for offset in memory.bodies if offset > len(content) * 0.6][::9]
    for offset in far:
        before = len(memory.source.ranges)
        got = memory.fetch(offset)
        assert got.bodies == {offset: memory.bodies[offset]} and got.told == []
        assert len(memory.source.ranges) - before <= 2
        assert got.report.bytes_read < 1000 * KIB
    assert memory.source.wholes == 0 and len(memory.source.ranges) < 1.3 * len(far)


def test_frames_are_begun_at(content: bytes) -> None:
    pytest.importorskip("zstandard")
    memory = Memory(content, SHAPES["frames"](content))
    last = max(memory.bodies)
    assert memory.fetch(last).bodies == {last: memory.bodies[last]}
    assert len(memory.source.ranges) == 1 and memory.source.ranges[0] < 300 * KIB


@pytest.mark.parametrize("engine", ["isal", "zlib"])
def test_points_are_right_to_a_few_bytes(content: bytes, engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if engine == "zlib":
        monkeypatch.setattr(decompress, "gzip_member", decompress._ZlibMember)
        monkeypatch.setattr(decompress, "_inflate_errors", (zlib.error,))
    elif decompress.igzip is None:
        pytest.skip("isal is not installed")
    blob = deflated(content, 6)
    points = Memory(content, blob).points
    assert len(points) > 20 and points.windows > 3
    inflated = zlib.decompressobj(31)
    at = come = 0
    for stored, tar in zip(points.stored, points.tar):
        come += len(inflated.decompress(blob[at:stored]))
        at = stored
        assert 0 <= come - tar <= 258
        if points.before(tar, windows=True).stored == stored:
            assert points.window(Point(stored, tar)) == content[tar - 32 * KIB : tar]


def test_neighbours_share_a_range_and_far_ones_do_not(content: bytes) -> None:
    memory = Memory(content, deflated(content, 6))
    offsets = sorted(memory.bodies)
    near = offsets[200:205]
    assert set(memory.fetch(*near).bodies) == set(near)
    assert len(memory.source.ranges) == 1
    apart = [offsets[150], offsets[151], offsets[350]]
    assert set(memory.fetch(*apart).bodies) == set(apart)
    assert len(memory.source.ranges) == 3 and memory.source.wholes == 0


def test_where_ranges_cost_half_of_the_layer_it_is_read(content: bytes) -> None:
    memory = Memory(content, deflated(content, 6))
    got = memory.fetch(*memory.bodies)
    assert got.bodies == memory.bodies and got.report.checked == len(memory.bodies)
    assert (memory.source.ranges, memory.source.wholes) == ([], 1)


def test_an_empty_file_costs_nothing() -> None:
    memory = Memory(*[archive([("empty", b""), ("more", noise(random.Random(1), 900_000))])] * 2)
    offset = min(memory.bodies)
    assert memory.fetch(offset).bodies == {offset: b""}
    assert memory.source.requests_made() == 0


@pytest.mark.parametrize(
    "error", [RangeIgnored("it answered 200.", "", 200), NotFound("gone."), CorruptLayer("gzip", 0, "no")]
)
def test_without_ranges_the_layer_is_read_and_checked(content: bytes, error: Exception) -> None:
    memory = Memory(content, deflated(content, 6))
    memory.source.serve = refuse(error)  # type: ignore[arg-type]
    last = max(memory.bodies)
    got = memory.fetch(last)
    assert got.bodies == {last: memory.bodies[last]} and memory.source.wholes == 1
    assert len(got.told) == 1 and "read from its beginning" in got.told[0]
    assert got.report.notes and got.report.checked == 1


def test_a_lost_line_is_no_reason_to_read_it_all(content: bytes) -> None:
    memory = Memory(content, deflated(content, 6))
    memory.source.serve = refuse(Unreachable("no answer."))
    got = memory.fetch(max(memory.bodies))
    assert isinstance(got.report.problem, Unreachable) and not got.report.complete
    assert (got.bodies, memory.source.wholes) == ({}, 0)


@pytest.mark.parametrize("shape", ["level 6", "stored", "no compression", "frames"])
def test_other_bytes_are_never_given(content: bytes, shape: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that sends other parts, and perhaps another whole."""
    monkeypatch.setattr("layerslayer.layers.recall.FURTHER", 96 * KIB)
    memory = Memory(content, SHAPES[shape](content))
    chance = random.Random(3)
    far = sorted(memory.bodies)[-60:]
    lies = 0
    for _ in range(12):
        kind = chance.randrange(4)

        def lie(data: bytes, kind: int = kind) -> bytes:
            if kind == 0:  # a byte changed somewhere
                at = chance.randrange(len(data))
                return data[:at] + bytes([data[at] ^ 1 << chance.randrange(8)]) + data[at + 1 :]
            if kind == 1:
                return data[: chance.randrange(len(data))]
            if kind == 2:
                return noise(chance, len(data))
            return data[512:] + data[:512]

        memory.source.serve = lambda start, data: lie(data)
        memory.source.serve_whole = lie
        offset = chance.choice(far)
        got = memory.fetch(offset)
        assert got.bodies in ({}, {offset: memory.bodies[offset]})
        assert bool(got.bodies) == (got.report.problem is None)
        lies += not got.bodies
        memory.source.serve_whole = lambda data: data
        got = memory.fetch(offset)
        assert got.bodies == {offset: memory.bodies[offset]} and got.report.complete
    assert lies


def test_another_file_at_its_place_is_not_taken_for_it(content: bytes) -> None:
    """The same bytes under another name: the header is held against what is known, too."""
    memory = Memory(content, content)
    offset = sorted(memory.bodies)[300]
    entry = memory.files[offset]._replace(mtime=1)
    memory.known.entries[memory.known.entries.index(memory.files[offset])] = entry
    got = memory.fetch(offset)
    assert got.bodies == {} and "another file" in str(got.report.problem)


def test_spans_begin_at_a_point_with_a_window() -> None:
    points = Points()
    for number in range(1, 9):
        points.add(Point(100_000 * number, 300_000 * number))
        if number % 4 == 0:
            points.add_window(bytes(32 * KIB))
    assert points.before(1_700_000, windows=True) == Point(400_000, 1_200_000)
    assert points.before(1_700_000, windows=False) == Point(500_000, 1_500_000)
    assert points.before(1_199_999, windows=True) == Point(0, 0)
    assert points.after(1_700_000) == 600_000 and points.after(2_400_001) is None
    layer = range_plan.Remembered("gzip", 900_000, points)
    assert range_plan._span_of(layer, range_plan.Wanted(_entry(1_700_000), b"", 1_700_001), 50_000)[:2] == (
        350_000,
        600_064,
    )


def _entry(offset: int):  # type: ignore[no-untyped-def]
    from ..support.caches import entry

    return entry("a", offset=offset)
