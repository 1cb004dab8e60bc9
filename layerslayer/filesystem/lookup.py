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
from typing import TYPE_CHECKING, Callable, Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple, Union

from ..formats.entry import Entry
from ..formats.memory import Holding, Lease, Part
from ..formats.tar.bodies import Bodies, FileDigests, Sink
from ..layers.open import AHEAD
from ..layers.outcome import Report
from ..layers.stream import read_entries
from ..limits import LimitReached
from ..oci.image import Layer
from ..oci.source import Source
from .path_resolution import Absent, Directory, Link, Stated, Unclear, Watch

if TYPE_CHECKING:  # loaded where there is something to be leapt through
    from ..layers.leap.gzip_reader import LeaptLayer
    from ..layers.leap.reader import Leaps

MAX_SOUGHT = 8  # links followed one by one, each by looking through layers anew; all of them together tell of more
UNKNOWN_MODE = 0o700  # of directories that a layer further down may state to be for their owner alone
MOST_READ_ON = 32 * 1024 * 1024  # bytes of a layer read only to have known it whole

NewSink = Callable[[Entry], Sink]
Fetch = Callable[[Layer, Entry, NewSink], Optional[Report]]
Look = Callable[[Layer], Optional[Sequence[Entry]]]
KeepContents = Callable[[Layer, List[Entry], Mapping[int, bytes], Report], None]


class File(NamedTuple):
    """Found, and written to its sink."""

    path: str  # where it stands, links followed
    layer: Layer
    entry: Entry
    report: Report  # of the layer it was read from


Found = Union[File, Directory, Absent, Unclear]


class Seeker:
    """Looks for files in ``layers`` (lowest first). Whole layers that had to be
    read are remembered, and given to ``keep``."""

    def __init__(
        self,
        source: Source,
        layers: Sequence[Layer],
        known: Dict[int, List[Entry]],
        keep: KeepContents = lambda layer, entries, digests, report: None,
        to_the_end: bool = False,
        fetch: Fetch = lambda layer, entry, sink: None,
        look: Look = lambda layer: None,
        learn: bool = False,
        leaps: Optional[Leaps] = None,
    ) -> None:
        self._source = source
        self._layers = list(layers)
        self._known = known  # entries of layers read whole, by layer number
        self._keep = keep
        self._to_the_end = to_the_end
        self._fetch = fetch  # a shorter way to the bytes of an entry of a known layer
        self._learn = learn  # ``keep`` remembers for later runs
        self._look = look  # a shorter way to a layer's entries, asked when the search gets there
        self._leaps = leaps  # lets layers be leapt through on the way
        self._stated = Stated(limits=source.limits)
        self._names = Lease(source.limits)  # of what layers state
        self._kept: Optional[_Kept] = None  # of the layer at hand
        self._at = ""  # what is sought, after the links that were followed
        self._holding = Holding(merged=False, limits=source.limits)
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
        self._stated = Stated(self._has_room, self._source.limits)
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
        known: Optional[Sequence[Entry]] = self._known.get(layer.number)
        if known is None:
            known = self._look(layer)
        if known is not None:
            watch.note(known)
            watch.see(known)
        leapt = self._leaps.passage(layer) if known is None and self._leaps is not None else None
        if leapt is not None:
            return self._leapt(layer, leapt, watch, new_sink)
        if known is not None:
            if watch.file is None or watch.unclear:
                return watch.outcome(layer)
            found = self._fetched(layer, watch, new_sink)
            if found is not None:
                return found
        return self._streamed(layer, watch, new_sink)

    def _fetched(self, layer: Layer, watch: Watch, new_sink: NewSink) -> Optional[Found]:
        """Get the file of a layer whose entries were seen; None where it must be streamed."""
        assert watch.file is not None
        report = self._fetch(layer, watch.file, new_sink)
        if report is None:
            return None
        self._tell_of(report)
        if report.problem:
            return _unreadable(watch.path, layer, report)
        return File(watch.path, layer, watch.file, report)

    def _tell_of(self, report: Report) -> None:
        """Make a report the last one."""
        self.reports[:] = [item for item in self.reports if item is not report] + [report]

    def _leapt(self, layer: Layer, leapt: LeaptLayer, watch: Watch, new_sink: NewSink) -> Union[Found, Link, None]:
        """Leap through a layer as far as a stream would have to be read, or further where that proves more for less."""
        before = watch.saved()
        self._tell_of(leapt.report)
        if self._leap_on(layer, leapt, watch):
            if leapt.report.problem:
                return _unreadable(watch.path, layer, leapt.report)
            if watch.file is None or watch.unclear:
                return watch.outcome(layer)
            found = self._fetched(layer, watch, new_sink)
            if found is not None:
                return found
        watch.restore(before)
        self.reports.remove(leapt.report)
        streamed = self._streamed(layer, watch, new_sink)
        self.reports[-1].bytes_read += leapt.report.bytes_read
        return streamed

    def _leap_on(self, layer: Layer, leapt: LeaptLayer, watch: Watch) -> bool:
        """Let the watch see what is sure of a layer until that decides; False where it is to be read in full."""
        assert self._leaps is not None
        fresh: Optional[List[Entry]] = list(leapt.entries) or self._leaps.go_on(layer, leapt, watch.may_decide)
        while fresh:
            watch.note(fresh)
            watch.see(fresh)
            if watch.decided and not leapt.proved:
                break
            fresh = self._leaps.go_on(layer, leapt, watch.may_decide)
        return fresh is not None

    def _streamed(self, layer: Layer, watch: Watch, new_sink: NewSink) -> Union[Found, Link, None]:
        report = Report(layer.descriptor)
        self.reports.append(report)
        digests = FileDigests()
        sinks: List[_Noting] = []

        def choose(entry: Entry) -> Sink:
            if not over and entry.kind == "-" and not entry.hidden and watch.wants(entry):
                sinks.append(_Noting(new_sink(entry), digests.sink(entry), entry))
                return sinks[-1]
            return digests.sink(entry)

        watch.begin(layer.number)
        over = False  # the file has passed, and nothing else is wanted
        kept = self._kept = _Kept(self._holding.part())
        descriptor = layer.descriptor
        learn = self._learn and layer.number not in self._known
        batches = read_entries(
            descriptor,
            lambda: self._source.blob(descriptor),
            report,
            _Watched(choose, watch),
            AHEAD,
            learn,
            self._source.limits,
        )
        try:
            for batch in batches:
                kept.add(batch)
                watch.see(batch)
                if self._to_the_end:
                    continue
                if watch.link or watch.unclear:
                    break
                over = bool(sinks) and sinks[-1].ended
                if over and not (learn and _nearly_read(report)):
                    break
        finally:
            batches.close()
            self._kept = None
        if report.complete and kept.entries is not None:
            self._known[layer.number] = kept.entries
            self._keep(layer, kept.entries, digests.by_offset, report)
        else:
            kept.let_go()
        if sinks and sinks[-1].ended:
            return File(watch.path, layer, sinks[-1].entry, report)
        if report.problem:
            return _unreadable(watch.path, layer, report)
        return watch.outcome(layer)


class _Kept:
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


def _unreadable(path: str, layer: Layer, report: Report) -> Absent:
    told = "layer {} could not be read: ".format(layer.number)
    return Absent(path, None, report.problem.after(told) if report.problem else told)


def _nearly_read(report: Report) -> bool:
    """Whether so little of a layer is left that reading on is worth what can be kept of it then."""
    left = report.descriptor.size - report.bytes_read  # negative where the size is not known
    return 0 <= left <= min(report.descriptor.size // 8, MOST_READ_ON)


class _Watched(Bodies):
    """Lets a watch know of a batch's directories before the bodies of its files pass."""

    def __init__(self, choose: Callable[[Entry], Sink], watch: Watch) -> None:
        super().__init__(choose)
        self._watch = watch

    def take(self, start: int, piece: bytes, batch: List[Entry]) -> None:
        self._watch.note(batch)
        super().take(start, piece, batch)


class _Noting(Sink):
    """Notes that its body has passed."""

    def __init__(self, sink: Sink, digest: Sink, entry: Entry) -> None:
        self._sink = sink
        self._digest = digest
        self.entry = entry
        self.ended = False

    def write(self, data: Union[bytes, memoryview]) -> None:
        self._sink.write(data)
        self._digest.write(data)

    def end(self) -> None:
        self._sink.end()
        self._digest.end()
        self.ended = True

    def refuse(self, reason: str) -> None:
        self._sink.refuse(reason)
        self.ended = True
