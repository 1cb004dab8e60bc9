"""Stores in a folder of the test's own, with their warnings, and layers to put into them."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, List

from layerslayer.cache import KnownLayer, LayerFacts, RowWriter, Store
from layerslayer.cache.rows import Row
from layerslayer.cli.remedies import told
from layerslayer.formats.entry import Entry


def entry(name: str, size: int = 1, offset: int = 0) -> Entry:
    return Entry(name, "-", 0o644, 0, 0, size, 0, "", "", "", None, {}, offset, False)


def known(digest: str, *names: str) -> KnownLayer:
    entries = [entry(name, offset=512 * index) for index, name in enumerate(names)]
    digests: Dict[int, bytes] = {item.offset: bytes([7]) * 32 for item in entries[1:]}
    return KnownLayer(digest, 100, 200, "gzip", 0, ("a note",), entries, digests)


class Opened:
    def __init__(self, folder: Path, **options: Any) -> None:
        self.warnings: List[str] = []
        self.store = Store(str(folder), warn=lambda words: self.warnings.append(told(words)), **options)


def to_row(known: KnownLayer) -> Row:
    writer = RowWriter()
    writer.add(known.entries)
    return writer.row(LayerFacts(*known[:6]), known.digests)
