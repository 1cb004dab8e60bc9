"""Layers for SOCI indexes: of many files, compressed in several ways, and the honest parts of an index."""

from __future__ import annotations

import io
import random
import struct
import tarfile
import zlib
from typing import Any, Callable, Dict, Tuple

from layerslayer.demo.image import gzip_of
from layerslayer.layers.toc.base import OpenRange
from layerslayer.layers.toc.ztoc import Ztoc
from layerslayer.limits import DEFAULT, Limits

from . import blobs
from . import ztoc_writer as writer

_RANDOM = random.Random(11)
_WORDS = [bytes(_RANDOM.randrange(97, 123) for _ in range(_RANDOM.randrange(2, 9))) for _ in range(300)]


def words(count: int) -> bytes:
    return b" ".join(_RANDOM.choice(_WORDS) for _ in range(count))


def noise(count: int) -> bytes:
    return bytes(_RANDOM.randrange(256) for _ in range(count))


BODIES: Dict[str, bytes] = {
    "etc/passwd": b"root:x:0:0\n",
    "words": words(14_000),
    "noise": noise(40_000),
    "empty": b"",
    "more": words(20_000),
    "zeros": bytes(100_000),
    "last": words(9_000),
}


def tar() -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:

        def add(name: str, kind: bytes, body: bytes = b"", **more: Any) -> None:
            info = tarfile.TarInfo(name)
            info.type, info.size, info.mtime, info.uname = kind, len(body), 1700000000, "root"
            for key, value in more.items():
                setattr(info, key, value)
            archive.addfile(info, io.BytesIO(body))

        add("etc/", tarfile.DIRTYPE, mode=0o755)
        for name, body in BODIES.items():
            add(name, tarfile.REGTYPE, body, mode=0o4755, mtime=1700000000.5)
        add("bin", tarfile.SYMTYPE, linkname="usr/bin", uid=1000, gid=70000)
        add("hard", tarfile.LNKTYPE, linkname="words")
        add("null", tarfile.CHRTYPE, devmajor=1, devminor=3)
        add("n" * 180 + "\udcff\u00fc", tarfile.REGTYPE, b"x")
        add("caps", tarfile.REGTYPE, b"y", pax_headers={"SCHILY.xattr.security.capability": "\x01\x02"})
    return out.getvalue()


def fine(body: bytes) -> bytes:
    """Return gzip of blocks of 128 symbols each."""
    engine = zlib.compressobj(9, zlib.DEFLATED, 31, 1)
    return engine.compress(body) + engine.flush()


TAR = tar()
LAYER = fine(TAR)
MEMBERS = b"".join(gzip_of(TAR[at : at + 60_000]) for at in range(0, len(TAR), 60_000))


class Blob(blobs.Blob):
    def __init__(self, body: bytes, limits: Limits = DEFAULT) -> None:
        super().__init__(body, "application/vnd.oci.image.layer.v1.tar")
        self._limits = limits

    def ztoc(self, body: bytes) -> Ztoc:
        return Ztoc("SOCI v2", body, self.descriptor, True, self._limits)


KINDS: Dict[str, Tuple[bytes, Callable[[bytes, int], bytes]]] = {
    "gzip": (LAYER, writer.ztoc_of),
    "gzip of large blocks": (gzip_of(TAR), writer.ztoc_of),
    "gzip, the first checkpoint left out": (LAYER, lambda body, span: writer.ztoc_of(body, span, False)),
    "gzip of many members": (MEMBERS, writer.ztoc_of),
    "not compressed": (TAR, writer.plain_ztoc_of),
}


def parts(span: int = 1 << 14) -> Dict[str, Any]:
    """The honest parts of a ztoc of LAYER, as ``writer.ztoc`` takes them."""
    found = writer.checkpoints(LAYER, span)
    return {
        "files": writer.metadata(TAR),
        "sizes": (len(LAYER), len(TAR)),
        "digests": writer.span_digests(LAYER, found),
        "zinfo": writer.checkpoints_blob(found, True, span),
    }


HONEST = parts()


def read(toc: Ztoc, name: str, open_range: OpenRange) -> bytes:
    index = [entry.name for entry in toc.entries].index(name)
    return b"".join(toc.read_file(index, open_range))


SECOND = 12 + 32785  # where the second checkpoint's record stands


def changed(place: int, kind: str, value: int, blob: bytes = HONEST["zinfo"]) -> bytes:
    body = bytearray(blob)
    struct.pack_into("<" + kind, body, place, value)
    return bytes(body)
