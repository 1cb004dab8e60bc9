"""The layers of a run that earlier ones read, and files out of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable, Dict, List, Mapping, Optional, Sequence

from ..formats.checkpoints import Points
from ..formats.entry import Entry
from ..formats.tar.bodies import Sink
from ..oci.image import Layer
from ..oci.source import Source
from .cached import Recall, recallable
from .open import Contents, keep_contents
from .outcome import Report

if TYPE_CHECKING:  # loaded where there is a store
    from ..cache import KnownLayer, Store
    from ..errors import Tell


_MOST = 200_000  # entries of layers that stay loaded, besides those of the last one


class KnownLayers:
    """What the store knows of an image's layers, each loaded when it is asked for; the last ones stay."""

    def __init__(
        self,
        source: Source,
        open_store: Callable[[], Optional[Store]],
        warn: Tell,
        verify: bool = False,
    ) -> None:
        """``open_store`` returns the store, if there is one; ``verify`` wants whole layers read."""
        self._source = source
        self._open_store = open_store
        self._warn = warn
        self._verify = verify
        self._found: Dict[str, KnownLayer] = {}
        self._points: Dict[str, Points] = {}

    def of(self, layer: Layer) -> Optional[KnownLayer]:
        """Return what is known of a layer, or None."""
        digest, store = layer.descriptor.digest, self._open_store()
        known = self._found.get(digest)
        if known is None and store is not None:
            known = store.layer(digest)
            if known is not None:
                self._make_room(len(known.entries))
                self._found[digest] = known
        return known

    def _make_room(self, entries: int) -> None:
        held = sum(len(known.entries) for known in self._found.values())
        for digest in list(self._found):
            if held + entries <= _MOST:
                return
            held -= len(self._found.pop(digest).entries)

    def entries(self, layers: Sequence[Layer]) -> Dict[int, List[Entry]]:
        """Return the entries of those layers that are known, by layer number; others may be added."""
        return _Entries(self, layers)

    @property
    def learns(self) -> bool:
        """Whether there is a store that layers are kept in."""
        return self._open_store() is not None

    def keep(self, layer: Layer, entries: List[Entry], digests: Mapping[int, bytes], report: Report) -> None:
        """Remember a layer for later runs, if it was read to its end and verified."""
        store = self._open_store()
        if store is not None:
            keep_contents(store, Contents(layer, entries, digests, report))

    def recall(
        self, layer: Layer, entries: Mapping[int, Entry], open_sink: Callable[[Entry], Sink]
    ) -> Optional[Report]:
        """Give files, by their offsets, to sinks (see ``Recall.fetch``); None where one is not known well enough.

        None, too, where the whole layer is to be read.
        """
        store = self._open_store()
        known = self.of(layer)
        if store is None or known is None or self._verify:
            return None
        if not all(recallable(layer, known, entry) for entry in entries.values()):
            return None
        digest = layer.descriptor.digest
        points = self._points.get(digest)
        if points is None:
            points = self._points[digest] = store.points(digest, known.size, known.uncompressed)
        return Recall(self._source, layer, known, points, self._warn).fetch(entries, open_sink)


class _Entries(Dict[int, List[Entry]]):
    """Entries by layer number: those that were put here, and those that are known, loaded when they are asked for."""

    def __init__(self, known: KnownLayers, layers: Sequence[Layer]) -> None:
        super().__init__()
        self._known = known
        self._layers = {layer.number: layer for layer in layers}

    def get(self, number: int, default: Any = None) -> Any:
        if super().__contains__(number):
            return self[number]
        layer = self._layers.get(number)
        known = self._known.of(layer) if layer is not None else None
        return known.entries if known is not None else default

    def __contains__(self, number: object) -> bool:
        return isinstance(number, int) and self.get(number) is not None
