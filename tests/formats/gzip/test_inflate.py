"""Inflating from any block boundary: every phase of a byte, every kind of block."""

from __future__ import annotations

import random
import zlib
from typing import Dict, Tuple

import pytest

from layerslayer.formats.gzip.inflate import WINDOW, inflate_at

from ...support.deflate_blocks import DYNAMIC, FIXED, STORED, Block, blocks

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


def bits_of(number: int, count: int) -> str:
    """The bits of a number, its lowest first, as they stand in a stream."""
    return "{:0{}b}".format(number, count)[::-1] if count else ""


def before(phase: int) -> Tuple[bytes, str]:
    """A block of literals that ends at that bit of a byte: what it holds, and its bits."""
    literals = bytes([200]) * ((phase - 10) % 8) + b"abc def" * 8  # the first take nine bits, the others eight
    text = bits_of(0, 1) + bits_of(1, 2)
    for value in literals:
        # The codes begin with their highest bit.
        text += "{:09b}".format(0b110010000 + value - 144) if value > 143 else "{:08b}".format(0b110000 + value)
    return literals, text + "0000000"


@pytest.mark.parametrize("phase", range(8))
@pytest.mark.parametrize("kind", [STORED, FIXED, DYNAMIC])
def test_every_kind_of_block_at_every_bit_of_a_byte(kind: int, phase: int) -> None:
    head, text = before(phase)
    assert len(text) % 8 == phase
    plain = b"def abc" * 5 + TEXT[:3000]
    if kind == STORED:
        header = bits_of(1, 1) + bits_of(0, 2)
        pad = "0" * (-(len(text) + len(header)) % 8)
        stored = header + pad + bits_of(len(plain), 16) + bits_of(len(plain) ^ 0xFFFF, 16)
        rest = stored + "".join(bits_of(byte, 8) for byte in plain)
    else:
        strategy = zlib.Z_FIXED if kind == FIXED else zlib.Z_DEFAULT_STRATEGY
        engine = zlib.compressobj(9, zlib.DEFLATED, -15, 9, strategy, head)  # refers back to what is before
        packed = engine.compress(plain) + engine.flush()
        rest = "".join(bits_of(byte, 8) for byte in packed)
    whole = text + rest
    whole += "0" * (-len(whole) % 8)
    stream = bytes(int(whole[at : at + 8][::-1], 2) for at in range(0, len(whole), 8))
    boundary = list(blocks(stream))[1]
    assert boundary == Block(len(text), len(head), kind)
    assert resumed(boundary, head + plain, stream)[: len(plain)] == plain


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
