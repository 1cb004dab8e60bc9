"""Seek tables: what they say is had exactly, and what cannot be true is refused in a sentence."""

from __future__ import annotations

import io
import struct
from typing import List, Optional

import pytest

from layerslayer.errors import CorruptLayer
from layerslayer.layers.leap.range_fetcher import Fetcher
from layerslayer.layers.leap.zstd_seek_table import Place, SeekTable, find
from layerslayer.limits import Limits

from ...support.frames_writer import Sizes, seek_table

SIZES: List[Sizes] = [(1000, 5000), (20, 0), (3000, 3000), (500, 512), (1000, 9000)]


def fetched(blob: bytes) -> Fetcher:
    def part(start: int, length: int) -> io.BytesIO:
        assert start >= 0 and length > 0 and start + length <= len(blob)
        return io.BytesIO(blob[start : start + length])

    return Fetcher(part, len(blob))


def found(blob: bytes) -> Optional[SeekTable]:
    return find(fetched(blob))


@pytest.mark.parametrize("checksums", [False, True])
def test_places(checksums: bool) -> None:
    table = found(bytes(5520) + seek_table(SIZES, checksums))
    assert table is not None and table.end == (5520, 17512)
    assert [table.has(Place(*place)) for place in ((0, 0), (1000, 5000), (1020, 5000), (4020, 8000))] == [True] * 4
    assert not table.has(Place(1000, 4999)) and not table.has(Place(1, 0)) and not table.has(Place(9999, 17512))
    assert table.before(0) == (0, 0) and table.before(4999) == (0, 0)
    assert table.before(5000) == (1020, 5000)  # past the one of nothing
    assert table.before(8511) == (4020, 8000) and table.before(8512) == (4520, 8512)
    assert table.before(17512) == (5520, 17512) and table.before(17513) is None
    assert [table.stored_for(at) for at in (0, 2500, 6500, 17512, 10**6)] == [0, 500, 2520, 5520, 5520]


@pytest.mark.parametrize("blob", [b"", b"a", bytes(8), bytes(9), bytes(10000)])
def test_there_is_none(blob: bytes) -> None:
    assert found(blob) is None


def footer(count: int, flags: int = 0) -> bytes:
    return struct.pack("<IBI", count, flags, 0x8F92EAB1)


HOSTILE = {
    "no frames": bytes(5520) + seek_table([]),
    "more frames than bytes": bytes(5520) + footer(2**32 - 1),
    "more frames than there can be": bytes(5520) + footer(600),
    "reserved bits": bytes(5520) + seek_table(SIZES)[:-9] + footer(5, 0x04),
    "another count": bytes(5520) + seek_table(SIZES)[:-9] + footer(4),
    "no header": bytes(5520) + b"\0" + seek_table(SIZES)[1:],
    "another length": bytes(5520) + seek_table(SIZES)[:4] + b"\1\1" + seek_table(SIZES)[6:],
    "frames shorter than the layer": bytes(5521) + seek_table(SIZES),
    "frames longer than the layer": bytes(5519) + seek_table(SIZES),
    "a frame of no bytes": bytes(5520) + seek_table([*SIZES, (0, 0)]),
    "all the layer, and one more": bytes(5520) + seek_table([(2**32 - 1, 0), *SIZES]),
    "an overflow": bytes(5520) + seek_table([(2**32 - 1, 0), (5521, 0)]),
    "more than a frame can hold": bytes(5520) + seek_table([(20, 2**32 - 1), (5500, 100)]),
    "mostly table": bytes(5520) + seek_table([(10, 10)] * 552),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_what_cannot_be_true(kind: str) -> None:
    with pytest.raises(CorruptLayer, match="seek table"):
        found(HOSTILE[kind])


def test_a_table_of_millions_is_not_even_fetched() -> None:
    fetcher = fetched(bytes(5520) + seek_table(SIZES))
    with pytest.raises(CorruptLayer, match="5 frames is not worth having"):
        find(fetcher, Limits(frames=4))
    assert fetcher.spent == 9
    assert find(fetcher, Limits(frames=5)) is not None
