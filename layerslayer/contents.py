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
    # What reads layers is loaded where one must be read: what is known is shown sooner.
    from .layers.bodies import Bodies, FileDigests
    from .layers.reading import read_entries

    report = Report(descriptor)
    entries: List[Entry] = []
    digests = FileDigests()
    special = special_kind(descriptor.media_type, descriptor.annotations)
    if special:
        report.problem = LayerslayerError("it is {}".format(special))
        return Contents(layer, entries, {}, report)

    if shortcuts:
        index = shortcuts.claims.index_of(layer, report)
        if index is not None:
            return Contents(layer, index.entries, index.digests(), report)
        if shortcuts.leaps.worth(layer):
            for batch in shortcuts.leaps.entries(layer, report):
                entries += batch
            return Contents(layer, entries, {}, report)

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
