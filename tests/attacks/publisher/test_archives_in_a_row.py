"""``cat a.tar b.tar | gzip``: what stands behind the first archive's end is hidden to runtimes, and so it is told."""

from __future__ import annotations

import io
import random
import zlib

import pytest

from layerslayer.layers.leap.probe import Prober
from layerslayer.layers.leap.range_fetcher import Fetcher
from layerslayer.layers.leap.settings import Settings

from ...layers.leap.test_reader import Listed, Serving
from ...support.leap_walks import Plain, program
from ...support.tars import END, member


def in_a_row(number: int) -> bytes:
    """Two archives in one gzip member; a small file stands between two large ones of the second."""
    chance = random.Random(number)
    one = member(b"a", b"x" * 900) + member(b"lib1.so", program(2 * number + 1, chance.randrange(3_000_000, 6_000_000)))
    two = member(b"lib2.so", program(2 * number + 2, chance.randrange(300_000, 900_000)))
    two += member(b"etc/shadow", b"root:hidden\n") + member(b"lib3.so", program(2 * number + 3, 3_000_000))
    engine = zlib.compressobj(6, zlib.DEFLATED, 31)
    return engine.compress(one + END + two + member(b"c", b"x" * 900) + END) + engine.flush()


@pytest.mark.parametrize("number", range(3))
def test_what_the_second_archive_has_is_hidden(number: int) -> None:
    blob = in_a_row(number)
    listed, plain = Listed(Serving(blob)), Plain(blob)
    assert listed.entries == plain.entries
    assert [entry.name for entry in plain.entries if entry.hidden] == ["lib2.so", "etc/shadow", "lib3.so", "c"]
    assert listed.report.hidden == plain.report.hidden == 4


def test_the_search_for_a_block_ends_with_the_blob() -> None:
    """Of noise no piece has a block's beginning, and none can be longer than what is left."""
    blob = random.Random(1).getrandbits(8 * 300_000).to_bytes(300_000, "little")
    for left in (1, 1000, 35_460, 60_000):
        fetcher = Fetcher(lambda start, length: io.BytesIO(blob[start : start + length]), len(blob))
        assert Prober(fetcher, Settings()).boundary_from(len(blob) - left) is None
