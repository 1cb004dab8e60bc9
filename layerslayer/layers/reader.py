"""One layer, read in one way: its entries in batches, and files out of it."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from array import array
from typing import TYPE_CHECKING, Any, BinaryIO, Callable, Generator, Iterator, List, Mapping, Optional, Sequence, Tuple

from ..formats.entry import Entry
from ..formats.tar.bodies import Bodies, Sink
from ..oci.image import Layer
from .outcome import Report

if TYPE_CHECKING:
    from ..errors import Told

AHEAD = 128 * 1024  # bytes fetched ahead where the reading may stop at any moment
Advance = Callable[[int], None]
OpenSink = Callable[[Entry], Sink]


class CannotContinue(Exception):
    """This way of reading a layer is of no more use; another one may be. ``note`` says why, if anybody need hear."""

    def __init__(self, note: Told = "", report: Optional[Report] = None, spent: int = 0) -> None:
        """``report`` is of files that were read in vain; the next way reports as well the bytes that were ``spent``."""
        super().__init__(str(note))
        self.note = note
        self.report = report
        self.spent = spent
        self.left: Optional[Report] = None  # of the way that was left


class LayerReader(ABC):
    """The contents of one layer, read in one way. For one thread; leave ``entries`` early to stop the download.

    ``report`` says what was read so far and how far it is verified. ``digests``
    are the sha256 of files, by the entry's offset, where this way knows them.
    ``streams``: the files' contents pass by while the entries come.
    ``keeps_report``: it stands when another way is taken, which has its own.
    """

    streams = False
    keeps_report = False

    def __init__(self, layer: Layer, report: Optional[Report] = None) -> None:
        self.layer = layer
        self.report = Report(layer.descriptor) if report is None else report
        self.digests: Mapping[int, bytes] = {}

    @abstractmethod
    def entries(self, bodies: Optional[Bodies] = None) -> Generator[List[Entry], None, None]:
        """Yield the entries in batches. ``bodies`` get the files that pass by, where this way sees them pass.

        What goes wrong ends the iteration and stands in the report. Raises
        CannotContinue, and LocalFileError where ``bodies`` cannot be kept.
        """

    @abstractmethod
    def read(self, files: Mapping[int, Entry], open_sink: OpenSink) -> Report:
        """Give files that ``entries`` yielded, by their offsets, to the sinks that ``open_sink`` has for them.

        A sink may be asked for once more, when what the earlier one got was not
        the file; ``end`` comes only to one that has all of it. Return what it
        cost; what could not be read stands in ``problem`` there. Raises
        CannotContinue and LocalFileError.
        """

    @property
    def rest_is_free(self) -> bool:
        """Whether no bytes are fetched for the entries that did not come yet."""
        return False


class CountingReader:
    """A readable that reports how many bytes were taken from it."""

    def __init__(self, blob: BinaryIO, advance: Advance) -> None:
        self._blob = blob
        self._advance = advance

    def read(self, count: int) -> bytes:
        data = self._blob.read(count)
        self._advance(len(data))
        return data

    def close(self) -> None:
        self._blob.close()


class GivenOut:
    """Which entries were given out: how many, and checksums of them, however they came in batches."""

    def __init__(self) -> None:
        self.count = 0
        self._waiting: List[Entry] = []  # to be hashed many at once, which takes half of the time
        self._sums = [hashlib.sha256() for _ in range(_COLUMNS)]

    def add(self, entries: Sequence[Entry]) -> None:
        """Note the next entries."""
        self.count += len(entries)
        waiting = self._waiting
        waiting += entries
        if len(waiting) >= _AT_ONCE or (waiting and abs(waiting[-1].offset - waiting[0].offset) >= _TAR_AT_ONCE):
            self._hash()

    def state(self) -> Tuple[bytes, ...]:
        """Return what two have in common that were given the same entries."""
        self._hash()
        return tuple(column.digest() for column in self._sums)

    def _hash(self) -> None:
        for column, data in zip(self._sums, _columns(self._waiting)):
            column.update(data)
        self._waiting.clear()


_AT_ONCE = 500  # entries
_TAR_AT_ONCE = 2**19  # bytes of tar from the first to the last of them: their names and attributes can be as long
_TEXTS = tuple(map(Entry._fields.index, ("name", "kind", "target", "uname", "gname")))
_NUMBERS = tuple(map(Entry._fields.index, ("mode", "uid", "gid", "size", "mtime", "offset", "hidden")))
_COLUMNS = len(_TEXTS) + len(_NUMBERS) + 1


def _columns(entries: Sequence[Entry]) -> Iterator[bytes]:
    """Yield the entries as one text for each field, and one for what few entries have."""
    fields: List[Any] = list(zip(*entries))
    if not fields:
        return
    for place in _TEXTS:
        yield "\0".join([*fields[place], ""]).encode("utf-8", "surrogatepass")
    for place in _NUMBERS:
        try:
            yield array("d", fields[place]).tobytes()
        except OverflowError:
            yield repr(fields[place]).encode()
    rare: List[bytes] = []
    for item in entries:
        if item.device or item.xattrs:
            lengths = [(key, len(value)) for key, value in item.xattrs.items()]
            rare.append(repr((item.offset, item.device, lengths)).encode("utf-8", "surrogatepass"))
            rare += item.xattrs.values()
    yield b"".join(rare)
