"""Random gzip layers that are hard to leap in, small enough to make thousands of."""

from __future__ import annotations

import gzip
import io
import random
import tarfile
import zlib
from typing import Callable, Dict, List

from layerslayer.layers.leap.settings import Settings

# Everything a tenth of what it is for real layers, as these are.
SMALL = Settings(
    chunk=16 * 1024, piece=24 * 1024, greatest_piece=128 * 1024, least=64 * 1024,
    step_back=32 * 1024,
)  # fmt: skip
WORDS = [
    b"layer ",
    b"image ",
    b"manifest ",
    b"\0\0\0\0",
    b"digest:",
    b"\x7fELF",
    b"ustar",
    b"\xff" * 9,
    b"<html>",
    b"0x",
]


def text(source: random.Random, size: int) -> bytes:
    """Words; compresses well, and refers back all the time."""
    unit = b"".join(source.choice(WORDS) + b"%d " % source.randrange(10_000) for _ in range(400))
    made = bytearray()
    while len(made) < size:
        at = source.randrange(len(unit))
        made += unit[at : at + source.randrange(20, 4000)]
        if source.random() < 0.3:
            made += bytes(source.getrandbits(8) for _ in range(source.randrange(40)))
    return bytes(made[:size])


def noise(source: random.Random, size: int) -> bytes:
    """Incompressible: stored blocks."""
    return source.getrandbits(8 * size).to_bytes(size, "little") if size else b""


def zeros(source: random.Random, size: int) -> bytes:
    return bytes(size)


def skewed(source: random.Random, size: int) -> bytes:
    """Compresses by a little, without matches."""
    table = bytes(min(source.randrange(256), source.randrange(256)) for _ in range(256))
    return noise(source, size).translate(table)


def mixed(source: random.Random, size: int) -> bytes:
    """All of them in turn, so that no sample tells much."""
    made = b""
    while len(made) < size:
        made += source.choice(KINDS)(source, source.randrange(1, 200_000))
    return made[:size]


def nested(source: random.Random, size: int) -> bytes:
    """A tar."""
    return tar(source, size, depth=1)[:size]


def bitmap(source: random.Random, size: int) -> bytes:
    """One row again and again, with changes: references that never end."""
    row = bytearray(noise(source, source.randrange(100, 1500)))
    made = bytearray()
    while len(made) < size:
        row[source.randrange(len(row))] ^= 1 << source.randrange(8)
        made += row
    return bytes(made[:size])


KINDS: List[Callable[[random.Random, int], bytes]] = [text, noise, zeros, skewed, bitmap]


def _name(source: random.Random, number: int) -> str:
    length = source.choice((5, 12, 30, 99, 120, 260))
    return "d%d/" % source.randrange(20) + ("f%d-" % number).ljust(length, source.choice("xyzäß\udcff"))


def tar(source: random.Random, size: int, depth: int = 0) -> bytes:
    """A tar of about ``size`` bytes."""
    out = io.BytesIO()
    form = source.choice((tarfile.GNU_FORMAT, tarfile.PAX_FORMAT))
    bodies = [*KINDS, mixed, *([nested] if depth == 0 else [])]
    with tarfile.open(fileobj=out, mode="w", format=form, errors="surrogateescape") as archive:
        number = 0
        while out.tell() < size:
            number += 1
            info = tarfile.TarInfo(_name(source, number))
            info.mtime = source.choice((0, 1_700_000_000, 1_700_000_000.5))
            info.uname, info.uid = source.choice((("", 0), ("root", 0), ("app", 1000)))
            kind = source.random()
            if kind < 0.15:
                info.type, info.linkname = source.choice((tarfile.SYMTYPE, tarfile.LNKTYPE)), _name(source, 1)
                archive.addfile(info)
                continue
            if kind < 0.2:
                info.type = tarfile.DIRTYPE
                archive.addfile(info)
                continue
            large = source.random() < 0.25
            info.size = source.randrange(50_000, 1_500_000) if large else int(source.expovariate(1 / 4000))
            archive.addfile(info, io.BytesIO(source.choice(bodies)(source, info.size)))
    return out.getvalue()


def _deflated(level: int, memory: int, flush: int = 0, independent: bool = False) -> Callable[[bytes], bytes]:
    def compress(data: bytes) -> bytes:
        engine = zlib.compressobj(level, zlib.DEFLATED, 31, memory)
        if not flush:
            return engine.compress(data) + engine.flush()
        mode = zlib.Z_FULL_FLUSH if independent else zlib.Z_SYNC_FLUSH
        parts = [engine.compress(data[at : at + flush]) + engine.flush(mode) for at in range(0, len(data), flush)]
        return b"".join(parts) + engine.flush()

    return compress


def _members(data: bytes) -> bytes:
    """Several gzip members, cut anywhere."""
    step = max(1, len(data) // 3 + 7)
    return b"".join(gzip.compress(data[at : at + step], 6) for at in range(0, len(data), step))


def _igzip(data: bytes) -> bytes:
    """By igzip; by its likest where that is missing, so that a seed means the same tar everywhere."""
    try:
        from isal import igzip
    except ImportError:
        return gzip.compress(data, 1)
    return bytes(igzip.compress(data, 2))


COMPRESSORS: Dict[str, Callable[[bytes], bytes]] = {
    "level 1": _deflated(1, 8),
    "level 6": _deflated(6, 8),
    "level 9, much memory": _deflated(9, 9),
    "little memory": _deflated(6, 1),
    "flushed": _deflated(6, 8, 128 * 1024),
    "independent": _deflated(6, 8, 128 * 1024, True),
    "members": _members,
    "stored": _deflated(0, 8),
    "igzip": _igzip,
}


def layer(seed: int, least: int = 200_000, most: int = 4_000_000) -> tuple[str, bytes]:
    """Return what was done, and a gzip layer of ``least`` to ``most`` bytes, uncompressed."""
    source = random.Random(seed)
    name = source.choice(sorted(COMPRESSORS))
    data = tar(source, source.randrange(least, most))
    if source.random() < 0.2:  # another end than tarfile's
        body = data.rstrip(b"\0")
        data = body + bytes(-len(body) % 512 + source.choice((0, 512, 1024, 30 * 1024)))
    return name, COMPRESSORS[name](data)
