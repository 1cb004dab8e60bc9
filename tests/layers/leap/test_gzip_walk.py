"""Random layers that are hard to leap in: never another listing than the full one, never more bytes."""

from __future__ import annotations

import functools
import io
import random
import struct
import zlib
from typing import BinaryIO, FrozenSet, List

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from layerslayer.errors import BudgetSpent
from layerslayer.layers.leap import probe
from layerslayer.layers.leap.gzip_walk import GzipWalk, NotGzip
from layerslayer.layers.leap.range_fetcher import Fetcher
from layerslayer.layers.leap.settings import Settings

from ...support.leap_layers import COMPRESSORS, SMALL, layer, noise, skewed
from ...support.leap_walks import Leapt, Plain, Slow, compared, descriptor_of, program
from ...support.tars import END, member, walk

SEEDS = range(138, 160)


@functools.lru_cache(maxsize=None)
def happened_in(seed: int) -> FrozenSet[str]:
    """Compare the readings of a layer; return what happened."""
    walk = compared(layer(seed, 1_500_000, 6_000_000)[1], SMALL).walk
    return frozenset(("whole" if walk.whole else "gaps", *(["leaps"] if walk.leaps else [])))


@pytest.mark.parametrize("seed", SEEDS)
def test_hard_layers(seed: int) -> None:
    happened_in(seed)


def test_they_were_hard_enough() -> None:
    """Some were leapt in, with success and without."""
    assert frozenset().union(*map(happened_in, SEEDS)) == {"leaps", "whole", "gaps"}


@settings(max_examples=15)
@given(st.integers(0, 2**32), st.sampled_from((0, 3_000, 20_000, 150_000)))
def test_any_hard_layer(seed: int, in_flight: int) -> None:
    compared(layer(seed)[1], SMALL, Slow(in_flight))


@pytest.mark.parametrize("in_flight", [10_000, 40_000])
@pytest.mark.parametrize("seed", SEEDS[:6])
def test_hard_layers_on_a_slow_line(seed: int, in_flight: int) -> None:
    compared(layer(seed, 1_500_000, 6_000_000)[1], SMALL, Slow(in_flight))


LARGE = member(b"first", b"1") + member(b"large", program(1, 6_000_000)) + member(b"a")
LARGE += member(b"b", noise(random.Random(2), 900_000))
SOUND = COMPRESSORS["level 6"](LARGE + END)


def test_a_sound_layer_costs_little() -> None:
    found = compared(SOUND)
    assert found.walk.leaps and not found.walk.whole and found.share < 0.8


@functools.lru_cache(maxsize=None)
def three_large() -> bytes:
    body = skewed(random.Random(3), 900_000) * 14
    return COMPRESSORS["level 1"](b"".join(member(b"%d" % number, body) for number in range(3)) + END)


@pytest.mark.parametrize("settings", [Settings(), SMALL])
def test_a_layer_without_a_block_to_be_found(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Little is searched in vain, however many bodies seem to be worth a leap; then the layer is read as it is."""
    lengths: List[int] = []

    def nothing(piece: bytes, searched: int = 0, **_: object) -> None:
        lengths.append(len(piece) - searched)

    monkeypatch.setattr(probe, "find_boundary", nothing)  # as in one endless block, or in fixed ones
    found = compared(three_large(), settings)
    assert found.walk.whole and found.walk.verifier.verified
    assert settings.piece <= sum(lengths) <= 70_000  # for each of which 200 could have been read


SMALL_FILES = b"".join(member(b"%d" % number, noise(random.Random(number), 4000)) for number in range(1500))


def test_what_hardly_saves_anything_is_made_good() -> None:
    """The whole layer and its digest, rather than nine tenths of it and a guess."""
    found = compared(COMPRESSORS["level 6"](SMALL_FILES + member(b"large", program(4, 700_000)) + END), SMALL)
    assert found.walk.leaps and found.walk.whole and found.walk.verifier.verified and found.share == 1


def test_a_budget_that_has_no_room_for_that_is_kept_to() -> None:
    """The listing was proved before; it is not given up."""
    blob = COMPRESSORS["level 6"](SMALL_FILES + member(b"large", program(4, 700_000)) + END)
    left = len(blob) - 1

    def part(start: int, length: int) -> BinaryIO:
        nonlocal left
        if length > left:
            raise BudgetSpent("spent")
        left -= length
        return io.BytesIO(blob[start : start + length])

    walk = GzipWalk(descriptor_of(blob), Fetcher(part, len(blob)), SMALL)
    assert [entry for batch in walk.run() for entry in batch] == Plain(blob).entries
    assert walk.proved and walk.leaps and not walk.verifier.verified


def test_not_where_the_disk_has_not_kept_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    """No byte is asked for twice for that."""
    monkeypatch.setattr(Fetcher, "keeps", False)
    found = compared(COMPRESSORS["level 6"](SMALL_FILES + member(b"large", program(4, 700_000)) + END), SMALL)
    assert found.walk.leaps and not found.walk.whole and found.share < 1


@pytest.mark.parametrize("part", range(1, 40, 3))
def test_a_layer_that_breaks_off(part: int) -> None:
    """An error, as a full reading has it; never a listing that seems complete."""
    found = compared(SOUND[: len(SOUND) * part // 40], SMALL)
    assert found.error is not None and not found.walk.proved


@pytest.mark.parametrize("off", [1, -1, 512, -512, 1024, -1536, 2**31, 10**6])
@pytest.mark.parametrize("settings", [Settings(), SMALL])
def test_a_trailer_that_states_another_length(settings: Settings, off: int) -> None:
    """All is read then, and it is an error, as for a full reading: not even of all the bytes is it said to add up."""
    stated = struct.unpack("<I", SOUND[-4:])[0]
    found = compared(SOUND[:-4] + struct.pack("<I", (stated + off) % 2**32), settings)
    assert found.error is not None and "states" in str(found.error) and not found.walk.proved
    assert found.walk.leaps and found.walk.whole


@pytest.mark.parametrize("seed", range(6))
def test_damage_where_it_was_read_is_seen_or_changes_nothing_of_the_structure(seed: int) -> None:
    """A listing with gaps cannot be checked against the digest, but whatever it says adds up to the stated length."""
    source = random.Random(seed)
    at = source.randrange(20, len(SOUND) - 8)
    blob = SOUND[:at] + bytes((SOUND[at] ^ 1 << source.randrange(8),)) + SOUND[at + 1 :]
    found = Leapt(blob, SMALL)
    if found.error is None:
        names = [entry.name for entry in found.entries]
        assert [entry.offset for entry in found.entries] == [entry.offset for entry in walk(LARGE + END)], names
    else:
        assert Plain(blob).report.problem is not None


@pytest.mark.parametrize("blob", [b"", b"\x1f\x8b", b"\x28\xb5\x2f\xfd" + bytes(90), LARGE[:4000], bytes(5000)])
def test_what_is_no_gzip_is_said_to_be_none(blob: bytes) -> None:
    walk = GzipWalk(descriptor_of(blob), Fetcher(lambda start, length: io.BytesIO(blob[start:][:length]), len(blob)))
    with pytest.raises(NotGzip):
        next(walk.run())


def test_tiny_layers() -> None:
    for body in (b"", END, member(b"a") + END, member(b"a", b"b" * 2000)):
        engine = zlib.compressobj(6, zlib.DEFLATED, 31)
        found = compared(engine.compress(body) + engine.flush())
        assert found.error is None and found.walk.whole and found.walk.verifier.verified
