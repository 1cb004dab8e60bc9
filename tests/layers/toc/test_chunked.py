"""Publishers' indexes: equal to the full walk when they are honest, one sentence when they are not."""

from __future__ import annotations

import json
import tarfile
from typing import Any, Dict, List, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from layerslayer.errors import CorruptLayer, DigestMismatch, LayerslayerError
from layerslayer.formats.entry import Entry
from layerslayer.layers.outcome import Report
from layerslayer.layers.toc import estargz, zstd_chunked
from layerslayer.layers.toc.chunked import LANDMARKS, Toc
from layerslayer.layers.toc.chunked_json import Stored
from layerslayer.layers.toc.discovery import Claims
from layerslayer.layers.toc.embedded import find_toc
from layerslayer.oci.descriptor import Descriptor
from layerslayer.oci.image import Image, Layer
from layerslayer.oci.manifest import Manifest
from layerslayer.oci.media_types import OCI_MANIFEST
from layerslayer.oci.reference import parse_target
from layerslayer.oci.source import Document

from ...support.blobs import Blob
from ...support.estargz_writer import Built, File, footer
from ...support.estargz_writer import estargz as build

FILES = [
    File("etc/", kind=tarfile.DIRTYPE, mode=0o755),
    File("etc/passwd", b"root:x:0:0\n"),
    File("bin", kind=tarfile.SYMTYPE, target="usr/bin", mode=0o777),
    File("empty"),
    File("big", bytes(range(256)) * 40, mode=0o4755),
    File("hard", kind=tarfile.LNKTYPE, target="big"),
    File("null", kind=tarfile.CHRTYPE),
    File("last", b"x" * 700),
]
OWN = LANDMARKS | {"stargz.index.json"}


def annotated(built: Built) -> Blob:
    blob = Blob(built.blob)
    blob.descriptor.annotations[estargz.DIGEST] = built.toc_digest
    return blob


def walked(blob: Blob) -> List[Entry]:
    return [entry for entry in blob.full() if entry.name not in OWN]


def plain(entry: Entry) -> Entry:
    return entry._replace(offset=0, uname="", gname="")


@pytest.mark.parametrize("legacy", [False, True], ids=["footer", "legacy footer"])
@pytest.mark.parametrize("chunk, shared", [(1 << 20, 0), (1000, 0), (512, 3), (1 << 20, 5)])
def test_an_estargz_index_equals_the_full_walk(legacy: bool, chunk: int, shared: int) -> None:
    blob = annotated(build(FILES, chunk, legacy, shared))
    toc = estargz.find(blob.descriptor, blob.range)
    assert toc is not None and toc.verified
    assert [plain(entry) for entry in toc.entries] == [plain(entry) for entry in walked(blob)]
    assert toc.bytes_read == sum(length for _, length in blob.asked)
    for index, file in enumerate(FILES):
        if file.kind == tarfile.REGTYPE:
            blob.asked.clear()
            assert b"".join(toc.read_file(index, blob.range)) == file.body
            assert len(blob.asked) == (1 if file.body else 0)


def test_the_index_is_found_without_its_annotation() -> None:
    built = build(FILES)
    blob = Blob(built.blob)
    toc = estargz.find(blob.descriptor, blob.range)
    assert toc is not None and not toc.verified


def test_an_ordinary_layer_has_none() -> None:
    blob = Blob(bytes(100_000))
    assert find_toc(blob.descriptor, blob.range) is None
    assert blob.asked == [(100_000 - 51, 51)]
    small = Blob(bytes(1000))
    assert find_toc(small.descriptor, small.range) is None and small.asked == []


def test_the_stated_digest_counts() -> None:
    blob = annotated(build(FILES))
    blob.descriptor.annotations[estargz.DIGEST] = "sha256:" + "0" * 64
    with pytest.raises(DigestMismatch):
        find_toc(blob.descriptor, blob.range)


def test_two_claims_are_refused() -> None:
    blob = annotated(build(FILES))
    blob.descriptor.annotations[zstd_chunked.PREFIXES[0] + "manifest-position"] = "1:2:3:1"
    with pytest.raises(CorruptLayer, match="two tables"):
        find_toc(blob.descriptor, blob.range)


def toc_of(entries: Any, end: int = 1000, version: int = 1) -> Toc:
    return Toc("eStargz", [json.dumps({"version": version, "entries": entries}).encode()], Stored([]), end, False, 0)


REG = {"name": "a", "type": "reg", "size": 10, "offset": 5}
BAD: Dict[str, Any] = {
    "no list": {"a": 1},
    "a number": 7,
    "an entry that is none": [3],
    "no type": [{"name": "a"}],
    "an unknown type": [{"name": "a", "type": "door"}],
    "no name": [{"type": "reg"}],
    "a negative size": [dict(REG, size=-1)],
    "a huge size": [dict(REG, size=2**70)],
    "a size that is text": [dict(REG, size="1")],
    "an offset outside": [dict(REG, offset=1001)],
    "a chunk of no file": [{"type": "chunk", "offset": 1}],
    "a gap": [dict(REG, chunkSize=4), {"type": "chunk", "chunkOffset": 5, "chunkSize": 5}],
    "too long": [dict(REG, chunkSize=11)],
    "too short": [dict(REG, chunkSize=9)],
    "a target that is none": [{"name": "a", "type": "symlink", "linkName": 3}],
    "another type's type": [{"name": "a", "type": ["reg"]}],
}


@pytest.mark.parametrize("entries", BAD.values(), ids=BAD.keys())
def test_a_malformed_index_is_one_sentence(entries: Any) -> None:
    with pytest.raises(CorruptLayer, match="table of contents"):
        toc_of(entries)


def test_other_bad_documents() -> None:
    for body in (b"", b"{", b"[]", b"\xff", b"[" * 100_000, b'{"version":2,"entries":[]}', b'{"version":1}'):
        with pytest.raises(CorruptLayer):
            Toc("eStargz", [body], Stored([]), 10, False, 0)
    with pytest.raises(CorruptLayer):
        toc_of([], version=2)


def test_a_lying_content_is_told() -> None:
    built = build(FILES, chunk=1000)
    blob = annotated(built)
    toc = estargz.find(blob.descriptor, blob.range)
    assert toc is not None
    files = toc.files = dict(toc.files)
    for index in (1, 4):
        file = files[index]
        files[index] = file._replace(digest="sha256:" + "0" * 64)
        with pytest.raises(DigestMismatch):
            list(toc.read_file(index, blob.range))
        files[index] = file._replace(chunks=tuple(chunk._replace(inner=1) for chunk in file.chunks))
        with pytest.raises(LayerslayerError):
            list(toc.read_file(index, blob.range))


def test_an_index_that_cannot_be_used_is_a_note() -> None:
    from ...filesystem.test_lookup import InMemory

    built = build(FILES)
    blob = annotated(built)
    blob.descriptor.annotations[estargz.DIGEST] = "sha256:" + "0" * 64
    report = Report(blob.descriptor)
    source = InMemory({blob.descriptor.digest: blob.body})
    told: List[str] = []
    claims = Claims(source, image_of([blob.descriptor]), told.append)
    assert claims.index_of(Layer(4, blob.descriptor, None), report) is None
    assert "index is not used" in report.notes[0]
    assert told == ["layer 4: " + report.notes[0]]


def image_of(layers: Sequence[Descriptor], **annotations: str) -> Image:
    """An image with these layers, as one is opened."""
    config = Descriptor("application/vnd.oci.image.config.v1+json", "sha256:" + "1" * 64, 2, {})
    manifest = Manifest(OCI_MANIFEST, config, tuple(layers), annotations)
    return Image(
        parse_target("oci:x"), Document(b"", "sha256:" + "2" * 64, OCI_MANIFEST), manifest, None, None, None, ()
    )


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_damaged_layers_never_break_the_program(data: st.DataObject) -> None:
    built = build(FILES[:5], chunk=2000)
    body = bytearray(built.blob)
    for _ in range(data.draw(st.integers(1, 3))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    blob = Blob(bytes(body))
    try:
        toc = estargz.find(blob.descriptor, blob.range)
        for index in toc.files if toc else ():
            for _ in toc.read_file(index, blob.range) if toc else ():
                pass
    except LayerslayerError:
        pass


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=120))
def test_random_ends_never_break_the_program(end: bytes) -> None:
    for body in (bytes(200) + end, bytes(200) + footer(int.from_bytes(end[:8], "big"))):
        blob = Blob(body)
        for finder in (estargz.find, zstd_chunked.find):
            try:
                finder(blob.descriptor, blob.range)
            except LayerslayerError:
                pass
