"""What a layer holds, read once: from the store when it is known, else from its source, verified."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO, Callable, List, Mapping, NamedTuple, Optional, cast

from .entries import Entry
from .errors import CorruptLayer, DigestMismatch, LayerslayerError
from .image import Layer
from .layers.kinds import special_kind
from .layers.report import Report
from .sources.base import Source

if TYPE_CHECKING:  # the store is there already where there is one; listings do without
    from .shortcuts import Shortcuts
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
    shortcuts: Optional[Shortcuts] = None,
) -> Contents:
    """Return a whole layer, as the store knows it or else read now, and then kept there.

    ``shortcuts`` are taken where there are any; what they give is not kept. What
    goes wrong stands in the report; the entries before it are there.
    """
    descriptor = layer.descriptor
    known = store.layer(descriptor.digest) if store else None
    if known is not None:
        return Contents(layer, known.entries, known.digests, remembered_report(layer, known))
    report = Report(descriptor)
    special = special_kind(descriptor.media_type, descriptor.annotations)
    if special:
        report.problem = LayerslayerError("it is {}".format(special))
        return Contents(layer, [], {}, report)
    if shortcuts:
        short = _by_shortcut(layer, report, shortcuts)
        if short is not None:
            return short
    record = store is not None
    contents = _in_full(source, layer, report, advance, record)
    if isinstance(report.problem, (DigestMismatch, CorruptLayer)):  # perhaps only on its way: once more
        again = _in_full(source, layer, Report(descriptor), advance, record)
        contents = again if again.report.complete else contents
    if store:
        keep_contents(store, contents)
    return contents


def _by_shortcut(layer: Layer, report: Report, shortcuts: Shortcuts) -> Optional[Contents]:
    """Return what a publisher's index claims, or what leaping finds; None where the layer is to be read in full."""
    index = shortcuts.claims.index_of(layer, report)
    if index is not None:
        return Contents(layer, index.entries, index.digests(), report)
    if not shortcuts.leaps.worth(layer):
        return None
    entries: List[Entry] = []
    for batch in shortcuts.leaps.entries(layer, report):
        entries += batch
    return Contents(layer, entries, {}, report)


def _in_full(source: Source, layer: Layer, report: Report, advance: Advance, record: bool) -> Contents:
    # What reads layers is loaded where one must be read: what is known is shown sooner.
    from .layers.bodies import Bodies, FileDigests
    from .layers.reading import read_entries

    def opened() -> BinaryIO:
        return cast(BinaryIO, Counted(source.blob(layer.descriptor), advance))

    entries: List[Entry] = []
    digests = FileDigests()
    for batch in read_entries(layer.descriptor, opened, report, Bodies(digests.sink), record=record):
        entries += batch
    return Contents(layer, entries, digests.by_offset, report)


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
