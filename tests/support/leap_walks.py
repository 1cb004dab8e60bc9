"""Leaping walks held against plain ones."""

from __future__ import annotations

import hashlib
import io
import random
from typing import BinaryIO, List, Optional

from layerslayer.errors import LayerslayerError
from layerslayer.formats.entry import Entry
from layerslayer.layers.leap.gzip_walk import GzipWalk
from layerslayer.layers.leap.range_fetcher import Fetcher
from layerslayer.layers.leap.settings import Settings
from layerslayer.layers.leap.throughput import Throughput
from layerslayer.layers.outcome import Report
from layerslayer.layers.stream import read_entries
from layerslayer.oci.descriptor import Descriptor

from .leap_layers import noise, skewed

TYPE = "application/vnd.oci.image.layer.v1.tar+gzip"


def descriptor_of(blob: bytes) -> Descriptor:
    return Descriptor(TYPE, "sha256:" + hashlib.sha256(blob).hexdigest(), len(blob), {})


class Plain:
    """What a full reading makes of a layer."""

    def __init__(self, blob: bytes) -> None:
        self.report = Report(descriptor_of(blob))
        batches = read_entries(self.report.descriptor, lambda: io.BytesIO(blob), self.report)
        self.entries = [entry for batch in batches for entry in batch]


class Slow(Throughput):
    """A line that is said to take its time, whatever it takes: ``in_flight`` bytes pass while one waits."""

    def __init__(self, in_flight: int) -> None:
        super().__init__()
        self._said = in_flight

    @property
    def in_flight(self) -> int:
        return self._said


class Leapt:
    """What a leaping one makes of it."""

    def __init__(self, blob: bytes, settings: Settings = Settings(), throughput: Optional[Throughput] = None) -> None:
        self.blob = blob

        def part(start: int, length: int) -> BinaryIO:
            assert start >= 0 and length > 0 and start + length <= len(blob)
            return io.BytesIO(blob[start : start + length])

        self.fetcher = Fetcher(part, len(blob), throughput or Slow(0))
        self.walk = GzipWalk(descriptor_of(blob), self.fetcher, settings)
        self.entries: List[Entry] = []
        self.error: Optional[LayerslayerError] = None
        try:
            for batch in self.walk.run():
                self.entries += batch
        except LayerslayerError as error:
            self.error = error
        with self.fetcher._changed:  # what was asked for and is not needed may still be on its way
            assert self.fetcher._changed.wait_for(lambda: not self.fetcher._coming, 60)

    @property
    def share(self) -> float:
        return self.fetcher.spent / len(self.blob)


def compared(blob: bytes, settings: Settings = Settings(), throughput: Optional[Throughput] = None) -> Leapt:
    """Leap through a layer; it must say what a full reading says, and fetch no byte twice."""
    plain, leapt = Plain(blob), Leapt(blob, settings, throughput)
    if leapt.error is None:
        assert plain.report.problem is None
        assert leapt.entries == plain.entries
        assert leapt.walk.proved and leapt.walk.last.position == plain.report.uncompressed
        assert leapt.walk.leaps or leapt.walk.verifier.verified
        assert leapt.walk.whole or not leapt.walk.verifier.verified
    else:
        assert plain.report.problem is not None
        assert leapt.entries == plain.entries[: len(leapt.entries)]
    assert leapt.fetcher.spent <= len(blob) and not leapt.fetcher.again
    assert leapt.fetcher.spent == leapt.fetcher.distinct + leapt.fetcher.again
    return leapt


def program(seed: int, size: int) -> bytes:
    """Something like a shared library: code, tables, and some zeros."""
    source = random.Random(seed)
    code, made = skewed(source, 64 * 1024), []
    left = size
    while left > 0:
        kind = source.random()
        length = source.randrange(2000, 60_000)
        if kind < 0.7:
            made.append(skewed(source, length))
        elif kind < 0.9:
            at = source.randrange(len(code))
            made.append(code[at : at + 4000] + noise(source, 100))
        else:
            made.append(bytes(length // 10))
        left -= len(made[-1])
    return b"".join(made)[:size]
