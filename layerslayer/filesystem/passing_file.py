"""What passes by while a layer is read for one file: that file, and the layer's entries."""

from __future__ import annotations

from typing import Callable, List, Optional, Union

from ..formats.entry import Entry
from ..formats.memory import Part
from ..formats.tar.bodies import Bodies, Sink
from ..limits import LimitReached
from .path_resolution import Watch


class KeptEntries:
    """The entries of a layer; None once they are too much to be held: it is not known whole then."""

    def __init__(self, held: Part) -> None:
        self.entries: Optional[List[Entry]] = []
        self._held = held

    def add(self, batch: List[Entry]) -> None:
        if self.entries is None:
            return
        try:
            self._held.take(batch)
            self.entries += batch
        except LimitReached:
            self.let_go()

    def let_go(self) -> None:
        self.entries = None
        self._held.empty()


class PassingFile:
    """The file that is sought, where it passes by. ``over``: nothing else is wanted."""

    def __init__(self, watch: Watch, new_sink: Callable[[Entry], Sink]) -> None:
        self._watch = watch
        self._new_sink = new_sink
        self.sinks: List[_Noting] = []
        self.over = False
        self.bodies = _Watched(self._choose, watch)

    def _choose(self, entry: Entry) -> Optional[Sink]:
        if self.over or entry.kind != "-" or entry.hidden or not self._watch.wants(entry):
            return None
        self.sinks.append(_Noting(self._new_sink(entry), entry))
        return self.sinks[-1]

    @property
    def ended(self) -> bool:
        """Whether the last of the files that were it has passed."""
        return bool(self.sinks) and self.sinks[-1].ended


class _Watched(Bodies):
    """Lets a watch know of a batch's directories before the bodies of its files pass."""

    def __init__(self, choose: Callable[[Entry], Optional[Sink]], watch: Watch) -> None:
        super().__init__(choose)
        self._watch = watch

    def take(self, start: int, piece: bytes, batch: List[Entry]) -> None:
        self._watch.note(batch)
        super().take(start, piece, batch)


class _Noting(Sink):
    """Notes that its body has passed."""

    def __init__(self, sink: Sink, entry: Entry) -> None:
        self._sink = sink
        self.entry = entry
        self.ended = False

    def write(self, data: Union[bytes, memoryview]) -> None:
        self._sink.write(data)

    def end(self) -> None:
        self._sink.end()
        self.ended = True

    def refuse(self, reason: str) -> None:
        self._sink.refuse(reason)
        self.ended = True
