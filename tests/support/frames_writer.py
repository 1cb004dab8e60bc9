"""zstd layers of several frames, made frame by frame, with a seek table or without."""

from __future__ import annotations

import struct
from typing import Any, List, Optional, Sequence, Tuple

from layerslayer.formats.zstd.frames import block_header, frame_header

Sizes = Tuple[int, int]  # of a frame in the blob, and of what it unfolds to
SKIPPABLE = b"\x53\x2a\x4d\x18\x05\x00\x00\x00hello"


def frame(data: bytes, sized: bool = True, checksum: bool = False) -> bytes:
    """Return one frame; ``sized``: it states what it unfolds to."""
    import zstandard

    engine: Any = zstandard.ZstdCompressor(level=1, write_content_size=sized, write_checksum=checksum)
    return bytes(engine.compress(data))


def seek_table(sizes: Sequence[Sizes], checksums: bool = False) -> bytes:
    """Return a seek table of those frames."""
    tail = b"abcd" if checksums else b""
    entries = b"".join(struct.pack("<II", *item) + tail for item in sizes)
    body = entries + struct.pack("<IBI", len(sizes), 0x80 if checksums else 0, 0x8F92EAB1)
    return struct.pack("<II", 0x184D2A5E, len(body)) + body


def cut(data: bytes, step: int) -> List[bytes]:
    return [data[at : at + step] for at in range(0, len(data), step)]


def framed(parts: Sequence[bytes], sized: bool = True, checksum: bool = False) -> Tuple[bytes, List[Sizes]]:
    """Return the frames of those parts in a row, and their sizes."""
    frames = [frame(part, sized, checksum) for part in parts]
    return b"".join(frames), [(len(made), len(part)) for made, part in zip(frames, parts)]


def seekable(data: bytes, step: int, checksums: bool = False, table: Optional[bytes] = None) -> bytes:
    """Return a layer in frames of ``step`` bytes, with its seek table, or the one that is given."""
    frames, sizes = framed(cut(data, step))
    return frames + (seek_table(sizes, checksums) if table is None else table)


def blocks_of(made: bytes) -> List[int]:
    """Return how long each block of a frame is, with its header."""
    header = frame_header(made)
    assert header is not None
    at, found, last = header.length, [], False
    while not last:
        last, length = block_header(made[at : at + 3], at)
        found.append(length)
        at += length
    assert at + header.checksum == len(made)
    return found
