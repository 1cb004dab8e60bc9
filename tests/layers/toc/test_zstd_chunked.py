"""zstd:chunked: the table is found by annotations or footer, and files come out of their chunks."""

from __future__ import annotations

import hashlib
import json
import struct
from typing import Any, Dict, List, Tuple

import pytest

from layerslayer.errors import CorruptLayer, DigestMismatch
from layerslayer.layers.toc import zstd_chunked

from ...support.blobs import Blob


def chunked(files: Dict[str, bytes], footer_size: int = 64) -> Tuple[bytes, str, str]:
    """Return a zstd:chunked blob without a tar's headers, the place of its table, and that one's digest."""
    zstandard = pytest.importorskip("zstandard")
    pack = zstandard.ZstdCompressor().compress
    blob = bytearray(pack(b"header"))
    entries: List[Dict[str, Any]] = []
    for name, body in files.items():
        hole = pack(bytes(100))
        start = len(blob)
        first, rest = pack(body[:3]), pack(body[3:])
        blob += first + hole + rest
        whole = body[:3] + bytes(100) + body[3:]
        entry = {"type": "reg", "name": name, "size": len(whole), "offset": start, "endOffset": len(blob)}
        entry.update(digest="sha256:" + hashlib.sha256(whole).hexdigest(), chunkSize=3)
        hole_at, rest_at = start + len(first), start + len(first) + len(hole)
        entries += [
            entry,
            {
                "type": "chunk",
                "name": name,
                "offset": hole_at,
                "chunkOffset": 3,
                "chunkSize": 100,
                "chunkType": "zeros",
            },
            {"type": "chunk", "name": name, "offset": rest_at, "chunkOffset": 103, "chunkSize": len(body) - 3},
        ]
    toc = json.dumps({"version": 1, "entries": entries}).encode()
    packed = pack(toc)
    blob += b"\x50\x2a\x4d\x18" + struct.pack("<I", len(packed))
    place = (len(blob), len(packed), len(toc), 1)
    blob += packed
    middle = b"" if footer_size == 40 else bytes(24)
    tail = struct.pack("<QQQQ", *place) + middle + (b"GNUlInUx" if footer_size == 64 else b"GnUlInUx")
    blob += b"\x50\x2a\x4d\x18" + struct.pack("<I", footer_size) + tail
    return bytes(blob), ":".join(map(str, place)), "sha256:" + hashlib.sha256(packed).hexdigest()


BODIES = {"a": b"first file", "b": b"second one"}


@pytest.mark.parametrize("how", [*zstd_chunked.PREFIXES, 64, 40])
def test_a_zstd_chunked_index_is_found(how: Any) -> None:
    body, place, checksum = chunked(BODIES, how if isinstance(how, int) else 64)
    blob = Blob(body, "application/vnd.oci.image.layer.v1.tar+zstd")
    if isinstance(how, str):
        blob.descriptor.annotations.update({how + "manifest-position": place, how + "manifest-checksum": checksum})
    toc = zstd_chunked.find(blob.descriptor, blob.range)
    assert toc is not None and toc.verified is isinstance(how, str)
    assert [entry.name for entry in toc.entries] == ["a", "b"]
    for index, content in enumerate(BODIES.values()):
        assert b"".join(toc.read_file(index, blob.range)) == content[:3] + bytes(100) + content[3:]


@pytest.mark.parametrize(
    "place", ["", "1:2:3", "1:2:3:2", "-1:2:3:1", "9999999:2:3:1", "1:2:999999999999:1", "0:0:0:1", "1:2:3:1:1"]
)
def test_impossible_places_are_refused(place: str) -> None:
    body, _, _ = chunked(BODIES)
    blob = Blob(body, "application/vnd.oci.image.layer.v1.tar+zstd")
    blob.descriptor.annotations[zstd_chunked.PREFIXES[0] + "manifest-position"] = place
    with pytest.raises(CorruptLayer):
        zstd_chunked.find(blob.descriptor, blob.range)


def test_a_wrong_checksum_is_told() -> None:
    body, place, checksum = chunked(BODIES)
    blob = Blob(body, "application/vnd.oci.image.layer.v1.tar+zstd")
    prefix = zstd_chunked.PREFIXES[1]
    stated = checksum[:-1] + ("0" if checksum[-1] != "0" else "1")
    blob.descriptor.annotations.update({prefix + "manifest-position": place, prefix + "manifest-checksum": stated})
    with pytest.raises(DigestMismatch):
        zstd_chunked.find(blob.descriptor, blob.range)
