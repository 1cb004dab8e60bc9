"""Images that mean harm, or are badly broken: how each is made."""

from __future__ import annotations

import functools
import gzip
import hashlib
import json
import struct
import tarfile
import zlib
from typing import Any, Callable, Dict, List

from layerslayer.demo.image import Member, Store, Stored, gzip_of, tar_of
from layerslayer.oci.media_types import OCI_INDEX, OCI_MANIFEST

from ..support.registry import NAME
from ..support.registry.faults import blobs_image, single_image
from ..support.tars import END, header, member, octal, pax, record

Make = Callable[[], Store]
ESC = "\x1b[31m\x1b]0;owned\x07\u202e\u009b"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"


def document(body: bytes, media_type: str = OCI_MANIFEST) -> Make:
    """The tag leads to this very document."""

    def make() -> Store:
        made = single_image([[Member("a")]])
        digest = "sha256:" + hashlib.sha256(body).hexdigest()
        made.manifests[digest] = Stored(media_type, body)
        made.tags[(NAME, "1.0")] = digest
        return made

    return make


def changed(change: Callable[[Dict[str, Any]], Any], media_type: str = OCI_MANIFEST) -> Make:
    """A sound manifest after a change; what ``change`` returns, if anything, stands in its place."""

    def make() -> Store:
        made = single_image([[Member("a")]])
        parsed = json.loads(made.manifests[made.tags[(NAME, "1.0")]].body.decode())
        parsed = change(parsed) or parsed
        body = json.dumps(parsed).encode()
        digest = "sha256:" + hashlib.sha256(body).hexdigest()
        made.manifests[digest] = Stored(media_type, body)
        made.tags[(NAME, "1.0")] = digest
        return made

    return make


def config(value: Any) -> Make:
    """A sound image with this config, given as a value or as bytes."""

    def make() -> Store:
        made = single_image([[Member("a")]])
        body = value if isinstance(value, bytes) else json.dumps(value).encode()
        digest = "sha256:" + hashlib.sha256(body).hexdigest()
        made.blobs[digest] = body
        parsed = json.loads(made.manifests[made.tags[(NAME, "1.0")]].body.decode())
        parsed["config"].update(digest=digest, size=len(body))
        raw = json.dumps(parsed).encode()
        own = "sha256:" + hashlib.sha256(raw).hexdigest()
        made.manifests[own] = Stored(OCI_MANIFEST, raw)
        made.tags[(NAME, "1.0")] = own
        return made

    return make


def blob(body: bytes) -> Make:
    """An image whose one layer is these bytes."""
    return lambda: blobs_image([body])


def tar(body: bytes) -> Make:
    return lambda: blobs_image([gzip_of(body)])


def large_tar(make: Callable[[], bytes]) -> Make:
    """One that is made only where it is used."""
    return lambda: blobs_image([gzip_of(make())])


def members(*items: Member) -> Make:
    return lambda: single_image([list(items)])


@functools.lru_cache(maxsize=None)
def bomb(count: int) -> bytes:
    """A gzip stream of a tar with one file of ``count`` zeros, a multiple of 1 MiB."""
    head, piece = header(b"zeros", octal(min(count, 8**11 - 1), 12)), bytes(2**20)
    engine = zlib.compressobj(9, zlib.DEFLATED, -15)
    begin = engine.compress(head) + engine.flush(zlib.Z_FULL_FLUSH)
    # What comes after a full flush refers to nothing before it: it is the same for every piece.
    again = engine.compress(piece) + engine.flush(zlib.Z_FULL_FLUSH)
    checksum = zlib.crc32(head)
    for _ in range(count // len(piece)):
        checksum = zlib.crc32(piece, checksum)
    trailer = struct.pack("<II", checksum, (len(head) + count) % 2**32)
    return b"\x1f\x8b\x08" + bytes(6) + b"\xff" + begin + again * (count // len(piece)) + engine.flush() + trailer


def zstd_bomb(blocks: int) -> bytes:
    """A zstd frame of run-length blocks: four bytes each, 128 KiB out of each (RFC 8878, 3.1.1.2)."""
    head = b"\x28\xb5\x2f\xfd\x00\x58"  # window descriptor: 2 MiB
    block = ((128 * 1024) << 3 | 1 << 1).to_bytes(3, "little") + b"\0"
    last = ((128 * 1024) << 3 | 1 << 1 | 1).to_bytes(3, "little") + b"\0"
    return head + block * blocks + last


def nested(depth: int) -> Make:
    """Indexes within indexes."""

    def make() -> Store:
        made = single_image([[Member("a")]])
        kind, digest = OCI_MANIFEST, made.tags[(NAME, "1.0")]
        for _ in range(depth):
            entry = {"mediaType": kind, "digest": digest, "size": len(made.manifests[digest].body)}
            body = json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [entry]}).encode()
            kind, digest = OCI_INDEX, "sha256:" + hashlib.sha256(body).hexdigest()
            made.manifests[digest] = Stored(kind, body)
        made.tags[(NAME, "1.0")] = digest
        return made

    return make


def index(entries: List[Dict[str, Any]]) -> Make:
    return document(json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries}).encode(), OCI_INDEX)


def _each_layer(**values: Any) -> Callable[[Dict[str, Any]], None]:
    def change(parsed: Dict[str, Any]) -> None:
        for layer in parsed["layers"]:
            layer.update(values)

    return change


def _both(parsed: Dict[str, Any]) -> None:
    parsed["manifests"] = []


def _long_chain(count: int) -> bytes:
    return b"".join(header(b"l%d" % n, kind=b"2", target=b"l%d" % (n + 1)) for n in range(count)) + END


def _truncated() -> bytes:
    return gzip_of(tar_of([Member("a", body=b"x" * 100000), Member("b")]))[:-100]


SHA = "sha256:" + "0" * 64
DOCUMENTS: Dict[str, Make] = {
    "manifest: nothing": document(b""),
    "manifest: no JSON": document(b"<html>\x1b[31m</html>"),
    "manifest: not UTF-8": document(b'{"schemaVersion": 2, "a": "\xff\xfe"}'),
    "manifest: a list": document(b"[]"),
    "manifest: a number": document(b"5"),
    "manifest: deep": document(b"[" * 100000 + b"]" * 100000),
    "manifest: deep object": document(b'{"a":' * 100000 + b"1" + b"}" * 100000),
    "manifest: 5 MB": document(b'{"schemaVersion": 2, "x": "' + b"x" * 5000000 + b'"}'),
    "manifest: a number of a million digits": document(b'{"schemaVersion": ' + b"9" * 1000000 + b"}"),
    "manifest: index and manifest at once": changed(_both),
    "manifest: another schemaVersion": changed(lambda it: it.update(schemaVersion=3)),
    "manifest: no layers": changed(lambda it: it.pop("layers") and None),
    "manifest: layers no list": changed(lambda it: it.update(layers={"a": 1})),
    "manifest: a layer that is a text": changed(lambda it: it.update(layers=["sha256:0"])),
    "manifest: 20 000 layers": changed(lambda it: it.update(layers=it["layers"] * 20000)),
    "manifest: digest with a path": changed(_each_layer(digest="sha256:../../../etc/passwd")),
    "manifest: digest too short": changed(_each_layer(digest="sha256:abc")),
    "manifest: digest with escapes": changed(_each_layer(digest="sha256:" + ESC)),
    "manifest: digest of another kind": changed(_each_layer(digest="md5:" + "0" * 32)),
    "manifest: digest a number": changed(_each_layer(digest=5)),
    "manifest: negative size": changed(_each_layer(size=-1)),
    "manifest: size a text": changed(_each_layer(size="many")),
    "manifest: size beyond 64 bits": changed(_each_layer(size=2**70)),
    "manifest: size NaN": changed(_each_layer(size=float("nan"))),
    "manifest: size true": changed(_each_layer(size=True)),
    "manifest: layers too small a size": changed(_each_layer(size=3)),
    "manifest: layers too large a size": changed(_each_layer(size=10**15)),
    "manifest: media type with escapes": changed(_each_layer(mediaType=ESC)),
    "manifest: media type a list": changed(_each_layer(mediaType=[1])),
    "manifest: config missing": changed(lambda it: it.pop("config") and None),
    "manifest: config of a terabyte": changed(lambda it: it["config"].update(size=2**40)),
    "manifest: config elsewhere": changed(lambda it: it["config"].update(digest=SHA)),
    "manifest: data that is not the digest's": changed(_each_layer(data="AAAA")),
    "manifest: data that is no base64": changed(_each_layer(data="?")),
    "index: of nothing": index([]),
    "index: nested ten deep": nested(10),
    "index: of itself": index([{"mediaType": OCI_INDEX, "digest": SHA, "size": 10}]),
    "index: 5 000 entries": index([{"mediaType": OCI_MANIFEST, "digest": SHA, "size": 10}] * 5000),
    "index: platform with escapes": index(
        [{"mediaType": OCI_MANIFEST, "digest": SHA, "size": 2, "platform": {"os": ESC, "architecture": ESC}}]
    ),
    "index: platform a list": index([{"mediaType": OCI_MANIFEST, "digest": SHA, "size": 2, "platform": []}]),
    "config: no JSON": config(b"\x1b[31m"),
    "config: a list": config([]),
    "config: deep": config(b'{"a":' * 50000 + b"1" + b"}" * 50000),
    "config: history no list": config({"os": "linux", "architecture": "amd64", "history": "x"}),
    "config: history with escapes": config(
        {"os": "linux", "architecture": "amd64", "history": [{"created_by": ESC, "created": ESC, "author": ESC}]}
    ),
    "config: 200 000 steps": config(
        {"os": "linux", "architecture": "amd64", "history": [{"empty_layer": True}] * 200000}
    ),
    "config: a platform of escapes": config({"os": ESC, "architecture": ESC, "variant": ESC}),
}  # fmt: skip
LAYERS: Dict[str, Make] = {
    "layer: gzip bomb of 2 GiB": lambda: blobs_image([bomb(2 * 2**30)]),
    "layer: zstd bomb of 16 GiB": lambda: blobs_image([zstd_bomb(131072)]),
    "layer: no gzip after the first byte": blob(b"\x1f\x8b\x08\x00" + b"\xff" * 5000),
    "layer: gzip cut off": lambda: blobs_image([_truncated()]),
    "layer: gzip with a wrong checksum": lambda: blobs_image([gzip_of(tar_of([Member("a")]))[:-8] + bytes(8)]),
    "layer: 200 000 empty gzip members": lambda: blobs_image([gzip.compress(b"") * 200000]),
    "layer: nothing": blob(b""),
    "layer: zeros": blob(bytes(100000)),
    "layer: text": blob(b"hello " * 1000),
    "layer: zstd of a window of 2 GiB": blob(b"\x28\xb5\x2f\xfd\x00\xa8\x01\x00\x00"),
    "layer: zstd of skippable frames": blob((b"\x50\x2a\x4d\x18" + bytes(4)) * 200000),
    "layer: zstd of a huge skippable frame": blob(b"\x50\x2a\x4d\x18\xff\xff\xff\xff" + bytes(1000)),
    "tar: a wrong checksum": tar(header(b"a")[:148] + b"0000000\0" + header(b"a")[156:] + END),
    "tar: cut off in a body": tar(member(b"a", b"x" * 5000)[:2000]),
    "tar: a negative size": tar(header(b"a", b"\xff" * 12) + END),
    "tar: a size of 2**80": tar(header(b"a", b"\x80" + b"\x00" * 0 + b"\x7f" * 11) + END),
    "tar: a size of letters": tar(header(b"a", b"size of it!\0") + END),
    "tar: a pax header of 100 MB": tar(header(b"x", octal(100 * 2**20, 12), kind=b"x") + bytes(4096)),
    "tar: a pax record that lies about its length": tar(pax(b"9999 path=x\n") + header(b"a") + END),
    "tar: a pax record of length 0": tar(pax(b"0 path=x\n") + header(b"a") + END),
    "tar: a pax record of length 10**30": tar(pax(b"1" + b"0" * 30 + b" path=x\n") + header(b"a") + END),
    "tar: a pax size that is negative": tar(pax(record("size", "-5")) + header(b"a") + END),
    "tar: a pax size of letters": tar(pax(record("size", "x")) + header(b"a") + END),
    "tar: a pax path with NUL": tar(pax(record("path", "a\0b")) + header(b"a") + END),
    "tar: a pax time that is not a number": tar(pax(record("mtime", "nan")) + header(b"a") + END),
    "tar: a long name of 10 MB": tar(header(b"L", octal(10 * 2**20, 12), kind=b"L") + bytes(4096)),
    "tar: pax headers without end": tar(pax(record("path", "x")) * 20000 + END),
    "tar: a million zero blocks, then an entry": tar(bytes(512) * 100000 + header(b"hidden") + END),
    "tar: names with escapes": members(Member(ESC), Member("l" + ESC, tarfile.SYMTYPE, target=ESC)),
    "tar: names with line breaks": members(Member("a\nLayer 9  sha256:fake\r\n= 1 entries"), Member("b\u2028c")),
    "tar: names that are not UTF-8": tar(header(b"\xff\xfe\x9b31m") + header(b"l", kind=b"2", target=b"\x9b") + END),
    "tar: owners with escapes": tar(header(b"a", uname=b"\x1b[31mroot") + END),
    "tar: names that climb": members(Member("../../../etc/passwd"), Member("/etc/shadow"), Member("a/../../b")),
    "tar: links that climb": members(
        Member("up", tarfile.SYMTYPE, target="../../../../etc"),
        Member("up/passwd", body=b"x"),
        Member("hard", tarfile.LNKTYPE, target="../../../etc/passwd"),
    ),
    "tar: links in a circle": members(
        Member("a", tarfile.SYMTYPE, target="b"),
        Member("b", tarfile.SYMTYPE, target="a"),
        Member("c", tarfile.LNKTYPE, target="c"),
    ),
    "tar: a chain of 50 000 links": large_tar(lambda: _long_chain(50000)),
    "tar: 5 000 folders in one another": members(Member("/".join(["d"] * 5000))),
    "tar: two entries of one name": members(Member("a", body=b"one"), Member("./a", body=b"two"), Member("a/")),
    "tar: whiteouts of everything": members(Member(".wh.."), Member(".wh..."), Member(".wh."), Member(".wh..wh..opq")),
    "tar: 50 000 whiteouts": large_tar(lambda: b"".join(header(b".wh.%d" % n) for n in range(50000)) + END),
    "tar: types that nobody knows": tar(
        header(b"a", kind=b"Z") + header(b"b", kind=b"\0") + header(b"c", kind=b"\xff") + END
    ),
    "tar: a sparse map that lies": tar(header(b"s", octal(0, 12), kind=b"S", tail=b"77777777777\0" * 8) + END),
}  # fmt: skip
ALL: Dict[str, Make] = dict(DOCUMENTS, **LAYERS)


@functools.lru_cache(maxsize=None)
def _made(name: str) -> Store:
    return ALL[name]()


def by_name(name: str) -> Store:
    """Return a registry's content with the image of that name, tagged 1.0, that a test may change."""
    made = _made(name)
    return Store(dict(made.blobs), dict(made.manifests), dict(made.tags))
