"""Layers of very many parts that are next to nothing: frames, members, blocks, padding, in pieces of a byte.

What each part costs must not depend on how much surrounds it. Each layer here
is a megabyte or so, and is held to a bound far above what any takes.
"""

from __future__ import annotations

import gzip
import io
import zlib
from contextlib import suppress
from typing import Callable, Dict, Iterator, Optional

import pytest

from layerslayer.errors import CorruptLayer
from layerslayer.formats.decompress import Decompressor
from layerslayer.formats.gzip.members import MemberStream
from layerslayer.formats.tar.reader import TarWalker
from layerslayer.registry.byte_range import Part

from ...support.tars import END, header, octal
from .cpu import seconds

LONGEST = 3.0  # seconds of the processor; most take a tenth of one
EMPTY_BLOCK = b"\x00\x00\x00\xff\xff"
NOTHING = gzip.compress(b"")


def frame(content: bytes) -> bytes:
    """A zstd frame of one raw block."""
    return b"\x28\xb5\x2f\xfd\x20" + bytes([len(content)]) + (len(content) << 3 | 1).to_bytes(3, "little") + content


def blocks(count: int) -> bytes:
    """A gzip member of very many empty blocks."""
    engine = zlib.compressobj(9, zlib.DEFLATED, 31)
    begun = engine.compress(b"a") + engine.flush(zlib.Z_FULL_FLUSH)
    return begun + EMPTY_BLOCK * count + engine.flush()


GZIP: Dict[str, Callable[[], bytes]] = {
    "empty members": lambda: NOTHING * 40_000,
    "members of a byte": lambda: gzip.compress(b"x") * 40_000,
    "members and a zero after each": lambda: (NOTHING + b"\0") * 40_000,
    "members and a thousand zeros after each": lambda: (NOTHING + bytes(1000)) * 1_000,
    "empty blocks": lambda: blocks(200_000),
    "a member, zeros, and no more": lambda: NOTHING + bytes(2_000_000),
    "a header whose name does not end": lambda: b"\x1f\x8b\x08\x08" + bytes(6) + b"n" * 1_000_000,
}
ZSTD: Dict[str, Callable[[], bytes]] = {
    "empty frames": lambda: frame(b"") * 40_000,
    "frames of a byte": lambda: frame(b"x") * 40_000,
    "skippable frames": lambda: frame(b"x") + (b"\x50\x2a\x4d\x18" + bytes(4)) * 100_000,
    "empty blocks": lambda: b"\x28\xb5\x2f\xfd\x00\x58" + bytes(3) * 100_000 + b"\x09\x00\x00x",
}


def cut(body: bytes, length: int) -> Iterator[bytes]:
    return (body[at : at + length] for at in range(0, len(body), length))


def inflated(body: bytes, length: int) -> int:
    decompressor = Decompressor()
    try:
        return sum(map(len, decompressor.run(cut(body, length))))
    except Exception:  # what it is worth is not asked here
        return -1


@pytest.mark.parametrize("length", [1 << 17, 1 << 24], ids=["in pieces", "at once"])
@pytest.mark.parametrize("name", sorted(GZIP))
def test_gzip(name: str, length: int) -> None:
    body = GZIP[name]()
    assert seconds(lambda: inflated(body, length), LONGEST) < LONGEST


@pytest.mark.parametrize("name", sorted(ZSTD))
def test_zstd(name: str) -> None:
    pytest.importorskip("zstandard")
    body = ZSTD[name]()
    for length in (1 << 17, 1 << 24):
        assert seconds(lambda length=length: inflated(body, length), LONGEST) < LONGEST  # type: ignore[misc]


@pytest.mark.parametrize("name", sorted(GZIP))
def test_leaping(name: str) -> None:
    body = GZIP[name]()

    def fed() -> None:
        stream = MemberStream()
        for piece in cut(body, 16 * 1024):
            for _ in stream.feed(piece):
                pass

    def tried() -> None:
        try:
            fed()
        except Exception:  # as above
            pass

    assert seconds(tried, LONGEST) < LONGEST


def test_members_are_as_they_were_wherever_pieces_end() -> None:
    parts = [gzip.compress(bytes([n]) * n * n * 7) + bytes(n % 3) for n in range(60)]
    body, whole = b"".join(parts), b"".join(bytes([n]) * n * n * 7 for n in range(60))
    for length in (1, 7, 100, 511, 513, 4096, 1 << 20):
        decompressor = Decompressor()
        assert b"".join(decompressor.run(cut(body, length))) == whole
        assert decompressor.trailing == 0
    decompressor = Decompressor()
    assert b"".join(decompressor.run(cut(body + b"\0\0trailing", 3))) == whole
    assert decompressor.trailing == len(b"trailing")


@pytest.mark.parametrize("kind", [b"L", b"K", b"x", b"g"])
def test_a_long_name_that_comes_byte_by_byte(kind: bytes) -> None:
    length = 120 * 512
    record = b"61440 path="
    body = record + b"n" * (length - len(record) - 1) + b"\n" if kind in b"xg" else b"n" * length
    tar = header(b"x", octal(length, 12), kind) + body + header(b"y") + END

    def walked() -> None:
        walker = TarWalker()
        with suppress(CorruptLayer):  # a name may be too long, once it is known
            assert len([entry.name for piece in cut(tar, 1) for entry in walker.feed(piece)]) == 1

    assert seconds(walked, LONGEST) < LONGEST


def test_a_part_that_arrives_in_dribs_and_drabs() -> None:
    class Drip(io.BytesIO):
        def read(self, count: Optional[int] = -1) -> bytes:
            return super().read(min(count or 0, 64))

    body = bytes(range(256)) * 8192
    assert seconds(lambda: Part(Drip(body), len(body)).read(), LONGEST) < LONGEST
    assert Part(Drip(body), len(body)).read() == body
