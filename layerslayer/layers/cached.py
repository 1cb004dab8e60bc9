"""What earlier runs learnt of layers, and this one: entries without a byte read, and files by the few they take."""

from __future__ import annotations

from typing import TYPE_CHECKING, Callable, Dict, Generator, List, Mapping, Optional

from ..formats.checkpoints import Points
from ..formats.entry import Entry
from ..formats.tar.bodies import Bodies
from ..oci.descriptor import UNKNOWN_SIZE
from ..oci.image import Layer
from .outcome import Report
from .reader import CannotContinue, LayerReader, OpenSink

if TYPE_CHECKING:  # loaded where there is a store
    from ..cache import KnownLayer, Store
    from .access import LayerAccess

_MOST = 200_000  # entries of layers that stay loaded, besides those of the last one


class KnownLayers:
    """What the store knows of layers, each loaded when it is asked for; the last ones stay. Safe for several threads.

    ``open_store`` returns the store, if there is one.
    """

    def __init__(self, open_store: Callable[[], Optional[Store]] = lambda: None) -> None:
        self.open_store = open_store
        self._found: Dict[str, KnownLayer] = {}
        self._points: Dict[str, Points] = {}

    def has(self, layer: Layer) -> bool:
        """Whether a layer is (very likely) known."""
        store = self.open_store()
        return store is not None and store.knows(layer.descriptor.digest)

    def of(self, layer: Layer, stay: bool) -> Optional[KnownLayer]:
        """Return what is known of a layer, or None; it can ``stay`` for the next question."""
        digest, store = layer.descriptor.digest, self.open_store()
        known = self._found.get(digest)
        if known is None and store is not None:
            known = store.layer(digest)
            if known is not None and stay:
                self._make_room(len(known.entries))
                self._found[digest] = known
        return known

    def _make_room(self, entries: int) -> None:
        held = sum(len(known.entries) for known in self._found.values())
        for digest in list(self._found):
            if held + entries <= _MOST:
                return
            held -= len(self._found.pop(digest).entries)

    def points(self, known: KnownLayer) -> Points:
        """Return where a layer can be read from."""
        store = self.open_store()
        if known.digest not in self._points and store is not None:
            self._points[known.digest] = store.points(known.digest, known.size, known.uncompressed)
        return self._points.get(known.digest) or Points()


class CachedReader(LayerReader):
    """A layer that an earlier reading went through to its end and verified."""

    keeps_report = True

    def __init__(self, access: LayerAccess, layer: Layer, report: Report, known: KnownLayer) -> None:
        super().__init__(layer, report)
        self._access = access
        self._known = known
        self.digests = known.digests

    def entries(self, bodies: Optional[Bodies] = None) -> Generator[List[Entry], None, None]:
        """Yield all entries at once, complete and verified then; no byte is read now."""
        report, known = self.report, self._known
        report.entries, report.hidden, report.uncompressed = len(known.entries), known.hidden, known.uncompressed
        report.compression, report.notes = known.compression, list(known.notes)
        report.verified = report.ended = report.remembered = True
        yield known.entries

    def read(self, files: Mapping[int, Entry], open_sink: OpenSink) -> Report:
        access = self._access
        if access.whole or not all(map(self._is_recallable, files.values())):
            raise CannotContinue
        from .recall import Recall  # which listings do without

        recall = Recall(access.source, self.layer, self._known, access.known.points(self._known), access.tell)
        return recall.fetch(files, open_sink)

    def _is_recallable(self, entry: Entry) -> bool:
        known = self._known
        right_size = self.layer.descriptor.size in (known.size, UNKNOWN_SIZE)
        inside = not known.entries or known.entries[-1].offset < known.uncompressed  # as a damaged store may deny
        return right_size and inside and entry.kind == "-" and not entry.hidden and entry.offset in known.digests
