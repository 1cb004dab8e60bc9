"""One file of an image from as few bytes as a stream allows: layers from the top down, until it has passed.

What a container would open at a path is in the top-most layer that names it,
unless a whiteout in between took it away; symlinks lead on from the top,
hardlinks in the layer that has them and below. Where a layer may have written
the path by another name, through a directory that is a symlink, or a ``..``
may stand behind one, only all layers together tell: then it is ``Unclear``.
"""

from __future__ import annotations

from functools import reduce
from operator import and_
from typing import Callable, Dict, List, NamedTuple, Optional, Sequence, Tuple, Union

from ..formats.entry import Entry
from ..formats.memory import Holding, Lease
from ..formats.tar.bodies import Sink
from ..layers.access import LayerAccess
from ..layers.open import OpenedLayer, Reading, open_layer
from ..layers.outcome import Report
from ..layers.reader import CannotContinue
from ..limits import LimitReached
from ..oci.image import Layer
from .passing_file import KeptEntries, PassingFile
from .path_resolution import Absent, Directory, Link, Stated, Unclear, Watch

MAX_SOUGHT = 8  # links followed one by one, each by looking through layers anew; all of them together tell of more
UNKNOWN_MODE = 0o700  # of directories that a layer further down may state to be for their owner alone
MOST_READ_ON = 32 * 1024 * 1024  # bytes of a layer read only to have known it whole

NewSink = Callable[[Entry], Sink]


class File(NamedTuple):
    """Found, and written to its sink."""

    path: str  # where it stands, links followed
    layer: Layer
    entry: Entry
    report: Report  # of the layer it was read from


Found = Union[File, Directory, Absent, Unclear]


class FileLookup:
    """Looks for files in ``layers`` (lowest first), read by the ways of ``access``; those read whole stay."""

    def __init__(self, access: LayerAccess, layers: Sequence[Layer]) -> None:
        self._access = access
        self._layers = list(layers)
        self._readers: Dict[int, OpenedLayer] = {}  # by layer number
        self._whole: Dict[int, List[Entry]] = {}  # entries of layers read whole that no store knows
        self._stated = Stated(limits=access.limits)
        self._names = Lease(access.limits)  # of what layers state
        self._kept: Optional[KeptEntries] = None  # of the layer at hand
        self._at = ""  # what is sought, after the links that were followed
        self._holding = Holding(merged=False, limits=access.limits)
        self._number = 0  # of the layer that is asked
        self.reports: List[Report] = []

    def seek(self, path: str, new_sink: NewSink, below: Optional[Sequence[Layer]] = None) -> Found:
        """Return what stands at ``path`` (normalised); a regular file's bytes have then gone to ``new_sink(entry)``.

        ``below``: the layers a hardlink may lead to besides. Problems of a
        layer stand in its report, the last of ``reports``; an incomplete layer
        ends the search.
        """
        layers = self._layers[::-1]
        stands_at = path  # of a hardlink to a symlink, where that counts its way from
        linked: Optional[Layer] = None  # the layer with the hardlink that led here
        self._names.close()
        self._stated = Stated(self._has_room, self._access.limits)
        passed = {(path, stands_at, len(layers))}  # where links led
        for _ in range(MAX_SOUGHT + 1):
            self._at = path
            found = self._through(layers, path, stands_at, new_sink, linked)
            if not isinstance(found, tuple) or not isinstance(found[0], Link):
                return found
            link, layer = found
            if link.path is None:
                return Unclear(path)
            path = link.path
            linked = layer if link.hard else None
            stands_at = stands_at if link.hard else path
            every = list(below or self._layers)
            layers = [item for item in every if item.number <= layer.number][::-1] if link.hard else self._layers[::-1]
            if (path, stands_at, len(layers)) in passed:
                return Absent(path, None, "its links go round in a circle")
            passed.add((path, stands_at, len(layers)))
        return Unclear(path)

    def _has_room(self, memory: int) -> bool:
        """Have so many bytes for what layers state, if need be in place of what would be kept of the layer at hand."""
        for kept in (self._kept, None):
            try:
                self._names.take(memory)
                return True
            except LimitReached:
                if kept is not None:
                    kept.let_go()
        return False

    def mode_of(self, path: str) -> Optional[int]:
        """Return the permissions of a directory on the way to what is sought, None where no layer states them.

        Of a link to one those that all on the way to the file have. What layers
        may state that were not asked yet is not known, so it is for the owner alone.
        """
        if not self._stated.is_link(path):
            return self._mode_stated(path)
        parts = self._at.split("/")
        modes = [self._mode_stated("/".join(parts[:end])) for end in range(1, len(parts))]
        return reduce(and_, [mode for mode in modes if mode is not None], 0o777)

    def _mode_stated(self, path: str) -> Optional[int]:
        mode = self._stated.mode_of(path)
        return mode if mode is not None or self._number == 0 else UNKNOWN_MODE

    def _through(
        self, layers: Sequence[Layer], path: str, stands_at: str, new_sink: NewSink, linked: Optional[Layer]
    ) -> Union[Found, Tuple[Link, Layer]]:
        watch = Watch(path, stands_at, self._stated, linked, (layers[0].number, layers[-1].number) if layers else ())
        for layer in layers:
            if watch.unclear:
                return Unclear(path)
            result = self._in_layer(layer, watch, new_sink)
            if isinstance(result, Link):
                return (result, layer)
            if result is not None:
                return result
        if watch.unclear:
            return Unclear(path)
        return Directory(path) if watch.directory or not path else Absent(path, None)

    def _in_layer(self, layer: Layer, watch: Watch, new_sink: NewSink) -> Union[Found, Link, None]:
        self._number = layer.number
        watch.begin(layer.number)
        whole = self._whole.get(layer.number)
        if whole is not None:
            watch.note(whole)
            watch.see(whole)
            if watch.file is None or watch.unclear:
                return watch.outcome(layer)
        reader = self._readers.get(layer.number)
        if reader is None:
            reader = open_layer(self._access, layer, reading=Reading(seeking=True))
            self._readers[layer.number] = reader
        reader.sought = watch.may_decide
        while True:
            before = watch.saved() if reader.may_leap else None
            try:
                return self._read(reader, watch, new_sink)
            except CannotContinue as error:
                if before is not None:  # what it said is not sure
                    watch.restore(before)
                    self.reports[:] = [item for item in self.reports if item is not error.left]
                self.reports += [error.report] if error.report is not None else []

    def _read(self, reader: OpenedLayer, watch: Watch, new_sink: NewSink) -> Union[Found, Link, None]:
        """Read a layer by one way. Raises CannotContinue where that is of no use, and the next one may be."""
        layer, passing = reader.layer, PassingFile(watch, new_sink)
        watch.begin(layer.number)
        kept = self._kept = KeptEntries(self._holding.part())
        batches = reader.entries(passing.bodies)
        try:
            for batch in batches:
                if reader.streams:
                    kept.add(batch)
                else:
                    watch.note(batch)
                watch.see(batch)
                if self._is_enough(reader, watch, passing):
                    break
        finally:
            batches.close()
            self._kept = None
        report = reader.report
        if not report.remembered:
            self._tell_of(report)
        if reader.streams and report.complete and kept.entries is not None:
            self._whole[layer.number] = kept.entries
            del self._readers[layer.number]  # the store may know it now
        else:
            kept.let_go()
        if passing.ended:
            return File(watch.path, layer, passing.sinks[-1].entry, report)
        if report.problem:
            return _unreadable(watch.path, layer, report)
        if reader.streams or watch.file is None or watch.unclear:
            return watch.outcome(layer)
        report = reader.read({watch.file.offset: watch.file}, new_sink)
        self._tell_of(report)
        return _unreadable(watch.path, layer, report) if report.problem else File(watch.path, layer, watch.file, report)

    def _is_enough(self, reader: OpenedLayer, watch: Watch, passing: PassingFile) -> bool:
        """Whether the layer need not be read further."""
        if not reader.streams:
            return watch.decided and not reader.rest_is_free
        if self._access.whole:
            return False
        if watch.link or watch.unclear:
            return True
        passing.over = passing.ended
        learns = self._access.known.open_store() is not None and reader.layer.number not in self._whole
        return passing.over and not (learns and _nearly_read(reader.report))

    def _tell_of(self, report: Report) -> None:
        """Make a report the last one."""
        self.reports[:] = [item for item in self.reports if item is not report] + [report]


def _unreadable(path: str, layer: Layer, report: Report) -> Absent:
    told = "layer {} could not be read: ".format(layer.number)
    return Absent(path, None, report.problem.after(told) if report.problem else told)


def _nearly_read(report: Report) -> bool:
    """Whether so little of a layer is left that reading on is worth what can be kept of it then."""
    left = report.descriptor.size - report.bytes_read  # negative where the size is not known
    return 0 <= left <= min(report.descriptor.size // 8, MOST_READ_ON)
