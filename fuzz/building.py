"""Frames around fuzzed bytes, so that checksums and magic numbers do not keep the fuzzer from what lies behind."""

from __future__ import annotations

import gzip
import io
import struct
import tarfile

_SUM = slice(148, 156)  # the checksum field of a tar header


def with_checksums(data: bytes) -> bytes:
    """Return a tar whose headers, as far as their sizes lead from one to the next, bear the right checksums."""
    out = bytearray(data)
    at = 0
    while at + 512 <= len(out):
        block = out[at : at + 512]
        if any(block):
            block[_SUM] = b" " * 8
            block[_SUM] = b"%06o\0 " % sum(block)
            out[at : at + 512] = block
        digits = bytes(block[124:136]).strip(b"\0 ")
        size = int(digits, 8) if digits.isdigit() and not set(digits) & set(b"89") else 0
        at += 512 + (size + 511) // 512 * 512
    return bytes(out)


def estargz(index: bytes) -> bytes:
    """Return an eStargz blob whose table of contents is ``index``."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        info = tarfile.TarInfo("stargz.index.json")
        info.size = len(index)
        archive.addfile(info, io.BytesIO(index))
    layer = gzip.compress(bytes(2048), 1)
    footer = b"\x1f\x8b\x08\x04\0\0\0\0\0\xff\x1a\0SG\x16\0%016xSTARGZ\x01\0\0\xff\xff" % len(layer) + bytes(8)
    return layer + gzip.compress(out.getvalue(), 1) + footer


def zstd_chunked(index: bytes) -> bytes:
    """Return a zstd:chunked blob whose table of contents is ``index``, in one raw block of a frame."""
    block = index[: 100 * 1024]
    frame = b"\x28\xb5\x2f\xfd\xa0" + struct.pack("<I", len(block)) + struct.pack("<I", len(block) << 3 | 1)[:3] + block
    head = b"\x50\x2a\x4d\x18" + struct.pack("<I", len(frame))
    place = struct.pack("<QQQQ", len(head), len(frame), len(block), 1)
    footer = place + bytes(24) + b"GNUlInUx"
    return head + frame + b"\x50\x2a\x4d\x18" + struct.pack("<I", len(footer)) + footer
