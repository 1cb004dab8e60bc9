"""Block boundaries are found in any deflate stream, and are the ones that a plain reading of RFC 1951 finds."""

from __future__ import annotations

import functools
import random
import zlib
from typing import Callable, Dict, FrozenSet, List, NamedTuple, Optional

import pytest

from layerslayer.formats.gzip.block_finder import Boundary, find_boundary, inflater_at
from layerslayer.formats.gzip.inflate import inflate_at

from ...support.deflate_blocks import DYNAMIC, STORED, blocks
from ...support.leap_layers import noise, skewed, text

_SOURCE = random.Random(11)
# What few symbols to a block make of it: blocks of all sizes, of all kinds.
PLAIN = text(_SOURCE, 70_000) + noise(_SOURCE, 9_000) + skewed(_SOURCE, 30_000) + text(_SOURCE, 30_000)
ENOUGH = 1100  # bytes after a boundary with which it must be found


def deflated(level: int = 6, memory: int = 8, strategy: int = 0, flush: int = zlib.Z_NO_FLUSH) -> bytes:
    engine = zlib.compressobj(level, zlib.DEFLATED, -15, memory, strategy)
    parts = [engine.compress(PLAIN[at : at + 9000]) + engine.flush(flush) for at in range(0, len(PLAIN), 9000)]
    return b"".join(parts) + engine.flush()


STREAMS: Dict[str, Callable[[], bytes]] = {
    **{"level {}".format(level): functools.partial(deflated, level) for level in range(10)},
    **{"memory {}".format(memory): functools.partial(deflated, 6, memory) for memory in (1, 2, 3, 5, 7, 9)},
    **{"level 1, memory {}".format(memory): functools.partial(deflated, 1, memory) for memory in (1, 4, 9)},
    **{"level 0, memory {}".format(memory): functools.partial(deflated, 0, memory) for memory in (1, 9)},
    "filtered": functools.partial(deflated, strategy=zlib.Z_FILTERED),
    "codes only": functools.partial(deflated, 6, 5, zlib.Z_HUFFMAN_ONLY),
    "runs": functools.partial(deflated, 6, 5, zlib.Z_RLE),
    "synced": functools.partial(deflated, flush=zlib.Z_SYNC_FLUSH),
    "emptied": functools.partial(deflated, flush=zlib.Z_FULL_FLUSH),
}


class Known(NamedTuple):
    """A stream, where its blocks begin as a Boundary says it, and which of them must be found."""

    stream: bytes
    true: FrozenSet[Boundary]
    findable: List[Boundary]
    outs: Dict[int, int]  # bit of a boundary -> bytes that came out before


@functools.lru_cache(maxsize=None)
def known(name: str) -> Known:
    stream = STREAMS[name]()
    found = list(blocks(stream))
    true, findable, outs = set(), [], {}
    for block, following in zip(found, found[1:]):
        stored = block.kind == STORED
        boundary = Boundary((block.bit + 3 + 7) // 8 * 8 if stored else block.bit, stored)
        outs[boundary.bit] = block.out
        if block.kind in (STORED, DYNAMIC) and following is not found[-1]:
            true.add(boundary)
            if following.bit // 8 + ENOUGH < len(stream):
                findable.append(boundary)
        elif stored:
            true.add(boundary)
    return Known(stream, frozenset(true), findable, outs)


def moved(boundary: Boundary, by: int) -> Boundary:
    return boundary._replace(bit=boundary.bit + 8 * by)


@pytest.mark.parametrize("name", STREAMS)
def test_what_is_found_is_true_and_something_is_found_wherever_it_can_be(name: str) -> None:
    stream, true, findable, _ = known(name)
    source = random.Random(name)
    assert findable
    starts = {0, *(source.randrange(len(stream)) for _ in range(12))}
    for boundary in source.sample(findable, min(len(findable), 12)):
        starts |= {boundary.bit // 8, boundary.bit // 8 + 1, max(0, boundary.bit // 8 - source.randrange(1, 5000))}
    for start in starts:
        found = find_boundary(stream[start:])
        assert found is None or moved(found, start) in true
        if any(boundary.bit >= 8 * start for boundary in findable):
            assert found is not None


@pytest.mark.parametrize("name", STREAMS)
def test_inflating_goes_on_from_what_is_found(name: str) -> None:
    stream, _, _, outs = known(name)
    found = find_boundary(stream)
    assert found is not None
    while found is not None:
        plain = PLAIN[outs[found.bit] :]
        zeros, ones = (_inflated(stream, found, fill) for fill in (0, 0xFF))
        assert len(zeros) == len(ones) == len(plain)
        # Where both guesses agree, they are right; where they do not, each has its own.
        assert all(a == c for a, b, c in zip(zeros, ones, plain) if a == b)
        found = find_boundary(stream, found.bit // 8 + 12_000)


def _inflated(stream: bytes, boundary: Boundary, fill: int) -> bytes:
    engine, data = inflater_at(stream, boundary, fill)
    return bytes(engine.decompress(data) + engine.flush())


@pytest.mark.parametrize("level", (1, 2, 3))  # 0 makes one block of it all
def test_long_blocks_of_igzip(level: int) -> None:
    zlib_of_isal = pytest.importorskip("isal.isal_zlib")
    plain = PLAIN * 12
    engine = zlib_of_isal.compressobj(level, zlib.DEFLATED, -15)
    stream = b"".join(engine.compress(plain[at : at + 50_000]) for at in range(0, len(plain), 50_000)) + engine.flush()
    found = find_boundary(stream, len(stream) // 9)
    assert found is not None and not found.stored
    out = len(plain) - len(_inflated(stream, found, 0))
    byte, bit = divmod(found.bit, 8)
    right, data = inflate_at(plain[:out], -bit % 8, stream[byte:])
    assert right.decompress(data) == plain[out:]


@pytest.mark.parametrize("name", ["level 1", "level 6", "memory 1", "level 0", "synced"])
def test_a_later_start_finds_nothing_earlier(name: str) -> None:
    stream, true, findable, _ = known(name)
    for boundary in findable[:10]:
        start = boundary.bit // 8 + 1
        found = find_boundary(stream, start)
        assert found is None or (found.bit >= 8 * start and found in true)


AFTER = {
    "nothing": (b"", True),
    "part of a trailer": (b"\x12\x34", True),
    "a trailer": (b"\xa5" * 8, True),
    "zeros": (b"\xa5" * 8 + bytes(700), True),
    "another member": (b"\xa5" * 8 + bytes(3) + b"\x1f\x8b\x08\0", True),
    "something else": (b"\xa5" * 8 + b"tail" * 9, False),
}


@pytest.mark.parametrize("name", AFTER)
def test_the_stream_may_end_in_the_piece(name: str) -> None:
    after, plausible = AFTER[name]
    stream, true, _, _ = known("memory 5")
    found = find_boundary(stream + after)
    assert found in true if plausible else found is None


@pytest.mark.parametrize("name", ["level 6", "level 1", "memory 9", "level 0", "memory 1"])
def test_a_damaged_rest_is_no_proof(name: str) -> None:
    """What a bit fault makes of a stream is never mistaken for another one."""
    stream, true, _, _ = known(name)
    source = random.Random(name)
    for _ in range(10):
        at = source.randrange(len(stream) // 2, len(stream))
        broken = stream[:at] + noise(source, 3000) + stream[at + 3000 :]
        found = find_boundary(broken)
        assert found is None or found in true or found.bit // 8 > at - 20


@pytest.mark.parametrize("seed", range(3))
def test_noise_is_no_stream(seed: int) -> None:
    source = random.Random(seed)
    for size in (0, 1, 2, 3, 11, 12, 500, *[48 * 1024] * 12):
        assert find_boundary(noise(source, size)) is None


@pytest.mark.parametrize("fill", [b"\0", b"\xff", b"\x04", b"ustar\0", bytes(4) + b"\xff\xff", b"\0\0\xff\xff"])
def test_runs_end_soon(fill: bytes) -> None:
    """Whatever is said of them, it comes without an exception and soon."""
    found: Optional[Boundary] = find_boundary(fill * (20_000 // len(fill)))
    assert found is None or found.stored
