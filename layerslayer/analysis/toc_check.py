"""A publisher's index held against the layer it is about, while that is listed."""

from __future__ import annotations

from typing import Iterator, List, Optional, Sequence

from ..formats.entry import Entry
from ..formats.memory import Holding
from ..formats.tar.bodies import Bodies, FilePlaces
from ..layers.outcome import IndexCheck, Report
from ..layers.reader import LayerReader
from ..layers.toc.discovery import Claims
from ..limits import DEFAULT, LimitReached, Limits
from ..oci.image import Layer
from .toc_diff import Comparison, Listed, compare_index

_BATCH = 4096  # entries counted at a time


class Checking:
    """One layer's: ask it for the entries, then for what differs."""

    def __init__(self, claims: Claims, layer: Layer, limits: Limits = DEFAULT) -> None:
        self._layer = layer
        self._claim = Report(layer.descriptor)
        self._index = claims.index_of(layer, self._claim)
        self.claimed = Listed((), {}, {})
        if self._index is not None:
            self.claimed = Listed(self._index.entries, self._index.digests(), self._index.places())
        self.actual = Listed((), {}, {})
        self._holding = Holding(merged=False, limits=limits)
        self._large = False  # too large to be held beside its index

    def _hold(self, entries: Sequence[Entry]) -> None:
        for start in range(0, len(entries), _BATCH):
            try:
                self._holding.take(entries[start : start + _BATCH])
            except LimitReached as error:
                self._large = True
                self._holding.close()
                self._claim.notes.append(error.after("its index is not compared: "))
                return

    def entries(self, reader: LayerReader) -> Iterator[List[Entry]]:
        """Yield the layer's entries as ``reader`` does, and keep what is to be compared."""
        if self._index is not None:
            self._hold(self._index.entries)
        if self._index is None or self._large:
            yield from reader.entries()
            return
        places, entries = FilePlaces(), []
        for batch in reader.entries(Bodies(places.sink) if self.claimed.places else None):
            if not self._large:
                self._hold(batch)
                entries += batch
            yield batch
        if not self._large:
            self.actual = Listed(entries, reader.digests, places.by_offset)

    def compare(self, report: Report) -> Optional[Comparison]:
        """Return what differs between ``claimed`` and ``actual``; None where they cannot be compared.

        How they compare is put into the ``report`` of the reading.
        """
        index, claim = self._index, self._claim
        report.notes += claim.notes
        found: Optional[Comparison] = None
        if index is not None and report.complete and not report.opaque and not self._large:
            found = compare_index(self.claimed, self.actual, index.own, index.as_bytes)
        report.index_check = IndexCheck(
            claim.claimed,
            claim.bytes_read,
            found is not None,
            len(found.differences) if found else 0,
            found.uncompared if found else 0,
            index.aside if index is not None else "",
            bool(claim.notes) and (index is None or self._large),
        )
        return found
