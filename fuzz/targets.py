"""What is fuzzed: each target takes any bytes, and states by its assertions what must hold."""

from __future__ import annotations

import io
import itertools
import json
import tarfile
from typing import BinaryIO, Callable, Dict, Iterator, List, Optional
from urllib.parse import urlsplit

from layerslayer.cache.column_writer import pack
from layerslayer.cache.columns import unpack
from layerslayer.demo.image import Member, gzip_of, tar_of
from layerslayer.demo.shop import demo_store
from layerslayer.errors import LayerslayerError, RegistryError
from layerslayer.escaping import original, printable
from layerslayer.filesystem.node import normal
from layerslayer.formats.checkpoints import Point, Points, unpack_points
from layerslayer.formats.decompress import Decompressor
from layerslayer.formats.entry import Entry
from layerslayer.formats.tar.reader import TarWalker
from layerslayer.layers.toc import estargz, zstd_chunked
from layerslayer.layers.toc.chunked import Toc
from layerslayer.layers.toc.ztoc import Ztoc
from layerslayer.oci.config import parse_config
from layerslayer.oci.descriptor import Descriptor
from layerslayer.oci.manifest import parse_manifest
from layerslayer.oci.reference import parse_target
from layerslayer.registry.auth.challenges import parse_challenges
from layerslayer.registry.credentials import auth_files
from layerslayer.registry.http.origin import address_from, read_address
from layerslayer.registry.http.redaction import redacted, scrubbed
from layerslayer.registry.http.retries import retry_after
from tests.support.ztoc_writer import ztoc_of

from . import building
from .frames import leap_frames
from .leaps import leap

_MOST = 64 * 1024 * 1024  # bytes inflated in one go at most
_DIGEST = "sha256:" + "0" * 64
_TOC = json.dumps(
    {
        "version": 1,
        "entries": [
            {"name": "d/", "type": "dir", "modtime": "2026-01-15T09:30:00+01:00", "mode": 493, "uid": 1},
            {"name": "d/a", "type": "reg", "size": 9, "offset": 8, "endOffset": 90, "digest": _DIGEST, "chunkSize": 4},
            {"name": "d/a", "type": "chunk", "offset": 20, "chunkOffset": 4, "chunkDigest": _DIGEST, "innerOffset": 2},
            {"name": "l", "type": "symlink", "linkName": "d/a", "xattrs": {"user.a": "YQ=="}},
            {"name": "n", "type": "char", "devMajor": 1, "devMinor": 3},
            {"name": "z", "type": "reg", "size": 5, "chunkType": "zeros", "chunkSize": 5},
        ],
    }
).encode()


def _walked(data: bytes, step: int) -> List[Entry]:
    walker = TarWalker()
    entries: List[Entry] = []
    try:
        for at in range(0, len(data), step):
            entries += walker.feed(data[at : at + step])
        entries += walker.close()
    except LayerslayerError:
        entries += walker.entries
    return entries


def tar(data: bytes) -> None:
    """However a tar arrives, its entries are the same; each can be shown, and kept."""
    entries = _walked(data, 1 << 20)
    assert _walked(data, 513) == entries
    for entry in entries:
        normal(entry.name)
        assert original(printable(entry.name)) == entry.name
    try:
        kept = pack(entries)
    except ValueError:
        return
    assert unpack(kept) == entries


def tar_headers(data: bytes) -> None:
    """The same of an archive whose headers are what they are by their own checksums."""
    tar(building.with_checksums(data))
    tar_as_tarfile(building.with_checksums(data))


def tar_as_tarfile(data: bytes) -> None:
    """What tarfile lists of a sound archive of ordinary members, the walk lists first and just so."""
    try:
        with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as archive:
            # A negative size leads tarfile back to where it was: it would list the same members for ever.
            listed = list(itertools.islice(archive, len(data) // 512 + 1))
        found = [item for item in listed if item.isreg() and not item.sparse]
    except (tarfile.TarError, OSError, ValueError, EOFError, OverflowError, MemoryError, RecursionError):
        return
    # Where tarfile differs from Go's archive/tar, which the walk follows: a size field that begins with NUL is 0
    # for it, and an old directory, known by the slash after its (long) name, a file with a body.
    if any(not data[item.offset_data - 512 + 124] or item.name.endswith("/") for item in found):
        return
    walker = TarWalker()
    try:
        entries = walker.feed(data) + walker.close()
    except LayerslayerError:
        return  # it says so; tarfile is silent about much
    ours = [entry for entry in entries if entry.kind == "-" and not entry.hidden]
    if len(ours) == len(found):
        assert [entry.size for entry in ours] == [item.size for item in found]


def compression(data: bytes) -> None:
    """Any stream ends, or ends in a sentence; pieces stay small."""
    count = 0
    try:
        for piece in Decompressor().run(iter([data[at : at + 4096] for at in range(0, len(data), 4096)])):
            assert len(piece) <= 4 * 1024 * 1024
            count += len(piece)
            if count > _MOST:
                return
    except LayerslayerError:
        pass


def manifest(data: bytes) -> None:
    """A document is a manifest or an index, or refused in a sentence."""
    for kind in ("", "application/vnd.oci.image.index.v1+json"):
        try:
            parse_manifest(data, kind)
        except LayerslayerError:
            pass


def config(data: bytes) -> None:
    """A config is read, or refused in a sentence."""
    try:
        parse_config(data, 3)
    except LayerslayerError:
        pass


def _found(finder: Callable[..., Optional[Toc]], blob: bytes) -> None:
    """A table names only what can be shown; a file of it is read within its bounds, or refused in a sentence."""

    def part(start: int, length: int) -> BinaryIO:
        assert start >= 0 and length > 0 and start + length <= len(blob)
        return io.BytesIO(blob[start : start + length])

    try:
        found = finder(Descriptor("", _DIGEST, len(blob), {}), part)
    except LayerslayerError:
        return
    for number, entry in enumerate(found.entries if found else ()):
        assert original(printable(entry.name)) == entry.name
        if found and number in found.files and number < 20:
            try:
                assert sum(map(len, found.read_file(number, part))) == found.files[number].size
            except LayerslayerError:
                pass


def footers(data: bytes) -> None:
    """A publisher's index at the end of a blob is read, absent, or refused in a sentence."""
    for finder in (estargz.find, zstd_chunked.find):
        _found(finder, data)


def toc(data: bytes) -> None:
    """A table of contents, in the frames it comes in, is read, or refused in a sentence."""
    _found(estargz.find, building.estargz(data))
    _found(zstd_chunked.find, building.zstd_chunked(data))


_LAYER = gzip_of(tar_of([Member("d/", tarfile.DIRTYPE), Member("d/a", body=b"x" * 700), Member("b", body=b"y" * 9)]))


def ztoc(data: bytes) -> None:
    """A ztoc is read, or refused in a sentence; so are the files that it says to be in a layer."""
    layer = Descriptor("application/vnd.oci.image.layer.v1.tar+gzip", _DIGEST, len(_LAYER), {})
    try:
        found = Ztoc("SOCI", data, layer, False)
    except LayerslayerError:
        return
    assert sum(len(entry.name) + 40 for entry in found.entries) <= 2 * len(data) + 2048
    for index, entry in enumerate(found.entries):
        normal(entry.name)
        if entry.kind != "-":
            continue
        try:
            pieces = found.read_file(index, lambda start, length: io.BytesIO(_LAYER[start : start + length]))
            assert sum(map(len, pieces)) == entry.size
        except LayerslayerError:
            pass


def challenges(data: bytes) -> None:
    """Any header is read."""
    text = data.decode("latin-1")
    for challenge in parse_challenges(text):
        assert challenge.scheme == challenge.scheme.lower()
    retry_after(text, 0.0)


def references(data: bytes) -> None:
    """A reference that is taken reads the same once it was written out."""
    text = data.decode("utf-8", "replace")
    try:
        parsed = parse_target(text)
    except LayerslayerError:
        return
    assert parse_target(str(parsed)) == parsed


def addresses(data: bytes) -> None:
    """An address that is taken reads the same once it was written out, also by Python's own reader."""
    text = data.decode("utf-8", "surrogateescape")
    for read in (read_address, lambda text: address_from("https://a.example:5000/v2/b?n=1", text)):
        try:
            address = read(text)
        except RegistryError:
            continue
        assert read_address(address.url) == address._replace(named_user=False)
        parts = urlsplit(address.url)
        assert (parts.scheme, parts.hostname) == address.origin[:2] and "@" not in parts.netloc
        assert redacted(address.url).startswith("{0}://{1}/".format(parts.scheme, parts.netloc))
    assert redacted(text) and scrubbed(text, {text[:9] or "-"}) is not None


def logins(data: bytes) -> None:
    """A file of logins is read, or refused in a sentence that quotes nothing of it."""
    try:
        auth_files.find(auth_files.parse(data, "FILE"), "ghcr.io", "a/b", "FILE")
    except LayerslayerError as error:
        assert len(str(error)) < 200


def columns(data: bytes) -> None:
    """What the store does not know as its own is refused as ValueError."""
    try:
        unpack(data)
    except ValueError:
        pass


def points(data: bytes) -> None:
    """The store's points: refused as ValueError, or they come back as they were."""
    try:
        found = unpack_points(data)
        for stored, out in zip(found.stored, found.tar):
            if found.windows:
                found.window(Point(stored, out))
    except ValueError:
        return
    assert unpack_points(found.pack()) == found


def escaping(data: bytes) -> None:
    """What is shown can be read back, and does nothing to a terminal."""
    text = data.decode("utf-8", "surrogateescape")
    shown = printable(text)
    assert original(shown) == text
    assert not any(ord(sign) < 32 or 127 <= ord(sign) < 160 for sign in shown)


TARGETS: Dict[str, Callable[[bytes], None]] = {
    target.__name__: target
    for target in (
        tar, tar_headers, tar_as_tarfile, compression, manifest, config, footers, toc, ztoc, challenges, references,
        addresses, logins, columns, points, escaping, leap, leap_frames,
    )
}  # fmt: skip


def seeds(name: str) -> Iterator[bytes]:
    """Yield small inputs that a target takes, for mutations to begin with."""
    store = demo_store()
    members = [
        Member("d/", tarfile.DIRTYPE),
        Member("d/a", body=b"x" * 700),
        Member("l", tarfile.SYMTYPE, target="d/a"),
    ]
    archive = tar_of([*members, Member("n" * 150)])
    yield b""
    if name.startswith("tar"):
        yield archive
        yield tar_of([Member("\u00fc" * 60), Member("h", tarfile.LNKTYPE, target="d/a")])
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w", format=tarfile.GNU_FORMAT) as made:
            made.addfile(tarfile.TarInfo("long/" * 40))
        yield out.getvalue()
    elif name == "toc":
        yield _TOC
        yield json.dumps({"version": 1, "entries": [{"name": "a", "type": "reg", "size": 1}]}).encode()
    elif name == "footers":
        yield building.estargz(_TOC)
        yield building.zstd_chunked(_TOC)
    elif name == "compression":
        yield gzip_of(archive)
        yield gzip_of(archive) * 2
        try:
            import zstandard
        except ImportError:
            return
        yield zstandard.ZstdCompressor().compress(archive)
        yield b"\x50\x2a\x4d\x18\x04\x00\x00\x00abcd" + zstandard.ZstdCompressor().compress(archive)
    elif name == "ztoc":
        yield ztoc_of(_LAYER, first=False)
        yield ztoc_of(_LAYER)
    elif name == "manifest":
        yield from (stored.body for stored in store.manifests.values())
    elif name == "config":
        yield from (body for body in store.blobs.values() if body.startswith(b"{"))
    elif name == "challenges":
        yield b'Bearer realm="https://a.example/token",service="s",scope="repository:a/b:pull,push"'
        yield b'Basic realm="x", Bearer realm="y\\"z", Negotiate'
        yield b"Wed, 21 Oct 2015 07:28:00 GMT"
    elif name == "addresses":
        yield b"https://me:pw@a.example:443/v2/b/../c?n=1;sig=2#d"
        yield b"//[::1]:80/x;y=1?eyJhbGciOiJI"
        yield b"http://evil.example\\@a.example/"
    elif name == "references":
        for text in ("a", "ghcr.io/a/b:1.0", "oci:dir:tag", "[::1]:5000/a@sha256:" + "0" * 64, "docker-archive:f:x:1"):
            yield text.encode()
    elif name == "logins":
        yield json.dumps({"auths": {"ghcr.io": {"auth": "YTpi"}}, "credHelpers": {"a": "b"}}).encode()
    elif name == "columns":
        yield pack(_walked(archive, 512))
    elif name == "leap_frames":
        for number in range(32):
            yield bytes((number,))
            yield bytes((number, number, 7 * number, 13 * number % 256, 99))
    elif name == "leap":
        for number in range(20):
            yield bytes((number,))
            yield bytes((number, number, 7 * number, 13 * number % 256, 99))
    elif name == "points":
        kept = Points()
        for number in range(1, 4):
            kept.add(Point(number * 1000, number * 3000))
            kept.add_window(archive[-300 * number :])
        yield kept.pack()
    elif name == "escaping":
        yield "a\x1b[31m\u202e\\x1b\u00fc".encode()
