"""What a layer holds, read once: from the store when it is known, else from its source, verified."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO, Callable, Dict, List, Mapping, NamedTuple, Optional, cast

from .entries import Entry
from .errors import CorruptLayer, DigestMismatch, LayerslayerError
from .image import Layer
from .layers.bodies import Bodies, FileDigests, Sink
from .layers.kinds import special_kind
from .layers.reading import Report, read_entries
from .sources.base import Source

if TYPE_CHECKING:  # the store is there already where there is one; listings do without
    from .claims import Claims
    from .store import KnownLayer, Store

AHEAD = 128 * 1024  # bytes fetched ahead where the reading may stop at any moment
Advance = Callable[[int], None]


class Contents(NamedTuple):
    """A layer's entries, the sha256 of its files by the entry's offset, and how far that can be trusted."""

    layer: Layer
    entries: List[Entry]
    digests: Mapping[int, bytes]
    report: Report


class Counted:
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


def read_contents(
    source: Source,
    layer: Layer,
    store: Optional[Store] = None,
    advance: Advance = lambda count: None,
    claims: Optional[Claims] = None,
) -> Contents:
    """Return a whole layer, as the store knows it or else read now, and then kept there.

    ``claims`` gives the publisher's index in its place where the layer has one,
    which is then not kept. What goes wrong stands in the report; the entries before it are there.
    """
    descriptor = layer.descriptor
    known = store.layer(descriptor.digest) if store else None
    if known is not None:
        return Contents(layer, known.entries, known.digests, remembered_report(layer, known))
    report = Report(descriptor)
    entries: List[Entry] = []
    digests = FileDigests()
    special = special_kind(descriptor.media_type, descriptor.annotations)
    if special:
        report.problem = LayerslayerError("it is {}".format(special))
        return Contents(layer, entries, {}, report)

    index = claims.index_of(layer, report) if claims else None
    if index is not None:
        return Contents(layer, index.entries, index.digests(), report)

    def opened() -> BinaryIO:
        return cast(BinaryIO, Counted(source.blob(descriptor), advance))

    record = store is not None
    for batch in read_entries(descriptor, opened, report, Bodies(digests.sink), record=record):
        entries += batch
    if isinstance(report.problem, (DigestMismatch, CorruptLayer)):  # perhaps only on its way: once more
        again, second, digests_again = Report(descriptor), [], FileDigests()
        for batch in read_entries(descriptor, opened, again, Bodies(digests_again.sink), record=record):
            second += batch
        if again.complete:
            report, entries, digests = again, second, digests_again
    contents = Contents(layer, entries, digests.by_offset, report)
    if store:
        keep_contents(store, contents)
    return contents


def keep_contents(store: Store, contents: Contents) -> None:
    """Remember a layer, if it was read to its end and verified."""
    report = contents.report
    if report.complete and report.verified and not report.opaque:
        from .store import KnownLayer

        store.keep_layer(
            KnownLayer(
                report.descriptor.digest,
                report.bytes_read,
                report.uncompressed,
                report.compression,
                report.hidden,
                tuple(report.notes),
                contents.entries,
                contents.digests,
            ),
            report.points,
        )


def remembered_report(layer: Layer, known: KnownLayer) -> Report:
    """Return the report of an earlier reading: complete and verified then, and no byte read now."""
    report = Report(layer.descriptor)
    report.entries, report.hidden, report.uncompressed = len(known.entries), known.hidden, known.uncompressed
    report.compression, report.notes = known.compression, list(known.notes)
    report.verified = report.ended = report.remembered = True
    return report


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
        return cast(BinaryIO, Counted(source.blob(descriptor), advance))

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
