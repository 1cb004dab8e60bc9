"""eStargz: a gzip layer that ends in a table of contents (stargz-snapshotter ``docs/estargz.md``).

Wire format: gzip members, the last but one a tar with ``stargz.index.json``,
then a footer that is a gzip member itself::

    51 bytes  1f 8b 08 04 00 00 00 00 00 ff | 1a 00 | 'S' 'G' 16 00 | %016x TOC offset
              | "STARGZ" | 01 00 00 ff ff | 8 zeros
    47 bytes  the same without 'S' 'G' and its length, XLEN 16 00 (legacy stargz)
"""

from __future__ import annotations

import re
from typing import Iterator, List, Optional, Tuple

from ...errors import CorruptLayer
from ...formats.decompress import Decompressor
from ...formats.entry import Entry
from ...formats.tar.header import BLOCK
from ...formats.tar.reader import TarWalker
from ...limits import DEFAULT, Limits
from ...oci.descriptor import Descriptor
from .base import OpenRange, checked, range_pieces, read_range
from .chunked import MAX_TOC, Toc
from .chunked_json import Stored

DIGEST = "containerd.io/snapshot/stargz/toc.digest"
_KIND = "eStargz"
FOOTER = 51
_LEGACY_FOOTER = 47
_END = rb"\x01\x00\x00\xff\xff\x00{8}"
_HEAD = rb"\x1f\x8b\x08\x04\x00{5}\xff"
_MODERN = re.compile(_HEAD + rb"\x1a\x00SG\x16\x00([0-9a-f]{16})STARGZ" + _END)
_LEGACY = re.compile(rb".{4}" + _HEAD + rb"\x16\x00([0-9a-f]{16})STARGZ" + _END, re.DOTALL)
_INDEX = "stargz.index.json"
_MOST_HEADERS = 64 * 1024  # bytes of the tar before the table


def toc_place(size: int, end: bytes) -> Optional[Tuple[int, int]]:
    """Return where the table is in a blob of ``size`` bytes whose last 51 are ``end``: offset and length.

    None when that is no footer; the place may be outside of the blob.
    """
    for pattern, length in ((_MODERN, FOOTER), (_LEGACY, _LEGACY_FOOTER)):
        match = pattern.fullmatch(end)
        if match:
            offset = int(match.group(1), 16)
            return offset, size - length - offset
    return None


def find(descriptor: Descriptor, open_range: OpenRange, limits: Limits = DEFAULT) -> Optional[Toc]:
    """Return the table of a layer, None when its end is no footer. Raises CorruptLayer and DigestMismatch."""
    if descriptor.size <= FOOTER:
        return None
    place = toc_place(descriptor.size, read_range(open_range, descriptor.size - FOOTER, FOOTER))
    if place is None:
        return None
    offset, length = place
    if not 0 < length <= MAX_TOC:
        raise CorruptLayer(_KIND, descriptor.size - FOOTER, "the footer names a place outside of the layer")
    stated = descriptor.annotations.get(DIGEST, "")
    stored = Stored(range_pieces(open_range, offset, length), limits)
    pieces = _index_of(iter(stored), offset, limits)
    return Toc(_KIND, checked(pieces, stated) if stated else pieces, stored, offset, bool(stated), FOOTER + length)


def _index_of(member: Iterator[bytes], offset: int, limits: Limits) -> Iterator[bytes]:
    """Yield the JSON in the tar in a gzip member. Raises CorruptLayer."""
    walker = TarWalker(limits=limits)
    walker.bodies = {}
    position, begin, end = 0, 0, 0
    for piece in Decompressor(limits=limits).run(member):
        if not end:
            begin, end = _place(walker, walker.feed(piece), offset)
        if not end and position > _MOST_HEADERS:
            break
        part = piece[max(begin - position, 0) : max(end - position, 0)]
        position += len(piece)
        if part:
            yield part
        if 0 < end <= position:
            return
    raise CorruptLayer(_KIND, offset, "the table of contents cannot be read (it breaks off)")


def _place(walker: TarWalker, members: List[Entry], offset: int) -> Tuple[int, int]:
    """Return where in the tar the table begins and ends, zeros for not yet. Raises CorruptLayer."""
    if not members:
        return 0, 0
    entry = members[0]
    begin, length = (walker.bodies or {}).get(entry.offset, (entry.offset + BLOCK, entry.size))
    if entry.name != _INDEX or entry.kind != "-" or length <= 0:
        raise CorruptLayer(_KIND, offset, "there is no {}".format(_INDEX))
    if length > MAX_TOC:
        raise CorruptLayer(_KIND, offset, "the table of contents is larger than {} bytes".format(MAX_TOC))
    return begin, begin + length
