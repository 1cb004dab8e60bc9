"""zstd:chunked: a zstd layer with a table of contents in a skippable frame (containers/storage ``pkg/chunked``).

The manifest's annotations say where it is (``offset:length:uncompressed:type``,
counted from after the frame's 8-byte header) and what digest its compressed
bytes have. Where annotations were lost the blob's end tells: a skippable frame
with 64 bytes (40 in stargz-snapshotter's variant), little endian::

    8  TOC offset     8  length     8  uncompressed     8  type (1)
   24  the same of the tar-split data (not in the variant)
    8  magic "GNUlInUx" ("GnUlInUx" in the variant)
"""

from __future__ import annotations

import re
import struct
from typing import Iterator, NamedTuple, Optional

from ...errors import CorruptLayer
from ...formats.decompress import Decompressor
from ...limits import DEFAULT, Limits
from ...oci.descriptor import Descriptor
from .base import OpenRange, checked, range_pieces, read_range
from .chunked import MAX_TOC, Toc
from .chunked_json import Stored

PREFIXES = ("io.github.containers.zstd-chunked.", "io.containers.zstd-chunked.")
_KIND = "zstd:chunked"
FOOTER = 72
_POSITION = re.compile(r"([0-9]{1,18}):([0-9]{1,18}):([0-9]{1,18}):([0-9]{1,3})")
_MAGICS = (b"GNUlInUx", b"GnUlInUx")
_JSON = 1  # the only type there is


class _Place(NamedTuple):
    offset: int
    length: int
    uncompressed: int
    checksum: str  # of the compressed bytes, or empty


def stated(descriptor: Descriptor) -> bool:
    """Whether the manifest says that a layer is zstd:chunked."""
    return any(prefix + "manifest-position" in descriptor.annotations for prefix in PREFIXES)


def find(descriptor: Descriptor, open_range: OpenRange, limits: Limits = DEFAULT) -> Optional[Toc]:
    """Return the table of a layer, None when nothing says that there is one. Raises CorruptLayer, DigestMismatch."""
    read = 0
    place = _by_annotations(descriptor)
    if place is None and descriptor.size > FOOTER:
        place = _by_footer(read_range(open_range, descriptor.size - FOOTER, FOOTER))
        read = FOOTER
    if place is None:
        return None
    outside = place.offset < 0 or place.length <= 0 or place.offset + place.length > descriptor.size
    if outside or max(place.length, place.uncompressed) > MAX_TOC:
        raise CorruptLayer(_KIND, place.offset, "the table of contents is said to be where it cannot be")
    stored = Stored(range_pieces(open_range, place.offset, place.length), limits)
    body = _inflated(checked(stored, place.checksum) if place.checksum else iter(stored), place, limits)
    return Toc(_KIND, body, stored, place.offset, bool(place.checksum), read + place.length)


def _inflated(packed: Iterator[bytes], place: _Place, limits: Limits) -> Iterator[bytes]:
    length = 0
    for piece in Decompressor(limits=limits).run(packed):
        length += len(piece)
        if length > place.uncompressed:
            raise CorruptLayer(_KIND, place.offset, "the table of contents is larger than stated")
        yield piece


def _by_annotations(descriptor: Descriptor) -> Optional[_Place]:
    for prefix in PREFIXES:
        text = descriptor.annotations.get(prefix + "manifest-position")
        if text is None:
            continue
        match = _POSITION.fullmatch(text)
        if not match or int(match.group(4)) != _JSON:
            raise CorruptLayer(_KIND, 0, "the manifest states no usable place of the table of contents")
        numbers = [int(part) for part in match.groups()[:3]]
        checksum = descriptor.annotations.get(prefix + "manifest-checksum", "")
        return _Place(numbers[0], numbers[1], numbers[2], checksum if checksum.startswith("sha256:") else "")
    return None


def _by_footer(footer: bytes) -> Optional[_Place]:
    """Read a blob's last 72 bytes."""
    for payload, magic in ((footer[-64:], _MAGICS[0]), (footer[-40:], _MAGICS[1])):
        header = footer[len(footer) - len(payload) - 8 : len(footer) - len(payload)]
        if payload.endswith(magic) and header == b"\x50\x2a\x4d\x18" + struct.pack("<I", len(payload)):
            offset, length, uncompressed, kind = struct.unpack_from("<QQQQ", payload)
            return _Place(offset, length, uncompressed, "") if kind == _JSON else None
    return None
