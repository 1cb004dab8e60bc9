"""Leaping in zstd layers of several frames, held against the full reading; and never more bytes than the layer has."""

from __future__ import annotations

import functools
import io
import random
import struct
from typing import Any, BinaryIO, Callable, Dict, List, Optional

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from layerslayer.errors import CorruptLayer, LayerslayerError
from layerslayer.formats.entry import Entry
from layerslayer.layers.leap.range_fetcher import Fetcher
from layerslayer.layers.leap.throughput import Throughput
from layerslayer.layers.leap.zstd_walk import NoFrames, ZstdWalk
from layerslayer.limits import LimitReached

from ...support.frames_writer import SKIPPABLE, Sizes, cut, frame, framed, seek_table, seekable
from ...support.leap_layers import noise, tar, text
from ...support.leap_walks import Plain, descriptor_of, program
from ...support.tars import END, header, member, walk

zstandard: Any = pytest.importorskip("zstandard")

SMALL = b"".join(member(b"d/%d" % number, b"body %d" % number * 40) for number in range(40))


@functools.lru_cache(maxsize=None)
def plain() -> bytes:
    """A layer's tar: two large bodies that hardly compress, one that does, small files around them."""
    source = random.Random(1)
    bodies = noise(source, 2_000_000), text(source, 3_000_000), program(1, 1_500_000)
    large = b"".join(SMALL + member(b"large%d" % number, body) for number, body in enumerate(bodies))
    return large + SMALL + END


class Leapt:
    """What is made of a layer."""

    def __init__(self, blob: bytes) -> None:
        def part(start: int, length: int) -> BinaryIO:
            assert start >= 0 and length > 0 and start + length <= len(blob)
            return io.BytesIO(blob[start : start + length])

        throughput = Throughput()
        throughput.latency = 0.0  # however slow this machine is
        self.fetcher = Fetcher(part, len(blob), throughput)
        self.walk = ZstdWalk(descriptor_of(blob), self.fetcher)
        self.entries: List[Entry] = []
        self.error: Optional[LayerslayerError] = None
        self.none: Optional[NoFrames] = None
        try:
            for batch in self.walk.run():
                self.entries += batch
        except NoFrames as none:
            self.none = none
        except LayerslayerError as error:
            self.error = error
        with self.fetcher._changed:  # what was asked for and is not needed may still be on its way
            assert self.fetcher._changed.wait_for(lambda: not self.fetcher._coming, 60)
        assert self.fetcher.spent == self.fetcher.distinct <= len(blob)


def compared(blob: bytes) -> Leapt:
    """Leap through a layer; it must say what a full reading says."""
    full, leapt = Plain(blob), Leapt(blob)
    if leapt.none:
        assert not leapt.entries
    elif leapt.error:
        assert full.report.problem is not None
    else:
        assert full.report.problem is None and leapt.entries == full.entries
        assert leapt.walk.last.position == full.report.uncompressed
        assert leapt.walk.verifier.verified == leapt.walk.whole
    return leapt


@pytest.mark.parametrize("step", [20_000, 131_072, 300_001, 1 << 20])
@pytest.mark.parametrize("checksums", [False, True])
def test_a_seek_table(step: int, checksums: bool) -> None:
    blob = seekable(plain(), step, checksums)
    leapt = compared(blob)
    assert leapt.walk.leaps >= 2 and not leapt.walk.whole and leapt.walk.notes == []
    assert leapt.fetcher.spent < (0.3 if step < 1 << 20 else 0.7) * len(blob)


def test_frames_that_do_not_state_their_size_are_known_by_the_table() -> None:
    frames, sizes = framed(cut(plain(), 200_000), sized=False)
    leapt = compared(frames + seek_table(sizes))
    assert leapt.walk.leaps == 3 and leapt.fetcher.spent < 0.3 * len(frames)


@pytest.mark.parametrize("checksum", [False, True])
def test_no_table(checksum: bool) -> None:
    """Hopping from block to block over what does not compress."""
    blob, _ = framed(cut(plain(), 300_000), checksum=checksum)
    leapt = compared(blob)
    assert leapt.walk.leaps and leapt.fetcher.spent < 0.7 * len(blob) and leapt.walk.notes == []


@pytest.mark.parametrize("step", [3000, 7001, 131_072])
def test_headers_that_are_cut_where_a_reading_ends(step: int) -> None:
    """They are not asked for again (which every test here looks at)."""
    compared(framed(cut(tar(random.Random(12469), 600_000) + plain(), step))[0])


def test_skippable_frames_in_between() -> None:
    frames = [frame(part) for part in cut(plain(), 300_000)]
    leapt = compared(SKIPPABLE + b"".join(made + SKIPPABLE * (number % 3) for number, made in enumerate(frames)))
    assert leapt.walk.leaps and leapt.fetcher.spent < 0.7 * len(b"".join(frames))
    sizes: List[Sizes] = []
    for part, made in zip(cut(plain(), 300_000), frames):
        sizes += [(len(SKIPPABLE), 0), (len(made), len(part))]
    leapt = compared(b"".join(SKIPPABLE + made for made in frames) + seek_table(sizes))
    assert leapt.walk.leaps == 3 and leapt.walk.notes == []


def test_skippable_frames_without_end_cost_few_requests() -> None:
    frames = [frame(part) for part in cut(plain(), 300_000)]
    blob = b"".join(frames[:4]) + b"\x50\x2a\x4d\x18\0\0\0\0" * 20_000 + b"".join(frames[4:])
    leapt = compared(blob)
    assert leapt.fetcher.requests < len(blob) // (128 * 1024) * 4 + 200


@pytest.mark.parametrize("blob", [
    frame(plain()), frame(plain(), sized=False), framed(cut(plain(), 300_000), sized=False)[0],
    SKIPPABLE * 17 + seekable(plain(), 300_000)[:100_000], b"\x1f\x8b\x08" + bytes(200_000), bytes(200_000),
], ids=["one frame", "one stream", "no sizes", "skippable", "gzip", "a tar"])  # fmt: skip
def test_nothing_to_leap_in(blob: bytes) -> None:
    """It is told by the first bytes, and the last nine."""
    leapt = Leapt(blob)
    assert leapt.none is not None and leapt.none.why == "" and leapt.fetcher.requests <= 4
    zstd = blob[:4] == b"\x28\xb5\x2f\xfd" or blob[1:4] == b"\x2a\x4d\x18"
    assert leapt.none.head == (blob[: 128 * 1024] if zstd else b"")


def test_where_waiting_costs_more_than_a_block_nothing_is_hopped_over() -> None:
    blob, _ = framed(cut(plain(), 300_000))
    throughput = Throughput()  # as it is before anything is known: 50 ms
    walk_ = ZstdWalk(
        descriptor_of(blob), Fetcher(lambda start, length: io.BytesIO(blob[start:][:length]), 1, throughput)
    )
    assert walk_._frame_map.least > 128 * 1024


def test_no_binding(monkeypatch: pytest.MonkeyPatch) -> None:
    blob = seekable(plain(), 300_000)
    monkeypatch.setitem(__import__("sys").modules, "zstandard", None)
    leapt = Leapt(blob)
    assert leapt.none is not None and leapt.none.head == blob[: 128 * 1024]


def test_bodies_that_end_with_frames_and_with_the_layer() -> None:
    body = noise(random.Random(2), 1_000_000 - 512 - 64)
    one = header(b"a", b"%011o\0" % len(body)) + body + bytes(64)  # 1 000 000 bytes, 64 of them padding
    assert len(one) % 512 == 64
    one = member(b"a", body)
    blob = seekable(one * 3, len(one))
    assert compared(blob).entries == walk(one * 3)
    leapt = compared(seekable(one, 100_000))  # no end marker: all after the first frames is passed over
    assert leapt.walk.leaps == 1 and leapt.fetcher.spent < 0.3 * len(body)


def test_what_comes_after_the_end_marker_is_read() -> None:
    leapt = compared(seekable(plain() + SMALL + END, 300_000))
    assert leapt.walk.whole and leapt.walk.last.walker.hidden == 40
    assert leapt.walk.notes == ["read in full after all: an archive ends before the layer does"]


def table_of(data: bytes, step: int, change: Callable[[List[Sizes]], object]) -> bytes:
    """Return a layer whose seek table was changed."""
    frames, sizes = framed(cut(data, step))
    change(sizes)
    return frames + seek_table(sizes)


def moved(number: int, stored: int, tar_: int, other: int) -> Callable[[List[Sizes]], object]:
    def change(sizes: List[Sizes]) -> None:
        for at, by in ((number, 1), (other, -1)):
            sizes[at] = sizes[at][0] + by * stored, sizes[at][1] + by * tar_

    return change


LIES: Dict[str, Callable[[List[Sizes]], object]] = {
    "a frame passed over holds more": moved(3, 0, 512, -1),
    "a frame passed over holds less": moved(3, 0, -512, -1),
    "one file less": moved(3, 0, -1024, 10),
    "many files less": moved(3, 0, -1024 * 17, 10),
    "files less, and more in the next gap": moved(3, 0, -4096, 12),
    "one holds what another does": moved(3, 0, 1000, 12),
    "all hold more": lambda sizes: sizes.__setitem__(slice(None), [(size, out + 512) for size, out in sizes]),
    "the first holds nothing": moved(0, 0, -300_000, 1),
    "a frame begins elsewhere": moved(1, 700, 0, 9),
    "one that is read begins elsewhere": moved(5, 1, 0, 6),
    "two are one": lambda sizes: sizes.__setitem__(slice(3, 5), [(sizes[3][0] + sizes[4][0], 600_000)]),
    "in another order": lambda sizes: sizes.reverse(),
    "the last holds more": moved(-1, 0, 512, 3),
}


def test_a_tar_that_a_body_ends_with() -> None:
    """It is a body all the same; without an end marker nobody can tell."""
    body = noise(random.Random(4), 1_000_000 // 512 * 512)
    for end, whole in ((END, False), (b"", True)):
        leapt = compared(seekable(member(b"a.tar", body + SMALL + end) + SMALL + END, 300_000))
        assert leapt.walk.whole == whole and len(leapt.entries) == 41


@pytest.mark.parametrize("lie", LIES)
def test_tables_that_lie(lie: str) -> None:
    """The exact listing, verified and with a word, unless all that was read is where the table says."""
    leapt = compared(table_of(plain(), 300_000, LIES[lie]))
    assert leapt.error is None
    if leapt.walk.whole:
        assert leapt.walk.notes[0].startswith("read in full after all: ") and len(leapt.walk.notes) == 1
        assert leapt.walk.verifier.verified and leapt.fetcher.spent == leapt.fetcher.size
    else:
        assert lie in ("two are one", "the first holds nothing")  # true of the places that count


def test_a_table_that_is_not_used_is_a_word() -> None:
    leapt = Leapt(table_of(plain(), 300_000, lambda sizes: sizes.pop()))
    assert leapt.none is not None and leapt.none.why.startswith("its seek table is not used: the frames")


def test_frames_that_lie_about_what_they_hold() -> None:
    """No library unpacks them, and so does no full reading."""
    frames = [frame(part) for part in cut(plain(), 300_000)]
    assert struct.unpack_from("<I", frames[3], 5) == (300_000,)
    for by, problem in ((-512, CorruptLayer), (512, CorruptLayer), (2**31, LimitReached)):  # its size is its window
        lying = frames[3][:5] + struct.pack("<I", 300_000 + by) + frames[3][9:]
        assert isinstance(compared(b"".join([*frames[:3], lying, *frames[4:]])).error, problem)


@pytest.mark.parametrize("part", [1, 3, 6, 9])
def test_a_layer_that_breaks_off(part: int) -> None:
    blob, _ = framed(cut(plain(), 300_000))
    assert compared(blob[: len(blob) * part // 10]).error is not None


def test_frames_of_a_dictionary() -> None:
    """Not to be unpacked without it: an error, and not passed over in silence where they are read."""
    words = zstandard.ZstdCompressionDict(text(random.Random(5), 50_000))
    engine = zstandard.ZstdCompressor(dict_data=words)
    frames = [bytes(engine.compress(part)) for part in cut(plain(), 300_000)]
    sizes = [(len(made), len(part)) for made, part in zip(frames, cut(plain(), 300_000))]
    assert compared(b"".join(frames) + seek_table(sizes)).error is not None


def test_files_that_were_missed_are_seen_before_a_landing() -> None:
    leapt = compared(table_of(plain(), 300_000, LIES["files less, and more in the next gap"]))
    assert leapt.walk.notes == ["read in full after all: files stand where its frames are said to hold none"]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.lists(st.integers(1000, 400_000), min_size=1, max_size=30), st.data())
def test_any_split(seed: int, steps: List[int], data: st.DataObject) -> None:
    source = random.Random(seed)
    parts: List[bytes] = []
    whole, at = tar(source, 600_000), 0
    while at < len(whole):
        parts.append(whole[at : at + steps[len(parts) % len(steps)]])
        at += len(parts[-1])
    frames, sizes, blob = [], [], b""
    between = data.draw(st.booleans())
    for part in parts:
        if between and source.random() < 0.3:
            sizes.append((len(SKIPPABLE), 0))
            blob += SKIPPABLE
        frames.append(frame(part, source.random() < 0.8, source.random() < 0.5))
        sizes.append((len(frames[-1]), len(part)))
        blob += frames[-1]
    compared(blob + seek_table(sizes) if data.draw(st.booleans()) else blob)


@settings(max_examples=80, deadline=None, derandomize=True)
@given(st.integers(0, 21), st.integers(0, 21), st.integers(-(2**31), 2**31), st.integers(-300_000, 300_000))
def test_any_lie(number: int, other: int, stored: int, tar_: int) -> None:
    """Of a table whose sums hold: found out, or harmless."""

    def change(sizes: List[Sizes]) -> None:
        for at, by in ((number % len(sizes), 1), (other % len(sizes), -1)):
            sizes[at] = (sizes[at][0] + by * stored) % 2**32, (sizes[at][1] + by * tar_) % 2**32

    frames, sizes = _framed()
    sizes = list(sizes)
    change(sizes)
    compared(frames + seek_table(sizes))


@functools.lru_cache(maxsize=None)
def _framed() -> Any:
    return framed(cut(plain(), 300_000))
