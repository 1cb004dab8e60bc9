"""Leaping in damaged zstd layers of several frames: an input says which layer, and what is done to its bytes.

As in ``leaps``; what is done falls into the seek table half of the time, where there is one.
"""

from __future__ import annotations

import functools
import hashlib
import io
import random
from typing import List, Tuple

from layerslayer.errors import LayerslayerError
from layerslayer.formats.entry import Entry
from layerslayer.layers.leap.range_fetcher import Fetcher, Throughput
from layerslayer.layers.leap.zstd_walk import NoFrames, ZstdWalk
from layerslayer.layers.outcome import Report
from layerslayer.layers.stream import read_entries
from layerslayer.oci.descriptor import Descriptor
from tests.support.frames_writer import SKIPPABLE, cut, framed, seek_table
from tests.support.leap_layers import noise
from tests.support.tars import END, member

_CHANGES = 12
_TYPE = "application/vnd.oci.image.layer.v1.tar+zstd"


@functools.lru_cache(maxsize=None)
def _layer(kind: int) -> bytes:
    """Return a layer, small files around large ones, with or without a seek table."""
    source = random.Random(kind)
    small = b"".join(member(b"d/%d" % number, b"body" * 99) for number in range(9))
    tar = small + member(b"a", noise(source, 300_000)) + small + member(b"b", noise(source, 250_000)) + small + END
    frames, sizes = framed(cut(tar, (20_000, 50_000)[kind & 1]), sized=kind & 2 == 0, checksum=kind & 4 == 0)
    return frames + (SKIPPABLE if kind & 8 else seek_table(sizes, kind & 16 == 0))


def blob_of(data: bytes) -> bytes:
    """Return the layer that an input describes."""
    blob = bytearray(_layer((data or b"\0")[0] % 32))
    for at in range(1, min(len(data) - 3, 1 + 4 * _CHANGES), 4):
        kind, place, value = data[at], int.from_bytes(data[at + 1 : at + 3], "little"), data[at + 3]
        where = len(blob) - 1 - place % min(600, len(blob)) if kind & 1 else place * len(blob) >> 16
        if kind & 6 == 0:
            del blob[where : where + value]
        elif kind & 6 == 2:
            blob[where] = value
        elif kind & 6 == 4:
            blob[where] ^= 1 << value % 8
        else:
            blob[where:where] = blob[:value]
        if len(blob) < 8:
            break
    return bytes(blob)


def _expected(blob: bytes, descriptor: Descriptor) -> Tuple[List[Entry], bool]:
    report = Report(descriptor)
    entries = [entry for batch in read_entries(descriptor, lambda: io.BytesIO(blob), report) for entry in batch]
    return entries, report.problem is None


def leap_frames(data: bytes) -> None:
    """What is read whole is the full listing or its error; of leaps no byte is fetched twice, and none ends otherwise.

    A table may lie so that its places lead to other headers: what was leapt is only held against the full reading
    where the table is none of the input's making.
    """
    try:
        blob = blob_of(data)
    except ImportError:  # no zstd binding: there is nothing to leap in
        return
    descriptor = Descriptor(_TYPE, "sha256:" + hashlib.sha256(blob).hexdigest(), len(blob), {})
    pace = Throughput()
    pace.latency = 0.0
    fetcher = Fetcher(lambda start, length: io.BytesIO(blob[start:][:length]), len(blob), pace)
    walk = ZstdWalk(descriptor, fetcher)
    entries: List[Entry] = []
    try:
        for batch in walk.run():
            entries += batch
    except NoFrames:
        assert not entries
        return
    except LayerslayerError:
        assert not _expected(blob, descriptor)[1]
        return
    finally:
        assert fetcher.spent == fetcher.distinct <= len(blob)
    expected, sound = _expected(blob, descriptor)
    assert walk.whole or not walk.verifier.verified
    if walk.whole or (sound and not blob.endswith(b"\xb1\xea\x92\x8f")):
        assert sound and entries == expected
