from __future__ import annotations

import io
from typing import List, Tuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from layerslayer.layers import spooled_file
from layerslayer.layers.spooled_file import TemporaryBytes


class Small(io.BytesIO):
    """A disk that takes a few bytes, and before it is full only a part of what is written at once."""

    room = 10

    def write(self, data: object) -> int:
        piece = bytes(data)[: min(3, self.room - self.tell())]  # type: ignore[call-overload]
        if not piece:
            raise OSError(28, "No space left on device")
        return super().write(piece)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> List[Small]:
    made: List[Small] = []

    def make(buffering: int) -> Small:
        assert buffering == 0  # else what the disk refuses shows later, and at any call
        made.append(Small())
        return made[-1]

    monkeypatch.setattr(spooled_file.tempfile, "TemporaryFile", make)
    return made


def test_what_the_disk_refuses_is_told_at_once_and_the_rest_stays(small: List[Small]) -> None:
    kept = TemporaryBytes(4)
    kept.write(0, b"abcd")
    assert not small
    kept.write(4, b"efgh")
    with pytest.raises(OSError):
        kept.write(8, b"ijkl")
    assert small and kept.read(0, 8) == b"abcdefgh"


def test_what_finds_no_room_stays_in_memory(small: List[Small]) -> None:
    kept = TemporaryBytes(20)
    kept.write(0, b"x" * 15)
    with pytest.raises(OSError):
        kept.leave_memory()
    assert small[0].closed and kept.read(0, 99) == b"x" * 15
    kept.write(15, b"yz")
    assert kept.read(14, 3) == b"xyz"


@given(st.lists(st.tuples(st.integers(0, 30), st.binary(max_size=20)), max_size=12), st.integers(0, 40))
def test_it_holds_what_was_written_last(written: List[Tuple[int, bytes]], most: int) -> None:
    kept, model = TemporaryBytes(most), bytearray()
    for place, data in written:
        place = min(place, len(model))
        kept.write(place, data)
        model[place : place + len(data)] = data
    assert kept.read(0, 99) == bytes(model) and kept.read(5, 7) == bytes(model[5:12])
    kept.close()
