"""What a layer holds, read once: from the store when it is known, else from its source, verified."""

from __future__ import annotations

from typing import (
    TYPE_CHECKING,
    BinaryIO,
    Callable,
    Generator,
    List,
    Mapping,
    NamedTuple,
    Optional,
    Sequence,
    Tuple,
    Union,
    cast,
)

from ..errors import CorruptLayer, DigestMismatch, LayerslayerError
from ..formats.entry import Entry
from ..formats.magic import special_kind
from ..formats.memory import Holding, Part
from ..limits import LimitReached
from ..oci.image import Layer
from ..oci.source import Source
from .outcome import Report

if TYPE_CHECKING:  # the store is there already where there is one; listings do without
    from ..cache import KnownLayer, Store
    from .shortcuts import Shortcuts

AHEAD = 128 * 1024  # bytes fetched ahead where the reading may stop at any moment
Advance = Callable[[int], None]
_BATCH = 4096  # entries counted at a time


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
    holding: Optional[Holding] = None,
) -> Contents:
    """Return a whole layer, as the store knows it or else read now, and then kept there.

    ``shortcuts`` are taken where there are any; what they give is not kept. What
    goes wrong stands in the report; the entries before it are there. ``holding``
    counts what is held, and may have enough of it.
    """
    holding = holding or Holding(merged=False, limits=source.limits)
    descriptor = layer.descriptor
    known = store.layer(descriptor.digest) if store else None
    if known is not None:
        report = remembered_report(layer, known)
        return Contents(layer, _held(known.entries, report, holding), known.digests, report)
    report = Report(descriptor)
    special = special_kind(descriptor.media_type, descriptor.annotations)
    if special:
        report.problem = LayerslayerError("it is {}".format(special))
        return Contents(layer, [], {}, report)
    if shortcuts:
        short = _by_shortcut(layer, report, shortcuts, holding)
        if short is not None:
            return short
    contents = _twice(source, layer, advance, store is not None, holding)
    if store:
        keep_contents(store, contents)
    return contents


def stream_entries(
    source: Source, layer: Layer, store: Optional[Store]
) -> Tuple[Report, Generator[Sequence[Entry], None, None]]:
    """Return the entries of a layer in batches, as the store knows them or else as its bytes arrive, and their report.

    What goes wrong stands in the report once they have ended.
    """
    from .stream import read_entries

    known = store.layer(layer.descriptor.digest) if store else None
    if known is not None:
        return remembered_report(layer, known), (batch for batch in (known.entries,))
    report = Report(layer.descriptor)
    special = special_kind(layer.descriptor.media_type, layer.descriptor.annotations)
    if special:
        report.problem = LayerslayerError("it is {}".format(special))
        return report, (batch for batch in ((),))
    return report, read_entries(layer.descriptor, lambda: source.blob(layer.descriptor), report, limits=source.limits)


def _twice(source: Source, layer: Layer, advance: Advance, record: bool, holding: Holding) -> Contents:
    """Read a layer, once more if it was damaged, perhaps only on its way: what came first is let go before."""
    own = holding.part()
    contents = _in_full(source, layer, advance, record, own)
    if isinstance(contents.report.problem, (DigestMismatch, CorruptLayer)):
        del contents
        own.empty()
        contents = _in_full(source, layer, advance, record, own)
    return contents


def _by_shortcut(layer: Layer, report: Report, shortcuts: Shortcuts, holding: Holding) -> Optional[Contents]:
    """Return what a publisher's index claims, or what leaping finds; None where the layer is to be read in full."""
    index = shortcuts.claims.index_of(layer, report)
    if index is not None:
        return Contents(layer, _held(index.entries, report, holding), index.digests(), report)
    if not shortcuts.leaps.worth(layer):
        return None
    entries: List[Entry] = []
    collect(shortcuts.leaps.entries(layer, report), entries, report, holding)
    return Contents(layer, entries, {}, report)


def _held(entries: Sequence[Entry], report: Report, holding: Holding) -> List[Entry]:
    """Return the entries that may be held; what the others are too much for stands in the report."""
    kept: List[Entry] = []
    collect((entries for _ in range(1)), kept, report, holding)
    return kept


def collect(
    batches: Generator[Sequence[Entry], None, None], entries: List[Entry], report: Report, holding: Union[Holding, Part]
) -> None:
    """Add batches to ``entries`` for as long as those may be held; why they may not stands in the report then."""
    try:
        for batch in batches:
            for start in range(0, len(batch), _BATCH):
                part = batch[start : start + _BATCH]
                holding.take(part)
                entries += part
    except LimitReached as error:
        batches.close()
        report.problem = error


def _in_full(source: Source, layer: Layer, advance: Advance, record: bool, holding: Part) -> Contents:
    # What reads layers is loaded where one must be read: what is known is shown sooner.
    from ..formats.tar.bodies import Bodies, FileDigests
    from .stream import read_entries

    def opened() -> BinaryIO:
        return cast(BinaryIO, Counted(source.blob(layer.descriptor), advance))

    report = Report(layer.descriptor)
    entries: List[Entry] = []
    digests = FileDigests()
    bodies = Bodies(digests.sink)
    batches = read_entries(layer.descriptor, opened, report, bodies, record=record, limits=source.limits)
    collect(batches, entries, report, holding)
    return Contents(layer, entries, digests.by_offset, report)


def keep_contents(store: Store, contents: Contents) -> None:
    """Remember a layer, if it was read to its end and verified."""
    report = contents.report
    if report.complete and report.verified and not report.opaque:
        from ..cache import KnownLayer

        store.keep_layer(
            KnownLayer(
                report.descriptor.digest,
                report.bytes_read,
                report.uncompressed,
                report.compression,
                report.hidden,
                tuple(map(str, report.notes)),
                contents.entries,
                contents.digests,
            ),
            report.points,
        )
    report.points = None  # they are many, and of no use to who is left


def remembered_report(layer: Layer, known: KnownLayer) -> Report:
    """Return the report of an earlier reading: complete and verified then, and no byte read now."""
    report = Report(layer.descriptor)
    report.entries, report.hidden, report.uncompressed = len(known.entries), known.hidden, known.uncompressed
    report.compression, report.notes = known.compression, list(known.notes)
    report.verified = report.ended = report.remembered = True
    return report
