"""Writes small eStargz layers, as stargz-snapshotter's ``docs/estargz.md`` describes them."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from typing import Any, Callable, Dict, List, NamedTuple, Optional

from .tars import TOC_TYPES


class Built(NamedTuple):
    """A layer and the digest of its table of contents."""

    blob: bytes
    toc_digest: str
    toc: Dict[str, Any]


class File(NamedTuple):
    """A member to write."""

    name: str
    body: bytes = b""
    kind: bytes = tarfile.REGTYPE
    target: str = ""
    mode: int = 0o644


def _header(file: File) -> tarfile.TarInfo:
    info = tarfile.TarInfo(file.name)
    info.type, info.size, info.mode, info.linkname = file.kind, len(file.body), file.mode, file.target
    info.mtime, info.uname = 1700000000, "root"
    if file.kind == tarfile.CHRTYPE:
        info.devmajor, info.devminor = 1, 3
    return info


def _member(data: bytes) -> bytes:
    return gzip.compress(data, 6)


def footer(offset: int, legacy: bool = False) -> bytes:
    """Return the 51 (legacy 47) bytes that end a layer."""
    payload = "{:016x}STARGZ".format(offset).encode()
    extra = payload if legacy else b"SG\x16\x00" + payload
    head = b"\x1f\x8b\x08\x04\0\0\0\0\0\xff" + len(extra).to_bytes(2, "little") + extra
    return head + b"\x01\0\0\xff\xff" + bytes(8)


def estargz(
    files: List[File],
    chunk: int = 1 << 22,
    legacy: bool = False,
    shared: int = 0,
    lie: Callable[[List[Dict[str, Any]]], None] = lambda entries: None,
) -> Built:
    """Return a layer of ``files``; bodies in members of ``chunk`` bytes each.

    ``shared`` files at the start stand together in one member (``innerOffset``).
    ``lie`` changes what its table says.
    """
    blob = bytearray()
    entries: List[Dict[str, Any]] = []
    together: Optional[bytearray] = bytearray() if shared else None
    for number, file in enumerate([*files, File(".no.prefetch.landmark", b"\x0f")]):
        header = _header(file).tobuf(tarfile.GNU_FORMAT)
        entry: Dict[str, Any] = {"name": file.name, "type": TOC_TYPES[file.kind], "mode": file.mode}
        entry["modtime"] = "2023-11-14T22:13:20Z"
        if number == 0:
            entry["userName"] = "root"
        if file.target:
            entry["linkName"] = file.target
        if file.kind == tarfile.CHRTYPE:
            entry.update(devMajor=1, devMinor=3)
        entries.append(entry)
        padded = file.body + bytes(-len(file.body) % 512)
        if together is not None and number < shared:
            together += header
            if file.body:
                entry.update(_content(file.body, len(blob), file.body), innerOffset=len(together))
                entry.pop("chunkSize", None)
            together += padded
            continue
        if together:
            blob += _member(bytes(together))
        together = None
        blob += _member(header)
        for at in range(0, len(file.body), chunk):
            piece = file.body[at : at + chunk]
            described = _content(file.body, len(blob), piece)
            if at:
                entries.append(dict(described, type="chunk", name=file.name, chunkOffset=at))
                entries[-1].pop("size")
                entries[-1].pop("digest")
            else:
                entry.update(described)
            blob += _member(piece)
        blob += _member(bytes(-len(file.body) % 512)) if file.body and len(file.body) % 512 else b""
    if together:
        blob += _member(bytes(together))
    lie(entries)
    toc = {"version": 1, "entries": entries}
    body = json.dumps(toc).encode()
    offset = len(blob)
    info = tarfile.TarInfo("stargz.index.json")
    info.size = len(body)
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as archive:
        archive.addfile(info, io.BytesIO(body))
    blob += _member(buffer.getvalue()) + footer(offset, legacy)
    return Built(bytes(blob), "sha256:" + hashlib.sha256(body).hexdigest(), toc)


def _content(body: bytes, offset: int, piece: bytes) -> Dict[str, Any]:
    return {
        "size": len(body),
        "digest": "sha256:" + hashlib.sha256(body).hexdigest(),
        "offset": offset,
        "chunkSize": len(piece) if len(piece) != len(body) else 0,
        "chunkDigest": "sha256:" + hashlib.sha256(piece).hexdigest(),
    }
