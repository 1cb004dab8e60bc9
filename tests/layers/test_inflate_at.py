"""Inflating from any block boundary: every phase of a byte, every kind of block."""

from __future__ import annotations

import random
import zlib
from typing import Dict, List, Set, Tuple

import pytest

from layerslayer.layers.inflate_at import WINDOW, inflate_at

from .deflate_blocks import DYNAMIC, FIXED, STORED, Block, blocks

_RANDOM = random.Random(7)
WORDS = ["usr", "lib", "bin", "share", "python3", "locale", "0644", "root", "x86_64-linux-gnu", ".so.6", "\n", "\t"]
TEXT = " ".join(_RANDOM.choice(WORDS) for _ in range(24_000)).encode()
NOISE = bytes(_RANDOM.randrange(256) for _ in range(20_000))
MIXED = b"".join(TEXT[at : at + 3000] + NOISE[at // 4 : at // 4 + 700] for at in range(0, 60_000, 3000))


def deflated(data: bytes, level: int = 9, memory: int = 1, strategy: int = 0, flush: int = zlib.Z_NO_FLUSH) -> bytes:
    """Return a raw stream; with ``memory`` 1 a block has 128 symbols."""
    engine = zlib.compressobj(level, zlib.DEFLATED, -15, memory, strategy)
    if flush == zlib.Z_NO_FLUSH:
        return engine.compress(data) + engine.flush()
    pieces = [engine.compress(data[at : at + 999]) + engine.flush(flush) for at in range(0, len(data), 999)]
    return b"".join(pieces) + engine.flush()


STREAMS: Dict[str, Tuple[bytes, bytes]] = {
    "text": (TEXT, deflated(TEXT)),
    "fixed codes": (TEXT[:40_000], deflated(TEXT[:40_000], strategy=zlib.Z_FIXED)),
    "no matches": (TEXT[:30_000], deflated(TEXT[:30_000], strategy=zlib.Z_HUFFMAN_ONLY)),
    "text and noise": (MIXED, deflated(MIXED)),
    "stored": (TEXT, deflated(TEXT, level=0)),
    "flushed": (MIXED, deflated(MIXED, flush=zlib.Z_SYNC_FLUSH)),
    "emptied": (MIXED, deflated(MIXED, flush=zlib.Z_FULL_FLUSH)),
    "large blocks": (MIXED, deflated(MIXED, memory=8)),
}


def resumed(block: Block, plain: bytes, stream: bytes, first: int = 1 << 30) -> bytes:
    """Inflate from the beginning of ``block``, the first ``first`` bytes at once and then in small pieces."""
    bits = -block.bit % 8
    rest = stream[block.bit // 8 :]  # the byte that has the last unread bits, or the next whole one
    engine, data = inflate_at(plain[max(block.out - WINDOW, 0) : block.out], bits, rest[:first])
    out = engine.decompress(data)
    for at in range(len(rest[:first]), len(rest), 1000):
        out += engine.decompress(rest[at : at + 1000])
    assert engine.eof
    result: bytes = out + engine.unused_data
    return result


@pytest.mark.parametrize("name", STREAMS)
def test_every_boundary(name: str) -> None:
    plain, stream = STREAMS[name]
    found = list(blocks(stream))
    assert found[-1].out == len(plain) and -(-found[-1].bit // 8) == len(stream)
    for block in found[:-1]:
        assert resumed(block, plain, stream + b"after") == plain[block.out :] + b"after"


def test_every_phase_before_every_kind_was_met() -> None:
    met: Set[Tuple[int, int]] = set()
    kinds: List[int] = []
    for _, stream in STREAMS.values():
        found = list(blocks(stream))[:-1]
        met |= {(block.kind, block.bit % 8) for block in found}
        kinds += [block.kind for block in found]
    assert met >= {(kind, phase) for kind in (STORED, FIXED, DYNAMIC) for phase in range(8)}
    assert len(kinds) > 700


@pytest.mark.parametrize("first", [1, 2, 14])
def test_what_follows_may_come_in_pieces(first: int) -> None:
    plain, stream = STREAMS["text and noise"]
    for block in list(blocks(stream))[:60]:
        assert resumed(block, plain, stream, first) == plain[block.out :]


def test_a_longer_window_does_no_harm_and_a_missing_one_is_told() -> None:
    plain, stream = STREAMS["text"]
    block = next(item for item in blocks(stream) if item.out > WINDOW and item.bit % 8)
    bits, rest = -block.bit % 8, stream[block.bit // 8 :]
    engine, data = inflate_at(plain[: block.out], bits, rest)
    assert engine.decompress(data) == plain[block.out :]
    engine, data = inflate_at(b"", bits, rest)
    with pytest.raises(zlib.error):
        engine.decompress(data)


@pytest.mark.parametrize("bits, data", [(-1, b"a"), (8, b"a"), (1, b"")])
def test_impossible_places(bits: int, data: bytes) -> None:
    with pytest.raises(ValueError, match="no such place"):
        inflate_at(b"", bits, data)


def test_nothing_at_all_is_fine_at_a_whole_byte() -> None:
    engine, data = inflate_at(b"", 0, b"")
    assert data == b"" and engine.decompress(deflated(b"abc")) == b"abc"
