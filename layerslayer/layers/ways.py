"""Files of layers that are not read for them: by a publisher's index, by leaping, by what an earlier run learnt."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO, Callable, Dict, List, Optional, Sequence

from ..errors import CorruptLayer, DigestMismatch, RangeIgnored
from ..formats.entry import Entry
from ..formats.tar.bodies import Sink
from ..limits import LimitReached
from ..oci.image import Layer
from ..oci.source import Source
from .buffered_sink import Held
from .known import KnownLayers
from .outcome import Report

if TYPE_CHECKING:
    from .shortcuts import Shortcuts
    from .toc.base import ClaimedIndex

NewSink = Callable[[Entry], Sink]
_FEW = 16  # files that are read one by one


class Ways:
    """The ways into the layers of one image. For one thread.

    ``printed``: what a sink got cannot be taken back. ``reports`` gets those of
    indexes, and of what was read in vain.
    """

    def __init__(
        self,
        source: Source,
        known: KnownLayers,
        shortcuts: Optional[Shortcuts],
        printed: bool,
        reports: List[Report],
    ) -> None:
        self._source = source
        self._known = known
        self._claims = shortcuts.claims if shortcuts else None
        self.leaps = shortcuts.leaps if shortcuts else None
        self._printed = printed
        self._reports = reports
        self._indexes: Dict[int, ClaimedIndex] = {}  # by layer number

    def claimed(self, layer: Layer) -> Optional[Sequence[Entry]]:
        """Return a layer's entries as its publisher's index claims; None where there is none to be used."""
        if self._claims is None:
            return None
        index = self._indexes.get(layer.number)
        if index is None:
            report = Report(layer.descriptor)
            index = self._claims.index_of(layer, report)
            if index is None:
                return None
            self._indexes[layer.number] = index
            self._reports.append(report)
        return index.entries

    def one(self, layer: Layer, entry: Entry, new_sink: NewSink) -> Optional[Report]:
        """Hand over a file to the last sink that was asked for; None where the layer is to be read for it.

        Raises LocalFileError, and what ``by_index`` does.
        """
        if layer.number in self._indexes:
            return self.by_index(layer, entry, new_sink)
        if self.leaps is not None and self.leaps.has(layer):
            return self.leaps.fetch(layer, entry, self._safe(new_sink))
        return self._known.recall(layer, {entry.offset: entry}, self._safe(new_sink))

    def several(self, layer: Layer, entries: Dict[int, Entry], new_sink: NewSink) -> Optional[Report]:
        """Hand over files, by their offsets; None where the layer is to be read for those that are left.

        Not by an index. Raises LocalFileError.
        """
        report = self._by_leaping(layer, entries, self._safe(new_sink))
        return self._known.recall(layer, entries, self._safe(new_sink)) if report is None else report

    def by_index(self, layer: Layer, entry: Entry, new_sink: NewSink) -> Optional[Report]:
        """Hand over a file by its publisher's index; None where that does not help, and the layer is to be read.

        Raises what the source raises, and what is wrong with a file of which a part was printed.
        """
        index = self._indexes.get(layer.number)
        if index is None or self._claims is None:
            return None
        report = Report(layer.descriptor)
        report.claimed = index.kind
        descriptor = layer.descriptor

        def open_range(start: int, length: int) -> BinaryIO:
            report.bytes_read += length
            return self._source.blob_range(descriptor, start, length)

        sink = new_sink(entry)
        written = 0
        try:
            for data in index.read_file(-2 - entry.offset, open_range):
                sink.write(data)
                written += len(data)
        except (RangeIgnored, CorruptLayer, DigestMismatch, LimitReached) as error:
            self._reports.append(report)
            if written and self._printed:
                raise
            self._claims.distrust(layer, error)
            del self._indexes[layer.number]
            return None
        sink.end()
        return report

    def _by_leaping(self, layer: Layer, entries: Dict[int, Entry], new_sink: NewSink) -> Optional[Report]:
        """Get a few files of a layer that was leapt through; None where it is to be read for those that are left."""
        if self.leaps is None or not self.leaps.has(layer) or len(entries) > _FEW:
            return None
        report = Report(layer.descriptor)
        for offset in sorted(entries):
            if self.leaps.fetch(layer, entries[offset], new_sink, report) is None:
                report.verified = report.leapt = report.ended = False
                self._reports.append(report)
                return None
            if report.problem:
                break
        return report

    def _safe(self, new_sink: NewSink) -> NewSink:
        """Return sinks for what may turn out wrong before its end: where all is printed, such that hold it back."""
        return (lambda entry: Held(lambda: new_sink(entry))) if self._printed else new_sink
