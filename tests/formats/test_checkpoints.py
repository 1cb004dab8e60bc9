"""Points: in order, small, and refused where they are not what was packed."""

from __future__ import annotations

import random
import zlib
from typing import List

import pytest
from hypothesis import given
from hypothesis import strategies as st

from layerslayer.formats import checkpoints as room
from layerslayer.formats.checkpoints import Point, Points, Recorder, unpack_points

STEPS = st.lists(st.tuples(st.integers(1, 2**40), st.integers(0, 2**40), st.binary(max_size=40)), max_size=12)


def made(steps: list[tuple[int, int, bytes]]) -> Points:
    points = Points()
    stored = tar = 0
    for step, out, window in steps:
        stored, tar = stored + step, tar + out
        points.add(Point(stored, tar))
        if window:
            points.add_window(window)
    return points


@given(STEPS)
def test_points_come_back_as_they_were(steps: list[tuple[int, int, bytes]]) -> None:
    assert unpack_points(made(steps).pack()) == made(steps)


@given(STEPS, st.integers(0, 2000), st.binary(max_size=3))
def test_other_bytes_are_refused_or_read_but_never_break(
    steps: list[tuple[int, int, bytes]], at: int, new: bytes
) -> None:
    data = made(steps).pack()
    at = at % (len(data) + 1)
    for damaged in (data[:at], data[:at] + new + data[at + len(new) :], new):
        try:
            points = unpack_points(damaged)
            for stored, tar in zip(points.stored, points.tar):
                points.window(Point(stored, tar))
        except ValueError:
            pass


def test_a_bomb_in_place_of_points_is_not_unpacked() -> None:
    packed = zlib.compress(bytes(2**24))
    with pytest.raises(ValueError):
        unpack_points((2).to_bytes(4, "little") + len(packed).to_bytes(8, "little") + packed)
    points = made([(1, 1, b"x")])
    points._windows[0] = packed
    assert len(points.window(Point(1, 1))) == 32 * 1024


def test_a_recorder_holds_few_windows_and_the_right_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "_MOST_WINDOWS", 8 * 33_000)  # noise: none is compressed
    recorder, chance = Recorder(), random.Random(1)
    tar: List[bytes] = []
    for number in range(1, 300):
        for _ in range(chance.randint(1, 4)):
            tar.append(chance.getrandbits(8 * 30_000).to_bytes(30_000, "little"))
            recorder.came_out(tar[-1])
        recorder.passed(number * 128 * 1024, windows=True)
    points, whole = recorder.points, b"".join(tar)
    assert len(points) == 299 and 3 <= len(points._windows) <= 8
    assert points.windows == sum(map(len, points._windows.values()))
    assert recorder._held < 100_000
    for number in points._windows:
        end = points.tar[number]
        assert points.window(Point(points.stored[number], end)) == whole[end - 32 * 1024 : end]
    gaps = {later - earlier for earlier, later in zip(sorted(points._windows), sorted(points._windows)[1:])}
    assert max(gaps) <= 2 * min(gaps)  # spread evenly


def test_what_holds_something_back_is_no_point() -> None:
    recorder = Recorder()
    recorder.passed(10**6, windows=True)  # nothing came out
    recorder.came_out(bytes(10))
    recorder.passed(10, windows=True)  # too near
    assert len(recorder.points) == 0
