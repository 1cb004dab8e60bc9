"""Images of a few megabytes that want gigabytes of memory: how each is made."""

from __future__ import annotations

import functools
import json
import zlib
from typing import Callable, Dict, Sequence, Tuple

from layerslayer.demo.image import Store

from ...hostile.images import zstd_bomb
from ...support.estargz_writer import footer
from ...support.registry.faults import blobs_image
from ...support.tars import END, header, member, octal, pax

MIB = 2**20
ZSTD = "application/vnd.oci.image.layer.v1.tar+zstd"
Part = Tuple[bytes, int]  # bytes, and how often they come


def gzip_of_parts(parts: Sequence[Part], mark: int = 0) -> bytes:
    """Return a gzip member of ``parts``, each compressed once; ``mark`` makes another digest."""
    engine = zlib.compressobj(6, zlib.DEFLATED, -15)
    body, checksum, length = [], 0, 0
    for data, times in parts:
        body += [engine.compress(data) + engine.flush(zlib.Z_FULL_FLUSH)] * times
        for _ in range(times):
            checksum = zlib.crc32(data, checksum)
        length += len(data) * times
    head = b"\x1f\x8b\x08\0" + mark.to_bytes(4, "little") + b"\0\xff"
    trailer = checksum.to_bytes(4, "little") + (length % 2**32).to_bytes(4, "little")
    return head + b"".join(body) + engine.flush() + trailer


def alike(count: int, parts: Sequence[Part]) -> Callable[[], Store]:
    """An image of so many layers that all hold the same."""

    def make() -> Store:
        blob = gzip_of_parts(parts)
        return blobs_image([blob[:4] + number.to_bytes(4, "little") + blob[8:] for number in range(count)])

    return make


def record(key: bytes, value: bytes) -> bytes:
    text = b" " + key + b"=" + value + b"\n"
    length = len(text) + 1
    while len(str(length)) + len(text) != length:
        length = len(str(length)) + len(text)
    return str(length).encode() + text


def extended(records: bytes, **fields: bytes) -> bytes:
    """Return a member with a pax header of these records."""
    return pax(records) + header(b"a", **fields)


def _attributes() -> bytes:
    return extended(record(b"SCHILY.xattr.user.a", b"x" * (MIB - 100)))


def _records(count: int) -> bytes:
    return extended(b"".join(record(b"SCHILY.xattr.%d" % number, b"") for number in range(count)))


def _long(kind: bytes, text: bytes) -> bytes:
    flag = b"2" if kind == b"K" else b"0"
    return member(b"././@LongLink", text, kind=kind) + header(b"a", kind=flag)


def table_layer(entries: bytes, times: int, mark: int = 0) -> bytes:
    """Return an eStargz layer whose table lists ``entries``, which ends in a comma, so many times."""
    begin, end = b'{"version":1,"entries":[', b'{"type":"dir","name":"z"}]}'
    length = len(begin) + len(entries) * times + len(end)
    parts = [(header(b"stargz.index.json", octal(length, 12)) + begin, 1), (entries, times)]
    files = gzip_of_parts([(member(b"a", b"x" * 70000), 1), (END, 1)], mark) + b"\0" * 70000
    return files + gzip_of_parts([*parts, (end + bytes(-length % 512) + END, 1)]) + footer(len(files))


def tables(count: int, entries: bytes, times: int) -> Callable[[], Store]:
    return lambda: blobs_image([table_layer(entries, times, mark) for mark in range(count)])


def _windows(broken: bool) -> Store:
    """Layers of zstd that take a window of 128 MiB each, and fill it."""
    blocks = 1060  # of 128 KiB
    begin = header(b"zeros", octal((blocks - 1) * 128 * 1024, 12))
    raw = (len(begin) << 3).to_bytes(3, "little") + begin
    bomb = zstd_bomb(blocks)
    frame = bomb[:5] + bytes([17 << 3]) + raw + bomb[6:]
    skippable = b"\x50\x2a\x4d\x18\x04\0\0\0"
    tail = b"\x28\xb5\x2f\xfd\0\x58\x07\0\0" if broken else b""
    return blobs_image([frame + tail + skippable + number.to_bytes(4, "little") for number in range(3)], ZSTD)


def _implied() -> Store:
    names = [b"%d/" % number + b"d/" * 2000 + b"f" for number in range(250)]
    return blobs_image([gzip_of_parts([(b"".join(_long(b"L", name) for name in names) + END, 1)])])


def _removed() -> Store:
    """Short names behind a link to a long one, all of them taken away again."""
    deep = b"/".join([b"d" * 200] * 19)
    link = member(b"././@LongLink", deep, kind=b"K") + header(b"s", kind=b"2")
    files = b"".join(header(b"s/%d" % number) for number in range(30000))
    first = _long(b"L", deep + b"/f") + link + files + END
    gone = member(b"././@LongLink", b".wh." + b"d" * 200, kind=b"L") + header(b"w") + END
    return blobs_image([gzip_of_parts([(first, 1)]), gzip_of_parts([(gone, 1)])])


def _waiting() -> Store:
    """A layer that takes a while, and many behind it whose listings are long."""
    slow = gzip_of_parts([(header(b"zeros", octal(200 * MIB, 12)), 1), (bytes(MIB), 200), (END, 1)])
    lines = b"".join(header(b"%d" % number + b"x" * 90, prefix=b"p" * 150) for number in range(400))
    rest = gzip_of_parts([(lines, 18), (END, 1)])
    return blobs_image([slow, *(rest[:4] + number.to_bytes(4, "little") + rest[8:] for number in range(1, 120))])


def _damaged() -> Store:
    """A layer of other bytes than its digest's, which is read twice."""
    lines = b"".join(header(b"%d" % number + b"x" * 80) for number in range(400))
    store = blobs_image([gzip_of_parts([(lines, 450), (END, 1)])])
    digest, body = max(store.blobs.items(), key=lambda item: len(item[1]))
    store.blobs[digest] = body[:4] + b"\1\2\3\4" + body[8:]
    return store


def _different_owners() -> Store:
    devices = (record(b"uname", b"%d" % number) + record(b"uid", b"%d" % (number + 1000)) for number in range(15000))
    return blobs_image([gzip_of_parts([(b"".join(extended(item, kind=b"3") for item in devices) + END, 1)])])


def _global_headers() -> bytes:
    return pax(b"".join(record(b"k%d" % number, b"") for number in range(8000)), b"g")


def _names_of_directories() -> Store:
    """Layers of names that no view shows, as they are too long, and that who looks for one file need not know."""
    layers = []
    for layer in range(3):
        names = (b"%d/%d/" % (layer, number) + b"n" * 60000 for number in range(1500))
        body = b"".join(member(b"././@LongLink", name, kind=b"L") + header(b"a", kind=b"5") for name in names)
        layers.append(gzip_of_parts([(body + END, 1)]))
    return blobs_image(layers)


def _wide_paths() -> Store:
    names = (b"\xf0\x9f\x98\x80" * 4000 + b"%d/" % number for number in range(4400))
    return blobs_image([gzip_of_parts([(b"".join(_long(b"L", name + b"f") for name in names) + END, 1)])])


def _many_bombs() -> Store:
    """One layer of 17 kB named again and again, which inflates to 256 MiB each time."""
    begin = header(b"zeros", octal(1999 * 128 * 1024, 12))
    raw = (len(begin) << 3).to_bytes(3, "little") + begin
    bomb = zstd_bomb(2000)
    return blobs_image([bomb[:6] + raw + bomb[6:]] * 80, ZSTD)


def _table_of_tiny_members() -> Store:
    """A table that comes byte by byte, and says one long thing."""
    text = b'{"version":1,"entries":[{"type":"reg","name":"a","size":0,"x":"%s"}]}' % (b"x" * 200_000)
    tar = header(b"stargz.index.json", octal(len(text), 12)) + text + bytes(-len(text) % 512) + END
    members = [gzip_of_parts([(tar[at : at + 1], 1)]) for at in range(1024, len(tar) - 1024)]
    ends = [gzip_of_parts([(part, 1)]) for part in (tar[:1024], tar[-1024:])]
    files = gzip_of_parts([(member(b"a", b"x" * 70000), 1), (END, 1)]) + b"\0" * 70000
    return blobs_image([files + ends[0] + b"".join(members) + ends[1] + footer(len(files))])


_FILE, _CHUNK = b'{"type":"reg","name":"f","size":0},', b'{"type":"chunk","chunkDigest":"sha256:%s"},'
_ENTRY = json.dumps({"type": "reg", "name": "usr/lib/x", "size": 1, "digest": "sha256:" + "ab" * 32}).encode() + b","
HEAVY: Dict[str, Callable[[], Store]] = {
    "attributes of 1 MiB": alike(8, [(_attributes(), 32), (END, 1)]),
    "thousands of records": alike(8, [(_records(8000), 8), (END, 1)]),
    "too many records": alike(8, [(_records(45000), 2), (END, 1)]),
    "global headers": alike(8, [(_global_headers(), 5), (header(b"a") + END, 1)]),
    "names of a megabyte": alike(8, [(_long(b"L", b"\x1b" * (MIB - 1)), 30), (END, 1)]),
    "targets of a megabyte": alike(8, [(_long(b"K", b"\xff/" * (MIB // 2 - 1)), 30), (END, 1)]),
    "owners of a megabyte": alike(8, [(extended(record(b"uname", b"u" * (MIB - 100))), 40), (END, 1)]),
    "owners that differ": _different_owners,
    "a table of empty objects": tables(8, b"{}," * 10000, 200),
    "a table of empty lists": tables(8, b'{"x":[' + b"[]," * 150_000 + b"[]]},", 15),
    "a table of one object without end": tables(8, b'{"x":' * 1000, 2000),
    "tables of many entries": tables(3, _ENTRY * 100, 500),
    "a table of one file's chunks": tables(8, _FILE + _CHUNK % (b"ab" * 32) * 490_000, 1),
    "a table of many files' chunks": tables(8, _FILE + b'{"type":"chunk"},' * 9000, 1000),
    "a table of long digests": tables(8, _FILE + _CHUNK % (b"ab" * 200_000), 300),
    "a table in members of a byte": _table_of_tiny_members,
    "names of directories": _names_of_directories,
    "paths of wide letters": _wide_paths,
    "many small bombs": _many_bombs,
    "windows of 128 MiB": lambda: _windows(False),
    "windows that end in damage": lambda: _windows(True),
    "directories that are implied": _implied,
    "paths that links make long": _removed,
    "listings that wait": _waiting,
    "a damaged layer": _damaged,
}


@functools.lru_cache(maxsize=None)
def heavy(name: str) -> Store:
    """Return a registry's content with the image of that name, tagged 1.0."""
    return HEAVY[name]()
