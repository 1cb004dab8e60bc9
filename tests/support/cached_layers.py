"""Layers of whatever kind, read once into a memory, and files fetched out of them by it."""

from __future__ import annotations

import gzip
import hashlib
import io
import random
import tarfile
import zlib
from typing import BinaryIO, Callable, Dict, List, NamedTuple, Optional, Union

import pytest

from layerslayer.cache import KnownLayer
from layerslayer.errors import LayerslayerError
from layerslayer.formats.checkpoints import Points, Recorder
from layerslayer.formats.entry import Entry
from layerslayer.formats.tar.bodies import Sink
from layerslayer.layers.layer_record import LayerRecord
from layerslayer.layers.outcome import Report
from layerslayer.layers.recall import Recall
from layerslayer.layers.stream import read_entries
from layerslayer.oci.descriptor import Descriptor
from layerslayer.oci.image import Layer
from layerslayer.oci.source import Document, Source


class Served(Source):
    """One blob; ``ranges`` and ``wholes`` count what was asked for. ``serve`` gives other bytes, or raises."""

    def __init__(self, blob: bytes) -> None:
        self.body = blob
        self.ranges: List[int] = []  # lengths
        self.wholes = 0
        self.serve: Callable[[int, bytes], bytes] = lambda start, data: data
        self.serve_whole: Callable[[bytes], bytes] = lambda data: data

    def manifest(self, wanted: str, known: Optional[Descriptor] = None) -> Document:
        raise AssertionError("no manifest is asked for")

    def blob(self, descriptor: Descriptor) -> BinaryIO:
        self.wholes += 1
        return io.BytesIO(self.serve_whole(self.body))

    def blob_range(self, descriptor: Descriptor, start: int, length: int) -> BinaryIO:
        assert 0 <= start < start + length <= len(self.body)
        self.ranges.append(length)
        return io.BytesIO(self.serve(start, self.body[start : start + length]))

    def requests_made(self) -> int:
        return self.wholes + len(self.ranges)

    def close(self) -> None:
        return


class Collected(Sink):
    def __init__(self) -> None:
        self.pieces: List[bytes] = []
        self.ended = False

    def write(self, data: Union[bytes, memoryview]) -> None:
        assert not self.ended
        self.pieces.append(bytes(data))

    def end(self) -> None:
        assert not self.ended
        self.ended = True


class Got(NamedTuple):
    """What came of a fetch: the bodies that ended, by offset, what was told, and the report."""

    bodies: Dict[int, bytes]
    told: List[str]
    report: Report


class Memory:
    """A layer that was read whole, with its files as tarfile sees them."""

    def __init__(self, tar: bytes, blob: bytes, ahead: int = 1 << 20) -> None:
        digest = "sha256:" + hashlib.sha256(blob).hexdigest()
        self.source = Served(blob)
        self.layer = Layer(0, Descriptor("application/vnd.oci.image.layer.v1.tar", digest, len(blob), {}), None)
        report, record, entries = Report(self.layer.descriptor), LayerRecord(), []
        record.recorder = Recorder()
        for batch in read_entries(self.layer.descriptor, lambda: io.BytesIO(blob), report, None, ahead, record):
            entries += batch
        assert report.complete, report.problem
        self.points: Points = record.recorder.points
        self.known = KnownLayer(
            digest, len(blob), report.uncompressed, report.compression, 0, (), entries, record.digests
        )
        self.bodies: Dict[int, bytes] = {}
        with tarfile.open(fileobj=io.BytesIO(tar)) as archive:
            for member, entry in zip(archive, entries):
                if entry.kind == "-":
                    file = archive.extractfile(member)
                    assert file is not None
                    self.bodies[entry.offset] = file.read()
        sums = {offset: hashlib.sha256(body).digest() for offset, body in self.bodies.items()}
        assert dict(record.digests) == sums
        self.files: Dict[int, Entry] = {item.offset: item for item in entries if item.kind == "-"}

    def fetch(self, *offsets: int) -> Got:
        told: List[str] = []
        sinks: Dict[int, Collected] = {}

        def sink(entry: Entry) -> Sink:
            sinks[entry.offset] = Collected()
            return sinks[entry.offset]

        recall = Recall(self.source, self.layer, self.known, self.points, told.append)
        report = recall.fetch({offset: self.files[offset] for offset in offsets}, sink)
        bodies = {offset: b"".join(item.pieces) for offset, item in sinks.items() if item.ended}
        return Got(bodies, told, report)


def refuse(error: LayerslayerError) -> Callable[[int, bytes], bytes]:
    def serve(start: int, data: bytes) -> bytes:
        raise error

    return serve


# -- bodies and archives ------------------------------------------------------


def words(chance: random.Random, size: int) -> bytes:
    """Text of a few hundred different words: it compresses to a third or less."""
    known = [bytes(chance.choice(b"abcdefghijklmnop") for _ in range(chance.randint(2, 12))) for _ in range(400)]
    return b" ".join(chance.choice(known) for _ in range(size // 5))[:size]


def noise(chance: random.Random, size: int) -> bytes:
    return chance.getrandbits(8 * size).to_bytes(size, "little") if size else b""


def zeros(chance: random.Random, size: int) -> bytes:
    return bytes(size)


def packed(chance: random.Random, size: int) -> bytes:
    """A gzip stream: blocks within blocks."""
    return gzip.compress(words(chance, size), 6)


def nested(chance: random.Random, size: int) -> bytes:
    return archive([("inner{}".format(number), words(chance, size // 4)) for number in range(4)])


BODIES = (words, words, noise, zeros, packed, nested)


def archive(members: List[tuple[str, Union[bytes, str]]], form: int = tarfile.GNU_FORMAT) -> bytes:
    """Return a tar of files, and of hardlinks where the content is a name."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as made:
        for name, content in members:
            info = tarfile.TarInfo(name)
            info.mtime = 1_700_000_000.5 if form == tarfile.PAX_FORMAT else 1_700_000_000  # type: ignore[assignment]
            if isinstance(content, str):
                info.type, info.linkname = tarfile.LNKTYPE, content
                made.addfile(info)
            else:
                info.size = len(content)
                made.addfile(info, io.BytesIO(content))
    return out.getvalue()


def deflated(tar: bytes, level: int, strategy: int = zlib.Z_DEFAULT_STRATEGY) -> bytes:
    engine = zlib.compressobj(level, zlib.DEFLATED, 31, 8, strategy)
    return engine.compress(tar) + engine.flush()


def flushed(tar: bytes, level: int, mode: int) -> bytes:
    """As pigz does: a flush every 128 KiB."""
    engine = zlib.compressobj(level, zlib.DEFLATED, 31)
    step = 128 * 1024
    parts = [engine.compress(tar[at : at + step]) + engine.flush(mode) for at in range(0, len(tar), step)]
    return b"".join(parts) + engine.flush()


def members(tar: bytes, step: int) -> bytes:
    return b"".join(gzip.compress(tar[at : at + step], 6) for at in range(0, len(tar), step))


def frames(tar: bytes, step: int) -> bytes:
    zstandard = pytest.importorskip("zstandard")

    engine = zstandard.ZstdCompressor(level=1)
    return b"".join(engine.compress(tar[at : at + step]) for at in range(0, len(tar), step))


SHAPES: Dict[str, Callable[[bytes], bytes]] = {
    "level 1": lambda tar: deflated(tar, 1),
    "level 6": lambda tar: deflated(tar, 6),
    "level 9": lambda tar: deflated(tar, 9),
    "stored": lambda tar: deflated(tar, 0),
    "codes only": lambda tar: deflated(tar, 6, zlib.Z_HUFFMAN_ONLY),
    "flushed": lambda tar: flushed(tar, 6, zlib.Z_SYNC_FLUSH),
    "flushed and forgotten": lambda tar: flushed(tar, 6, zlib.Z_FULL_FLUSH),
    "members": lambda tar: members(tar, 300_000),
    "small members": lambda tar: members(tar, 4_000),
    "frames": lambda tar: frames(tar, 100_000),
    "no compression": lambda tar: tar,
}
