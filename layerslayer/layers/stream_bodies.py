"""Bodies of files fetched out of a layer that is read from its beginning."""

from __future__ import annotations

from typing import BinaryIO, Mapping, cast

from ..formats.tar.bodies import Bodies, Sink
from ..oci.image import Layer
from ..oci.source import Source
from .open import AHEAD, Advance, Counted
from .outcome import Report
from .stream import read_entries


def fetch_bodies(
    source: Source, layer: Layer, sinks: Mapping[int, Sink], to_the_end: bool, advance: Advance = lambda count: None
) -> Report:
    """Hand the bodies of the entries at the offsets of ``sinks`` to those; stop after the last one.

    ``to_the_end`` reads on, so that the layer's digest is verified.
    """
    descriptor = layer.descriptor
    report = Report(descriptor)
    waiting = {offset: _Ending(sink) for offset, sink in sinks.items()}
    bodies = Bodies(lambda entry: waiting.get(entry.offset))

    def opened() -> BinaryIO:
        return cast(BinaryIO, Counted(source.blob(descriptor), advance))

    batches = read_entries(descriptor, opened, report, bodies, AHEAD, limits=source.limits)
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
