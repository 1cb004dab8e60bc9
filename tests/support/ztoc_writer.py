"""Writes the ztoc of a layer as soci-snapshotter does: FlatBuffers, and checkpoints at boundaries of deflate blocks."""

from __future__ import annotations

import datetime
import functools
import gzip
import hashlib
import io
import struct
import tarfile
import zlib
from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Tuple

from .deflate_blocks import blocks
from .tars import TOC_TYPES

WINDOW = 32 * 1024


class Number(NamedTuple):
    """A number of a FlatBuffers table, by its letter in ``struct``."""

    value: int
    kind: str


class Table(NamedTuple):
    """A FlatBuffers table: Number, bytes (a string or vector of them), Table, list of either, or None for absent."""

    fields: Sequence[Any]


def flatbuffer(root: Table) -> bytes:
    """Return a buffer; whatever is referred to stands behind, in order."""
    out = bytearray(4)
    waiting: List[Tuple[int, Any]] = [(0, root)]
    while waiting:
        place, value = waiting.pop(0)
        out += bytes(-len(out) % 8)
        if isinstance(value, Table):
            at = _put_table(out, value, waiting)
        else:
            at = len(out)
            out += struct.pack("<I", len(value))
            if isinstance(value, bytes):
                out += value + b"\0"
            else:
                waiting += [(len(out) + 4 * number, item) for number, item in enumerate(value)]
                out += bytes(4 * len(value))
        struct.pack_into("<I", out, place, at - place)
    return bytes(out)


def _put_table(out: bytearray, table: Table, waiting: List[Tuple[int, Any]]) -> int:
    body, offsets, references = bytearray(4), [], []
    for value in table.fields:
        kind = value.kind if isinstance(value, Number) else "I"
        if value is None:
            offsets.append(0)
            continue
        body += bytes(-len(body) % struct.calcsize(kind))
        offsets.append(len(body))
        if not isinstance(value, Number):
            references.append((len(body), value))
        body += struct.pack("<" + kind, value.value if isinstance(value, Number) else 0)
    vtable = struct.pack("<{}H".format(2 + len(offsets)), 4 + 2 * len(offsets), len(body), *offsets)
    out += bytes(-(len(out) + len(vtable)) % 8) + vtable
    at = len(out)
    struct.pack_into("<i", body, 0, len(vtable))
    out += body
    waiting += [(at + inside, value) for inside, value in references]
    return at


class Checkpoint(NamedTuple):
    """Where a span begins: as stored, in the tar, bits of the byte before, and the output before."""

    place: int
    out: int
    bits: int
    window: bytes


def checkpoints(layer: bytes, span: int) -> List[Checkpoint]:
    """Return the checkpoints of a gzip layer, about ``span`` bytes of output apart; headers are of ten bytes."""
    plain = gzip.decompress(layer)
    found: List[Checkpoint] = []
    for bit, reached in _block_starts(layer):
        if reached == 0 or reached - found[-1].out > span:
            window = plain[max(reached - WINDOW, 0) : reached].rjust(WINDOW, b"\0")
            found.append(Checkpoint(-(-bit // 8), reached, -bit % 8, window))
    return found


@functools.lru_cache(maxsize=16)
def _block_starts(layer: bytes) -> Sequence[Tuple[int, int]]:
    """Return where each block of a gzip layer begins, but the last of each member: in bits, and in the tar."""
    found: List[Tuple[int, int]] = []
    at = out = 0
    while at < len(layer):
        member = zlib.decompressobj(31)
        inflated = len(member.decompress(layer[at:]))
        begin = at + 10
        found += [(8 * begin + block.bit, out + block.out) for block in list(blocks(layer[begin:]))[:-1]]
        out += inflated
        at = len(layer) - len(member.unused_data)
    return tuple(found)


def checkpoints_blob(found: Sequence[Checkpoint], first: bool = True, span: int = 1 << 22) -> bytes:
    """Return them as stored; without the first one as the first version did."""
    records = [struct.pack("<qqB", item.place, item.out, item.bits) + item.window for item in found]
    return struct.pack("<iq", len(found), span) + b"".join(records[0 if first else 1 :])


def span_digests(layer: bytes, found: Sequence[Checkpoint]) -> List[str]:
    """Return the digests of the spans that begin at checkpoints."""
    ends = [item.place for item in found[1:]] + [len(layer)]
    return [digest(layer[item.place - (1 if item.bits else 0) : end]) for item, end in zip(found, ends)]


def digest(body: bytes) -> str:
    return "sha256:" + hashlib.sha256(body).hexdigest()


def metadata(tar: bytes) -> List[Dict[str, Any]]:
    """Return what a ztoc says of each member of a tar, by the names of the schema."""
    found: List[Dict[str, Any]] = []
    with tarfile.open(fileobj=io.BytesIO(tar)) as archive:
        for info in archive:
            when = datetime.datetime(1970, 1, 1) + datetime.timedelta(seconds=info.mtime)
            records = {key: value.encode("utf-8", "surrogateescape") for key, value in info.pax_headers.items()}
            found.append({
                "name": info.name + ("/" if info.isdir() else ""), "type": TOC_TYPES[info.type],
                "offset": info.offset_data, "size": info.size, "linkname": info.linkname, "mode": info.mode,
                "uid": info.uid, "gid": info.gid, "uname": info.uname, "gname": info.gname,
                "mod_time": when.isoformat() + "Z", "major": info.devmajor, "minor": info.devminor, "pax": records,
            })  # fmt: skip
    return found


def _file(item: Dict[str, Any]) -> Table:
    def text(key: str) -> bytes:
        return str(item[key]).encode("utf-8", "surrogateescape")

    def long(key: str) -> Number:
        return Number(item[key], "q")

    pairs = [Table([key.encode(), value]) for key, value in sorted(item["pax"].items())]
    return Table([
        text("name"), text("type"), long("offset"), long("size"), text("linkname"), long("mode"),
        Number(item["uid"], "I"), Number(item["gid"], "I"), text("uname"), text("gname"), text("mod_time"),
        long("major"), long("minor"), pairs,
    ])  # fmt: skip


def ztoc(
    files: Sequence[Dict[str, Any]],
    sizes: Tuple[int, int],
    digests: Sequence[str],
    zinfo: bytes,
    algorithm: Optional[int] = 1,
    last: Optional[int] = None,
    version: str = "0.9",
) -> bytes:
    """Return a ztoc; ``sizes`` as stored and inflated, ``last`` is the number of the last span if it is not true."""
    info = Table([
        None if algorithm is None else Number(algorithm, "b"),
        Number(len(digests) - 1 if last is None else last, "i"), [item.encode() for item in digests], zinfo,
    ])  # fmt: skip
    toc = Table([[_file(item) for item in files]])
    return flatbuffer(Table([version.encode(), b"tests", Number(sizes[0], "q"), Number(sizes[1], "q"), toc, info]))


def ztoc_of(layer: bytes, span: int = 1 << 14, first: bool = True) -> bytes:
    """Return the honest ztoc of a gzip layer."""
    tar = gzip.decompress(layer)
    found = checkpoints(layer, span)
    blob = checkpoints_blob(found, first, span)
    return ztoc(metadata(tar), (len(layer), len(tar)), span_digests(layer, found), blob)


def plain_ztoc_of(layer: bytes, span: int = 1 << 14) -> bytes:
    """Return the honest ztoc of a layer that is a tar as it is."""
    zinfo = flatbuffer(Table([Number(2, "i"), Number(span, "q"), Number(len(layer), "q")]))
    digests = [digest(layer[at : at + span]) for at in range(0, len(layer), span)]
    return ztoc(metadata(layer), (len(layer), len(layer)), digests, zinfo, 2)
