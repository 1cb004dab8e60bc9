"""What headers of frames and blocks say, held against the library that writes them."""

from __future__ import annotations

import random
from typing import Any

import pytest

from layerslayer.errors import CorruptLayer
from layerslayer.formats.zstd.frames import MAX_BLOCK, FrameCutter, block_header, frame_header

from ...support.frames_writer import SKIPPABLE, blocks_of, frame
from ...support.leap_layers import noise

zstandard: Any = pytest.importorskip("zstandard")


@pytest.mark.parametrize("sized", [True, False])
@pytest.mark.parametrize("checksum", [True, False])
@pytest.mark.parametrize("size", [0, 1, 255, 256, 65535, 65791, 65792, 300_000])
def test_headers(size: int, sized: bool, checksum: bool) -> None:
    made = frame(b"ab" * (size // 2) + b"c" * (size % 2), sized, checksum)
    header = frame_header(made)
    assert header is not None and header.checksum == (4 if checksum else 0)
    assert header.length == zstandard.frame_header_size(made)
    assert header.content == (size if sized else None)
    assert [frame_header(made[:short]) for short in range(header.length)] == [None] * header.length
    assert len(blocks_of(made)) == max(1, -(-size // MAX_BLOCK))


def test_a_large_content_size_and_a_dictionary() -> None:
    head = b"\x28\xb5\x2f\xfd" + bytes((0b11000011,)) + b"\x50" + b"\1\2\3\4" + (5 * 2**32).to_bytes(8, "little")
    header = frame_header(head)
    assert header is not None and (header.length, header.content) == (18, 5 * 2**32)


def test_blocks() -> None:
    assert block_header((5 << 3 | 1).to_bytes(3, "little"), 0) == (True, 8)
    assert block_header((99 << 3 | 1 << 1).to_bytes(3, "little"), 0) == (False, 4)  # one byte, repeated
    with pytest.raises(CorruptLayer, match=r"offset 77.*reserved"):
        block_header(b"\x06\x00\x00", 77)


def test_a_cutter_knows_what_comes_next() -> None:
    """At every moment: where the next block's header is, or, once the last one is known, the next frame."""
    made = frame(noise(random.Random(1), 400_000), checksum=True)
    lengths, blob = blocks_of(made), SKIPPABLE + made + made
    begin = len(SKIPPABLE) + len(made) - sum(lengths) - 4
    starts = [begin + sum(lengths[:number]) for number in range(len(lengths))]
    for fed in range(0, len(SKIPPABLE) + len(made), 9973):
        cutter = FrameCutter(1000)
        list(cutter.feed(blob[:fed]))
        coming = [start for start in starts if start + 3 > fed]
        if fed <= len(SKIPPABLE):
            continue
        if coming:
            assert (cutter.next_block, cutter.next_frame) == (1000 + coming[0], None)
        else:
            assert (cutter.next_block, cutter.next_frame) == (None, 1000 + len(SKIPPABLE) + len(made))
    assert cutter.frame_start == 1000 + len(SKIPPABLE)
