"""Gzip members told apart by what this package reads of them itself: headers, trailers, padding, garbage."""

from __future__ import annotations

import gzip
import itertools
import random
import struct
import zlib
from typing import Iterable, List, Tuple, Union

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from layerslayer.errors import CorruptLayer
from layerslayer.formats.decompress import Decompressor
from layerslayer.formats.gzip.members import MemberStream, header_length

from ...support.tars import pieces

_SOURCE = random.Random(5)
BODIES = [b"", b"a", b"layer after layer, " * 900, _SOURCE.getrandbits(8 * 3000).to_bytes(3000, "little"), bytes(9000)]


def header(flags: int, extra: bytes = b"", name: bytes = b"a name", comment: bytes = b"a comment") -> bytes:
    """Return a member's header with just what its flags promise."""
    made = b"\x1f\x8b\x08" + bytes((flags,)) + b"\x01\x02\x03\x04\x02\x03"
    if flags & 4:
        made += struct.pack("<H", len(extra)) + extra
    if flags & 8:
        made += name + b"\0"
    if flags & 16:
        made += comment + b"\0"
    if flags & 2:
        made += struct.pack("<H", zlib.crc32(made) & 0xFFFF)
    return made


def member(body: bytes, head: bytes = header(0)) -> bytes:
    engine = zlib.compressobj(6, zlib.DEFLATED, -15)
    return head + engine.compress(body) + engine.flush() + struct.pack("<II", zlib.crc32(body), len(body))


def fed(parts: Iterable[bytes]) -> Tuple[bytes, MemberStream]:
    stream = MemberStream()
    out = b"".join(piece for part in parts for piece in stream.feed(part))
    stream.close()
    assert stream.output == len(out)
    return out, stream


COMBINATIONS = [sum(flags) for flags in itertools.product((0, 1), (0, 2), (0, 4), (0, 8), (0, 16))]


@pytest.mark.parametrize("flags", COMBINATIONS)
@pytest.mark.parametrize("extra", [b"", b"\0\1\2" * 40])
def test_a_header_is_as_long_as_its_flags_say(flags: int, extra: bytes) -> None:
    head = header(flags, extra)
    assert gzip.decompress(member(b"body", head)) == b"body"
    for cut in range(len(head)):
        assert header_length(head[:cut]) is None
    for after in (b"", b"\0", b"body", bytes(70)):
        assert header_length(head + after) == len(head)


@pytest.mark.parametrize("data", [b"\x1f\x8b\x09", b"\x1f\x8c", b"\0", b"x", b"\x1f\x8b\x07" + bytes(20)])
def test_no_header(data: bytes) -> None:
    with pytest.raises(ValueError, match="no gzip member"):
        header_length(data)


@pytest.mark.parametrize("flags", [8, 16, 24])
def test_a_header_without_an_end(flags: int) -> None:
    head = header(flags)[:10]
    assert header_length(head + b"n" * 1000) is None
    with pytest.raises(ValueError, match="too long"):
        header_length(head + b"n" * 200_000)
    with pytest.raises(ValueError, match="too long"):
        header_length(head + b"n" * 200_000 + b"\0" * 9)


MANY = b"".join(member(body, header(31, b"xy")) for body in BODIES)
ENDS: List[Tuple[int, int]] = [(sum(map(len, BODIES[: at + 1])), len(body)) for at, body in enumerate(BODIES)]


@pytest.mark.parametrize("step", [1, 2, 3, 5, 7, 8, 9, 64, 1000, 10**6])
@pytest.mark.parametrize("after, trailing", [(b"", 0), (bytes(600), 0), (bytes(3) + b"garbage", 7), (b"\x1f", 1),
                                             (bytes(9) + b"\x1f\x8b", 2), (b"\x1f\x8b\x09garbage", 10)])  # fmt: skip
def test_members_in_pieces(step: int, after: bytes, trailing: int) -> None:
    out, stream = fed(pieces(MANY + after, step))
    assert out == b"".join(BODIES)
    assert stream.ends == ENDS
    assert stream.trailing == trailing


@pytest.mark.parametrize("step", [1, 10, 10**6])
def test_zeros_may_stand_between_members(step: int) -> None:
    blob = b"".join(member(body) + bytes(number * 5) for number, body in enumerate(BODIES))
    out, stream = fed(pieces(blob, step))
    assert (out, stream.ends, stream.trailing) == (b"".join(BODIES), ENDS, 0)


def test_zeros_before_the_first_are_no_member() -> None:
    with pytest.raises(CorruptLayer, match="no gzip member"):
        fed([bytes(1) + MANY])


@pytest.mark.parametrize("step", [1, 7, 10**6])
def test_an_end_that_is_missing_is_told(step: int) -> None:
    """A blob cut anywhere is told, but where a member ended there, or its neighbour is too short to be told."""
    first, second = member(BODIES[2]), member(b"second", header(8))
    blob = first + second
    may_end = range(len(first), len(first) + len(b"\x1f\x8b\x08"))
    for cut in range(len(blob)):
        if cut in may_end:
            out, stream = fed(pieces(blob[:cut], step))
            assert (out, stream.trailing) == (BODIES[2], cut - len(first))
        elif cut:
            with pytest.raises(CorruptLayer):
                fed(pieces(blob[:cut], step))


def test_the_length_is_stated_and_not_believed() -> None:
    """The stream passes on what the trailer says; the caller compares."""
    blob = member(b"x" * 700)[:-4] + struct.pack("<I", 4_000_000_000)
    assert fed([blob])[1].ends == [(700, 4_000_000_000)]


def test_from_wherever_an_engine_stands() -> None:
    engine = zlib.compressobj(6, zlib.DEFLATED, -15)
    engine.compress(BODIES[3] * 2 + b"")
    cut = engine.flush(zlib.Z_FULL_FLUSH)
    rest = engine.compress(BODIES[2]) + engine.flush()
    assert cut
    stream = MemberStream(zlib.decompressobj(-15))
    blob = rest + struct.pack("<II", 0, 77) + member(b"next")
    assert b"".join(piece for part in pieces(blob, 11) for piece in stream.feed(part)) == BODIES[2] + b"next"
    assert stream.ends == [(len(BODIES[2]), 77), (len(BODIES[2]) + 4, 4)]


def test_a_bomb_comes_in_bounded_pieces() -> None:
    stream = MemberStream()
    sizes = [len(piece) for piece in stream.feed(member(bytes(50 << 20)))]
    assert sum(sizes) == 50 << 20 and max(sizes) <= 1 << 20


def plainly(blob: bytes) -> Union[str, Tuple[bytes, int]]:
    """Return what a full reading makes of a blob."""
    reader = Decompressor()
    try:
        return b"".join(reader.run(iter([blob]))), reader.trailing
    except CorruptLayer:
        return "corrupt"


PARTS = [member(b"one"), member(BODIES[2]), member(b"", header(28, b"ab")), member(BODIES[3])[:200], header(8)[:4],
         header(8)[:-1], bytes(4), b"\x1f\x8b", b"garbage", b"g\0\0\0"]  # fmt: skip


@settings(max_examples=300)
@given(st.data())
def test_as_a_full_reading_has_it(data: st.DataObject) -> None:
    """Whatever follows whatever: the same bytes, the same trailing ones, an error where a full reading has one."""
    blob = member(b"begins") + b"".join(data.draw(st.lists(st.sampled_from(PARTS), max_size=4)))
    step = data.draw(st.integers(1, 300))
    try:
        out, stream = fed(pieces(blob, step))
        ours: Union[str, Tuple[bytes, int]] = (out, stream.trailing)
    except CorruptLayer:
        ours = "corrupt"
    assert ours == plainly(blob)
