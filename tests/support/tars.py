"""Hand-made tar blocks and streams for the layer tests."""

from __future__ import annotations

import tarfile
from typing import Iterable, List

from layerslayer.formats.entry import Entry
from layerslayer.formats.tar.reader import TarWalker

END = bytes(1024)
# What publishers' tables of contents call the kinds of a tar's members.
TOC_TYPES = {
    tarfile.REGTYPE: "reg",
    tarfile.DIRTYPE: "dir",
    tarfile.SYMTYPE: "symlink",
    tarfile.LNKTYPE: "hardlink",
    tarfile.CHRTYPE: "char",
    tarfile.FIFOTYPE: "fifo",
}


def octal(value: int, width: int) -> bytes:
    return "{:0{}o}".format(value, width - 1).encode() + b"\0"


def header(
    name: bytes,
    size: bytes = octal(0, 12),
    kind: bytes = b"0",
    target: bytes = b"",
    magic: bytes = b"ustar\x0000",
    prefix: bytes = b"",
    mtime: bytes = octal(0, 12),
    uid: bytes = octal(0, 8),
    uname: bytes = b"",
    tail: bytes = b"",
) -> bytes:
    """Return one header block with a right checksum; ``tail`` overwrites from offset 386."""
    block = bytearray(512)
    fields = (
        (0, name),
        (100, octal(0o644, 8) + uid + octal(0, 8)),
        (124, size),
        (136, mtime),
        (148, b" " * 8),
        (156, kind),
        (157, target),
        (257, magic),
        (265, uname),
        (345, prefix),
    )
    for at, value in fields:
        block[at : at + len(value)] = value
    if tail:
        block[386 : 386 + len(tail)] = tail
    block[148:156] = "{:06o}".format(sum(block)).encode() + b"\0 "
    return bytes(block)


def member(name: bytes, body: bytes = b"", **fields: bytes) -> bytes:
    return header(name, octal(len(body), 12), **fields) + body + bytes(-len(body) % 512)


def pax(records: bytes, kind: bytes = b"x") -> bytes:
    return member(b"PaxHeaders/x", records, kind=kind)


def record(key: str, value: str) -> bytes:
    text = " {}={}\n".format(key, value).encode()
    length = len(text) + 1
    while len(str(length)) + len(text) != length:
        length = len(str(length)) + len(text)
    return str(length).encode() + text


def pieces(data: bytes, step: int) -> Iterable[bytes]:
    return (data[at : at + step] for at in range(0, len(data), step))


def walk(data: bytes, step: int = 1 << 20) -> List[Entry]:
    """Walk a whole tar in pieces of ``step`` bytes."""
    walker = TarWalker()
    entries = [entry for piece in pieces(data, step) for entry in walker.feed(piece)]
    return entries + walker.close()
