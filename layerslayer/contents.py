"""What a layer holds, read once: from the store when it is known, else from its source, verified."""

from __future__ import annotations

from typing import BinaryIO, Callable, Dict, List, NamedTuple, cast

from .entries import Entry
from .errors import LayerslayerError
from .image import Layer
from .layers.bodies import Bodies, FileDigests, Sink
from .layers.kinds import is_encrypted
from .layers.reading import Report, read_entries
from .sources.base import Source

AHEAD = 256 * 1024  # bytes fetched ahead where the reading may stop at any moment
Advance = Callable[[int], None]


class Contents(NamedTuple):
    """A layer's entries, the sha256 of its files by the entry's offset, and how far that can be trusted."""

    layer: Layer
    entries: List[Entry]
    digests: Dict[int, bytes]
    report: Report


class _Counted:
    """A readable that tells how many bytes were taken from it."""

    def __init__(self, blob: BinaryIO, advance: Advance) -> None:
        self._blob = blob
        self._advance = advance

    def read(self, count: int) -> bytes:
        data = self._blob.read(count)
        self._advance(len(data))
        return data

    def close(self) -> None:
        self._blob.close()


def read_contents(source: Source, layer: Layer, advance: Advance = lambda count: None) -> Contents:
    """Read a whole layer. What goes wrong stands in the report; the entries before it are there."""
    descriptor = layer.descriptor
    report = Report(descriptor)
    entries: List[Entry] = []
    digests = FileDigests()
    if is_encrypted(descriptor.media_type):
        report.problem = LayerslayerError("the layer is encrypted, so its contents cannot be listed")
        return Contents(layer, entries, {}, report)

    def opened() -> BinaryIO:
        return cast(BinaryIO, _Counted(source.blob(descriptor), advance))

    for batch in read_entries(descriptor, opened, report, Bodies(digests.sink)):
        entries += batch
    return Contents(layer, entries, digests.by_offset, report)


def fetch_bodies(
    source: Source, layer: Layer, sinks: Dict[int, Sink], to_the_end: bool, advance: Advance = lambda count: None
) -> Report:
    """Hand the bodies of the entries at the offsets of ``sinks`` to those; stop after the last one.

    ``to_the_end`` reads on, so that the layer's digest is verified.
    """
    descriptor = layer.descriptor
    report = Report(descriptor)
    waiting = {offset: _Ending(sink) for offset, sink in sinks.items()}
    bodies = Bodies(lambda entry: waiting.get(entry.offset))

    def opened() -> BinaryIO:
        return cast(BinaryIO, _Counted(source.blob(descriptor), advance))

    batches = read_entries(descriptor, opened, report, bodies, AHEAD)
    try:
        for _ in batches:
            if not to_the_end and all(sink.ended for sink in waiting.values()):
                break
    finally:
        batches.close()
    return report


class _Ending(Sink):
    """Remembers that the body has ended."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self.ended = False

    def write(self, data: object) -> None:
        self._sink.write(cast(bytes, data))

    def end(self) -> None:
        self.ended = True
        self._sink.end()

    def refuse(self, reason: str) -> None:
        self.ended = True
        self._sink.refuse(reason)
