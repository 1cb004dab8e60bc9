"""A layer in memory, as a registry would serve it."""

from __future__ import annotations

import io
from typing import BinaryIO, List, Tuple

from layerslayer.formats.entry import Entry
from layerslayer.layers.outcome import Report
from layerslayer.layers.stream import read_entries
from layerslayer.oci.descriptor import Descriptor, digest_of

GZIP = "application/vnd.oci.image.layer.v1.tar+gzip"


class Blob:
    """A layer whose ranges can be asked for."""

    def __init__(self, body: bytes, media_type: str = GZIP, **annotations: str) -> None:
        self.body = body
        names = {key.replace("_", "."): value for key, value in annotations.items()}
        self.descriptor = Descriptor(media_type, digest_of(body), len(body), names)
        self.asked: List[Tuple[int, int]] = []

    def range(self, start: int, length: int) -> BinaryIO:
        assert start >= 0 and start + length <= len(self.body)
        self.asked.append((start, length))
        return io.BytesIO(self.body[start : start + length])

    def full(self) -> List[Entry]:
        """Return what a walk through the whole layer finds."""
        report = Report(self.descriptor)
        batches = read_entries(self.descriptor, lambda: io.BytesIO(self.body), report)
        entries = [entry for batch in batches for entry in batch]
        assert report.complete
        return entries
