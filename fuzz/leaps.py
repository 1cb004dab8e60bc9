"""Leaping in damaged layers: an input says which layer, and what is done to its bytes.

::

    1 byte    which layer
    then, as often as there is more:
    1 byte    what is done   2 bytes   where, in 65536ths of the layer   1 byte   with what
"""

from __future__ import annotations

import functools
import hashlib
import io
from typing import List, Optional

from layerslayer.errors import LayerslayerError
from layerslayer.formats.entry import Entry
from layerslayer.formats.gzip.members import MemberStream
from layerslayer.formats.tar.reader import TarWalker
from layerslayer.layers.leap.gzip_walk import GzipWalk, NotGzip
from layerslayer.layers.leap.range_fetcher import Fetcher
from layerslayer.layers.stream import Report, read_entries
from layerslayer.oci.descriptor import Descriptor
from tests.support.leap_layers import SMALL, layer

# Of the generator's layers some in which there is something to leap over; all of its compressors.
_LAYERS = (11, 31, 60, 62, 92, 107, 115, 128, 131, 147, 148, 176, 187, 195, 216, 264, 270, 294, 335, 337)
_CHANGES = 40
_TYPE = "application/vnd.oci.image.layer.v1.tar+gzip"
_TINY = SMALL._replace(chunk=4 * 1024, piece=6 * 1024, greatest_piece=32 * 1024, least=12 * 1024, step_back=8 * 1024)


@functools.lru_cache(maxsize=None)
def _layer(seed: int) -> bytes:
    return layer(seed, 100_000, 700_000)[1]


def _changed(blob: bytes, kind: int, place: int, value: int) -> bytes:
    at = place * len(blob) >> 16
    what = kind % 8
    if what == 0:
        return blob[:at] + bytes((blob[at] ^ 1 << value % 8,)) + blob[at + 1 :]
    if what == 1:
        return blob[:at] + bytes((value,)) + blob[at + 1 :]
    if what == 2:
        return blob[:at] + blob[at + value :]
    if what == 3:
        return blob[:at] + bytes(value) + blob[at:]
    if what == 4:
        return blob[:at] + blob[:value] + blob[at:]
    if what == 5:  # what the last member states of its length
        stated = int.from_bytes(blob[-4:], "little") + 512 * (value - 128)
        return blob[:-4] + (stated % 2**32).to_bytes(4, "little")
    if what == 6:
        return blob + (blob[at : at + 2000] if value % 2 else bytes(value))
    return blob[:at] + blob[at:][: 64 * value] + blob[at:]


def blob_of(data: bytes) -> bytes:
    """Return the layer that an input describes."""
    blob = _layer(_LAYERS[(data or b"\0")[0] % len(_LAYERS)])
    for at in range(1, min(len(data) - 3, 1 + 4 * _CHANGES), 4):
        if len(blob) > 8:
            blob = _changed(blob, data[at], int.from_bytes(data[at + 1 : at + 3], "little"), data[at + 3])
    return blob


def _walked(blob: bytes) -> Optional[List[Entry]]:
    """Return what stands in a layer, its checksums aside; None where it is broken, or states other lengths."""
    stream, walker, entries = MemberStream(), TarWalker(), []
    try:
        for piece in stream.feed(blob):
            entries += walker.feed(piece)
        stream.close()
        entries += walker.close()
    except LayerslayerError:
        return None
    begun = [0, *(end for end, _ in stream.ends)]
    if any((end - begin - stated) % 2**32 for begin, (end, stated) in zip(begun, stream.ends)):
        return None
    return entries


def leap(data: bytes) -> None:
    """A listing that is proved is the full one; an error is one sentence, and only where a full reading has one too."""
    blob = blob_of(data)
    descriptor = Descriptor(_TYPE, "sha256:" + hashlib.sha256(blob).hexdigest(), len(blob), {})
    walk = GzipWalk(descriptor, Fetcher(lambda start, length: io.BytesIO(blob[start:][:length]), len(blob)), _TINY)
    entries: List[Entry] = []
    try:
        for batch in walk.run():
            entries += batch
    except NotGzip:
        assert not blob.startswith(b"\x1f\x8b\x08")
        return
    except LayerslayerError:
        report = Report(descriptor)
        for _ in read_entries(descriptor, lambda: io.BytesIO(blob), report):
            pass
        assert report.problem is not None
        return
    assert walk.proved
    expected = _walked(blob)
    assert expected is None or entries == expected
