"""Files that are probably wanted, held while their layers are read, so that no layer is read twice for them."""

from __future__ import annotations

import threading
from functools import partial
from typing import Callable, Dict, Mapping, Optional, Tuple, Union

from ..formats.entry import Entry
from ..formats.tar.bodies import Bodies, Sink
from ..oci.image import Layer
from .buffered_sink import unreadable
from .reader import LayerReader
from .spooled_file import TemporaryBytes

_IN_MEMORY = 1024 * 1024  # bytes of a layer's
_MOST = 256 * 1024 * 1024  # bytes of all layers'; what is beyond is read once more
_PIECE = 256 * 1024


class HeldFiles:
    """Those files of an image whose names ``wants`` says yes to. Safe for several threads, each with a layer."""

    def __init__(self, wants: Callable[[str], bool]) -> None:
        self._wants = wants
        self._layers: Dict[int, _Spool] = {}
        self._left = _MOST
        self._lock = threading.Lock()

    def bodies(self, layer: Layer) -> Bodies:
        """Return what takes the files of a layer as they pass by."""
        spool = self._layers[layer.number] = _Spool()
        return Bodies(partial(self._choose, spool))

    def _choose(self, spool: _Spool, entry: Entry) -> Optional[Sink]:
        if entry.kind != "-" or not self._wants(entry.name):
            return None
        with self._lock:
            if entry.size > self._left:
                return None
            self._left -= entry.size
        return _HeldFile(spool, entry.offset)

    def give(self, reader: LayerReader, sinks: Mapping[int, Sink]) -> None:
        """Give to the sinks, by the offsets of their files, what is held, if the layer turned out to be right."""
        spool = self._layers.get(reader.layer.number)
        if spool is not None and reader.report.verified:
            for offset in sorted(sinks):  # as they stand in the tar
                spool.give(offset, sinks[offset])


class _Spool:
    """The files of one layer: in memory, or in a temporary file; nothing once that is full."""

    def __init__(self) -> None:
        self._bytes = TemporaryBytes(_IN_MEMORY)
        self.size = 0
        self.places: Dict[int, Tuple[int, int]] = {}  # of whole files, by offset: where they begin and end here

    def add(self, data: Union[bytes, memoryview]) -> bool:
        """Hold more bytes; return whether they are held."""
        try:
            self._bytes.write(self.size, data)
        except OSError:
            return False
        self.size += len(data)
        return True

    def give(self, offset: int, sink: Sink) -> None:
        """Give a file to its sink, if it is here. Raises LocalFileError."""
        if offset not in self.places:
            return
        at, end = self.places[offset]
        while at < end:
            try:
                piece = self._bytes.read(at, min(_PIECE, end - at))
            except OSError as error:
                raise unreadable(error.strerror or error) from None
            if not piece:
                raise unreadable("it is shorter than it was")
            sink.write(piece)
            at += len(piece)
        sink.end()


class _HeldFile(Sink):
    """One file on its way into the spool."""

    def __init__(self, spool: _Spool, offset: int) -> None:
        self._spool = spool
        self._offset = offset
        self._begin = spool.size
        self._whole = True

    def write(self, data: Union[bytes, memoryview]) -> None:
        self._whole = self._whole and self._spool.add(data)

    def end(self) -> None:
        if self._whole:
            self._spool.places[self._offset] = self._begin, self._spool.size
