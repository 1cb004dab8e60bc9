"""One file of an image from as few bytes as a stream allows: layers from the top down, until it has passed.

What a container would open at a path is in the top-most layer that names it,
unless a whiteout in between took it away; symlinks lead on from the top,
hardlinks in the layer that has them and below. Where a layer may have written
the path by another name, through a directory that is a symlink, or a ``..``
may stand behind one, only all layers together tell: then it is ``Unclear``.
"""

from __future__ import annotations

from typing import Callable, Dict, FrozenSet, List, NamedTuple, Optional, Sequence, Tuple, Union

from .contents import AHEAD
from .entries import OPAQUE, WHITEOUT_PREFIX, Entry
from .image import Layer
from .layers.bodies import Bodies, FileDigests, Sink
from .layers.reading import read_entries
from .layers.report import Report
from .nodes import normal
from .overlay import MAX_LINKS
from .sources.base import Source

MOST_READ_ON = 32 * 1024 * 1024  # bytes of a layer read only to have known it whole

NewSink = Callable[[Entry], Sink]
Fetch = Callable[[Layer, Entry, NewSink], Optional[Report]]
Look = Callable[[Layer], Optional[List[Entry]]]
KeepContents = Callable[[Layer, List[Entry], Dict[int, bytes], Report], None]


class File(NamedTuple):
    """Found, and written to its sink."""

    path: str  # where it stands, links followed
    layer: Layer
    entry: Entry
    report: Report  # of the layer it was read from


class Directory(NamedTuple):
    """The path is a directory."""

    path: str


class Absent(NamedTuple):
    """The path is not there; ``by`` is the layer that removed it, ``reason`` why else."""

    path: str
    by: Optional[int]
    reason: str = ""


class Unclear(NamedTuple):
    """Only the merged view of all layers can tell what stands there."""

    path: str


Found = Union[File, Directory, Absent, Unclear]


class _Link(NamedTuple):
    path: Optional[str]  # None when it cannot be told from names alone
    hard: bool


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
    ) -> None:
        self._source = source
        self._layers = list(layers)
        self._known = known  # entries of layers read whole, by layer number
        self._keep = keep
        self._to_the_end = to_the_end
        self._fetch = fetch  # a shorter way to the bytes of an entry of a known layer
        self._learn = learn  # ``keep`` remembers for later runs
        self._look = look  # a shorter way to a layer's entries, asked when the search gets there
        self._stated = _Stated()
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
        self._stated = _Stated()
        for _ in range(MAX_LINKS + 1):
            found = self._through(layers, path, stands_at, new_sink, linked)
            if not isinstance(found, tuple) or not isinstance(found[0], _Link):
                return found
            link, layer = found
            if link.path is None:
                return Unclear(path)
            path = link.path
            linked = layer if link.hard else None
            stands_at = stands_at if link.hard else path
            every = list(below or self._layers)
            layers = [item for item in every if item.number <= layer.number][::-1] if link.hard else self._layers[::-1]
        return Absent(path, None, "its links go round in a circle")

    def _through(
        self, layers: Sequence[Layer], path: str, stands_at: str, new_sink: NewSink, linked: Optional[Layer]
    ) -> Union[Found, Tuple[_Link, Layer]]:
        watch = _Watch(path, stands_at, self._stated, linked, (layers[0].number, layers[-1].number) if layers else ())
        for layer in layers:
            if watch.unclear:
                return Unclear(path)
            result = self._in_layer(layer, watch, new_sink)
            if isinstance(result, _Link):
                return (result, layer)
            if result is not None:
                return result
        if watch.unclear:
            return Unclear(path)
        return Directory(path) if watch.directory or not path else Absent(path, None)

    def _in_layer(self, layer: Layer, watch: _Watch, new_sink: NewSink) -> Union[Found, _Link, None]:
        watch.begin(layer.number)
        known = self._known.get(layer.number)
        if known is None:
            known = self._look(layer)
        if known is not None:
            watch.note(known)
            watch.see(known)
            if watch.file is None or watch.unclear:
                return watch.outcome(layer)
            report = self._fetch(layer, watch.file, new_sink)
            if report is not None:
                self.reports.append(report)
                if report.problem:
                    return _unreadable(watch.path, layer, report)
                return File(watch.path, layer, watch.file, report)
        return self._streamed(layer, watch, new_sink)

    def _streamed(self, layer: Layer, watch: _Watch, new_sink: NewSink) -> Union[Found, _Link, None]:
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
        entries: List[Entry] = []
        descriptor = layer.descriptor
        learn = self._learn and layer.number not in self._known
        batches = read_entries(
            descriptor, lambda: self._source.blob(descriptor), report, _Watched(choose, watch), AHEAD, learn
        )
        try:
            for batch in batches:
                entries += batch
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
        if report.complete:
            self._known[layer.number] = entries
            self._keep(layer, entries, digests.by_offset, report)
        if sinks and sinks[-1].ended:
            return File(watch.path, layer, sinks[-1].entry, report)
        if report.problem:
            return _unreadable(watch.path, layer, report)
        return watch.outcome(layer)


def _unreadable(path: str, layer: Layer, report: Report) -> Absent:
    return Absent(path, None, "layer {} could not be read: {}".format(layer.number, report.problem))


def _nearly_read(report: Report) -> bool:
    """Whether so little of a layer is left that reading on is worth what can be kept of it then."""
    left = report.descriptor.size - report.bytes_read  # negative where the size is not known
    return 0 <= left <= min(report.descriptor.size // 8, MOST_READ_ON)


class _Watched(Bodies):
    """Lets a watch know of a batch's directories before the bodies of its files pass."""

    def __init__(self, choose: Callable[[Entry], Sink], watch: _Watch) -> None:
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


class _Stated:
    """Which names are directories and which symlinks, by the top-most layer seen so far that says so."""

    def __init__(self) -> None:
        self._found: Dict[str, Tuple[int, bool]] = {}  # layer, and whether it is a directory there

    def add(self, name: str, number: int, directory: bool) -> None:
        known = self._found.get(name)
        if known is None or number >= known[0]:
            self._found[name] = (number, directory)

    def is_directory(self, name: str) -> bool:
        return self._found.get(name, (0, False))[1]

    def above(self, name: str, number: int, highest: Optional[int]) -> bool:
        """Whether a layer above ``number`` (and not above ``highest``) has it as a directory."""
        layer, directory = self._found.get(name, (-1, False))
        return directory and layer > number and (highest is None or layer <= highest)

    def all_above(self, path: str, unless_stated: bool = False) -> bool:
        """Whether all that the path leads through are directories; of what nothing is known ``unless_stated``."""
        parent = path.rpartition("/")[0]
        while parent and self._found.get(parent, (0, unless_stated))[1]:
            parent = parent.rpartition("/")[0]
        return not parent


class _Watch:
    """What a layer's entries say about one path; ``stands_at`` is where a symlink there counts its way from.

    ``stated`` collects the directories that layers state, ``linked`` is the layer
    with the hardlink that led here: its whiteouts do not reach what is linked.
    ``ends`` are the first and the last layer that are asked.
    """

    def __init__(
        self, path: str, stands_at: str, stated: _Stated, linked: Optional[Layer], ends: Tuple[int, ...]
    ) -> None:
        self.path = path
        self._stands_at = stands_at
        self._stated = stated
        self._linked = linked.number if linked else None
        self._ends = ends
        self.directory = False  # some layer has it as one
        self.unclear = False  # it may have, or have lost, another name
        parts = path.split("/")
        self._parents: FrozenSet[str] = frozenset("/".join(parts[:end]) for end in range(1, len(parts)))
        self._removers = {_sibling(name, WHITEOUT_PREFIX + name.rpartition("/")[2]) for name in (*self._parents, path)}
        self._removers |= {name + "/" + OPAQUE for name in self._parents} | {OPAQUE}
        self._inside = path + "/"
        self._aliases = ("/" + parts[-1], "/" + WHITEOUT_PREFIX + parts[-1])
        self.begin(0)

    def begin(self, number: int) -> None:
        """Layer ``number`` begins."""
        self._number = number
        self.file: Optional[Entry] = None
        self.link: Optional[_Link] = None
        self._removed = False
        self._blocked = False
        # Parents that a layer above has as directories: what else they are from here on is gone.
        self._replaced = {name for name in self._parents if self._stated.above(name, number, self._linked)}

    def note(self, entries: Sequence[Entry]) -> None:
        """Take note of the next entries' directories, before ``wants`` and ``see``."""
        for entry in entries:
            if entry.kind in "dl" and not entry.hidden:
                clean = normal(entry.name)
                if clean is not None:
                    self._stated.add(clean, self._number, entry.kind == "d")

    def wants(self, entry: Entry) -> bool:
        """Whether a regular file's bytes are what is sought, for sure."""
        if self.file is not None and self.file.offset != entry.offset:
            return False  # another of that name is known to be the last
        return normal(entry.name) == self.path and self._is_sure(self.path)

    def _is_sure(self, path: str) -> bool:
        """Whether the path is no other one too: no directory above it can be a symlink of a layer further down."""
        return self._number in self._ends or self._stated.all_above(path)

    def see(self, entries: Sequence[Entry]) -> None:
        """Take the next entries of the layer."""
        path, parents = self.path, self._parents
        for entry in entries:
            name = entry.name
            if entry.hidden:
                continue
            clean = normal(name)
            if clean is None:
                continue
            if clean == path:
                self._here(entry)
                self.unclear |= not self._is_sure(clean)
            elif clean in parents:
                if clean in self._replaced:
                    self._blocked |= entry.kind != "d"
                elif entry.kind == "l":
                    rest = path[len(clean) + 1 :]
                    self.link = _Link(_joined(clean, entry.target, rest, self._stated), False)
                    self.unclear |= not self._is_sure(clean)
                elif entry.kind != "d":
                    self._blocked = True
            elif clean in self._removers:
                self._removed = True
                self.unclear |= not self._is_sure(clean)
            elif clean.startswith(self._inside) and WHITEOUT_PREFIX not in clean:
                self.directory = True
            elif clean.endswith(self._aliases):
                self.unclear |= not self._stated.all_above(clean, self._number in self._ends[-1:])

    def _here(self, entry: Entry) -> None:
        self.file = self.link = None
        if entry.kind == "d":
            self.directory = True
        elif entry.kind == "l":
            self.link = _Link(_joined(self._stands_at, entry.target, "", self._stated), False)
        elif entry.kind == "h":
            target = normal(entry.target)
            self.link = _Link(target, True) if target else None
            self._blocked = not target
        elif entry.kind == "-":
            self.file = entry
        else:
            self._blocked = True

    def outcome(self, layer: Layer) -> Union[Found, _Link, None]:
        """Say, once the layer has ended, what that means; None: look further down."""
        if self.unclear:
            return Unclear(self.path)
        if self.link:
            return self.link
        if self.directory:
            return Directory(self.path)
        if self._blocked:
            return Absent(self.path, None, "it is no regular file")
        if self._removed and layer.number != self._linked:
            return Absent(self.path, layer.number)
        return None


def _sibling(path: str, name: str) -> str:
    directory = path.rpartition("/")[0]
    return directory + "/" + name if directory else name


def _joined(link: str, target: str, rest: str, stated: _Stated) -> Optional[str]:
    """Return where a symlink at ``link`` leads, with ``rest`` behind; ``..`` stops at the root.

    None when a ``..`` comes after what is not known to be a directory.
    """
    parts = [] if target.startswith("/") else link.split("/")[:-1]
    for part in (target + "/" + rest).split("/"):
        if part == "..":
            if parts and not stated.is_directory("/".join(parts)):
                return None
            parts = parts[:-1]
        elif part not in ("", "."):
            parts.append(part)
    return "/".join(parts)
