"""eStargz: a gzip layer that ends in a table of contents (stargz-snapshotter ``docs/estargz.md``).

Wire format: gzip members, the last but one a tar with ``stargz.index.json``,
then a footer that is a gzip member itself::

    51 bytes  1f 8b 08 04 00 00 00 00 00 ff | 1a 00 | 'S' 'G' 16 00 | %016x TOC offset
              | "STARGZ" | 01 00 00 ff ff | 8 zeros
    47 bytes  the same without 'S' 'G' and its length, XLEN 16 00 (legacy stargz)
"""

from __future__ import annotations

import re
from typing import Optional, Tuple

from ..descriptors import Descriptor, digest_of
from ..errors import CorruptLayer, DigestMismatch
from .claimed import OpenRange, read_range
from .compression import Decompressor
from .toc import MAX_TOC, Toc

DIGEST = "containerd.io/snapshot/stargz/toc.digest"
_KIND = "eStargz"
FOOTER = 51
_LEGACY_FOOTER = 47
_END = rb"\x01\x00\x00\xff\xff\x00{8}"
_HEAD = rb"\x1f\x8b\x08\x04\x00{5}\xff"
_MODERN = re.compile(_HEAD + rb"\x1a\x00SG\x16\x00([0-9a-f]{16})STARGZ" + _END)
_LEGACY = re.compile(rb".{4}" + _HEAD + rb"\x16\x00([0-9a-f]{16})STARGZ" + _END, re.DOTALL)
_INDEX = "stargz.index.json"


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


def find(descriptor: Descriptor, open_range: OpenRange) -> Optional[Toc]:
    """Return the table of a layer, None when its end is no footer. Raises CorruptLayer and DigestMismatch."""
    if descriptor.size <= FOOTER:
        return None
    place = toc_place(descriptor.size, read_range(open_range, descriptor.size - FOOTER, FOOTER))
    if place is None:
        return None
    offset, length = place
    if not 0 < length <= MAX_TOC:
        raise CorruptLayer(_KIND, descriptor.size - FOOTER, "the footer names a place outside of the layer")
    body = _index_of(read_range(open_range, offset, length), offset)
    stated = descriptor.annotations.get(DIGEST, "")
    if stated and digest_of(body) != stated:
        raise DigestMismatch("the layer's table of contents does not have the digest that the manifest states")
    return Toc(_KIND, body, offset, bool(stated), FOOTER + length)


def _index_of(member: bytes, offset: int) -> bytes:
    """Return the JSON in the tar in a gzip member."""
    import io
    import tarfile  # for the one member of a trusted shape; loading it costs every other run 10 ms

    inflated = bytearray()
    for piece in Decompressor().run(iter([member])):
        inflated += piece
        if len(inflated) > MAX_TOC + 4096:
            raise CorruptLayer(_KIND, offset, "the table of contents is larger than {} bytes".format(MAX_TOC))
    try:
        with tarfile.open(fileobj=io.BytesIO(bytes(inflated)), mode="r:") as archive:
            info = archive.next()
            file = archive.extractfile(info) if info is not None and info.name == _INDEX else None
            if file is not None:
                return file.read(MAX_TOC)
    except (tarfile.TarError, ValueError, OSError, EOFError, IndexError) as error:
        raise CorruptLayer(_KIND, offset, "the table of contents cannot be read ({})".format(error)) from None
    raise CorruptLayer(_KIND, offset, "there is no {}".format(_INDEX))
