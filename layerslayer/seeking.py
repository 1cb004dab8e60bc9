"""One file of an image from as few bytes as a stream allows: layers from the top down, until it has passed.

What a container would open at a path is in the top-most layer that names it,
unless a whiteout in between took it away; symlinks lead on from the top,
hardlinks in the layer that has them and below.
"""

from __future__ import annotations

from typing import Callable, Dict, FrozenSet, List, NamedTuple, Optional, Sequence, Tuple, Union

from .contents import AHEAD
from .entries import OPAQUE, WHITEOUT_PREFIX, Entry
from .image import Layer
from .layers.bodies import Bodies, FileDigests, Sink
from .layers.reading import Report, read_entries
from .overlay import MAX_LINKS, normal
from .sources.base import Source

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


Found = Union[File, Directory, Absent]


class _Link(NamedTuple):
    path: str
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
    ) -> None:
        self._source = source
        self._layers = list(layers)
        self._known = known  # entries of layers read whole, by layer number
        self._keep = keep
        self._to_the_end = to_the_end
        self._fetch = fetch  # a shorter way to the bytes of an entry of a known layer
        self._look = look  # a shorter way to a layer's entries, asked when the search gets there
        self.reports: List[Report] = []

    def seek(self, path: str, new_sink: NewSink, below: Optional[Sequence[Layer]] = None) -> Found:
        """Return what stands at ``path`` (normalised); a regular file's bytes have then gone to ``new_sink(entry)``.

        ``below``: the layers a hardlink may lead to besides. Problems of a
        layer stand in its report, the last of ``reports``; an incomplete layer
        ends the search.
        """
        layers = self._layers[::-1]
        stands_at = path  # of a hardlink to a symlink, where that counts its way from
        for _ in range(MAX_LINKS + 1):
            found = self._through(layers, path, stands_at, new_sink)
            if not isinstance(found, tuple) or not isinstance(found[0], _Link):
                return found
            link, layer = found
            path = link.path
            stands_at = stands_at if link.hard else path
            every = list(below or self._layers)
            layers = [item for item in every if item.number <= layer.number][::-1] if link.hard else self._layers[::-1]
        return Absent(path, None, "its links go round in a circle")

    def _through(
        self, layers: Sequence[Layer], path: str, stands_at: str, new_sink: NewSink
    ) -> Union[Found, Tuple[_Link, Layer]]:
        watch = _Watch(path, stands_at)
        for layer in layers:
            result = self._in_layer(layer, watch, new_sink)
            if isinstance(result, _Link):
                return (result, layer)
            if result is not None:
                return result
        return Directory(path) if watch.directory or not path else Absent(path, None)

    def _in_layer(self, layer: Layer, watch: _Watch, new_sink: NewSink) -> Union[Found, _Link, None]:
        watch.begin()
        known = self._known.get(layer.number)
        if known is None:
            known = self._look(layer)
        if known is not None:
            watch.see(known)
            if watch.file is None:
                return watch.outcome(layer)
            report = self._fetch(layer, watch.file, new_sink)
            if report is not None:
                self.reports.append(report)
                return File(watch.path, layer, watch.file, report)
        return self._streamed(layer, watch, new_sink)

    def _streamed(self, layer: Layer, watch: _Watch, new_sink: NewSink) -> Union[Found, _Link, None]:
        report = Report(layer.descriptor)
        self.reports.append(report)
        digests = FileDigests()
        sinks: List[_Noting] = []

        def choose(entry: Entry) -> Sink:
            if entry.kind == "-" and not entry.hidden and normal(entry.name) == watch.path:
                sinks.append(_Noting(new_sink(entry), digests.sink(entry), entry))
                return sinks[-1]
            return digests.sink(entry)

        watch.begin()
        entries: List[Entry] = []
        descriptor = layer.descriptor
        batches = read_entries(descriptor, lambda: self._source.blob(descriptor), report, Bodies(choose), AHEAD)
        try:
            for batch in batches:
                entries += batch
                watch.see(batch)
                if not self._to_the_end and (watch.link or (sinks and sinks[-1].ended)):
                    break
        finally:
            batches.close()
        if report.complete:
            self._known[layer.number] = entries
            self._keep(layer, entries, digests.by_offset, report)
        if sinks and sinks[-1].ended:
            return File(watch.path, layer, sinks[-1].entry, report)
        if report.problem:
            return Absent(watch.path, None, "layer {} could not be read: {}".format(layer.number, report.problem))
        return watch.outcome(layer)


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


class _Watch:
    """What a layer's entries say about one path; ``stands_at`` is where a symlink there counts its way from."""

    def __init__(self, path: str, stands_at: str) -> None:
        self.path = path
        self._stands_at = stands_at
        self.directory = False  # some layer has it as one
        parts = path.split("/")
        self._parents: FrozenSet[str] = frozenset("/".join(parts[:end]) for end in range(1, len(parts)))
        removers = {_sibling(name, WHITEOUT_PREFIX + name.rpartition("/")[2]) for name in (*self._parents, path)}
        removers |= {name + "/" + OPAQUE for name in self._parents} | {OPAQUE}
        self._removers = frozenset(removers)
        self._inside = path + "/"
        self.begin()

    def begin(self) -> None:
        """A layer begins."""
        self.file: Optional[Entry] = None
        self.link: Optional[_Link] = None
        self._removed = False
        self._blocked = False

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
            elif clean in parents:
                if entry.kind == "l":
                    rest = path[len(clean) + 1 :]
                    self.link = _Link(_joined(clean, entry.target, rest), False)
                elif entry.kind != "d":
                    self._blocked = True
            elif clean in self._removers:
                self._removed = True
            elif clean.startswith(self._inside) and WHITEOUT_PREFIX not in clean:
                self.directory = True

    def _here(self, entry: Entry) -> None:
        self.file = self.link = None
        if entry.kind == "d":
            self.directory = True
        elif entry.kind == "l":
            self.link = _Link(_joined(self._stands_at, entry.target, ""), False)
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
        if self.link:
            return self.link
        if self.directory:
            return Directory(self.path)
        if self._blocked:
            return Absent(self.path, None, "it is no regular file")
        if self._removed:
            return Absent(self.path, layer.number)
        return None


def _sibling(path: str, name: str) -> str:
    directory = path.rpartition("/")[0]
    return directory + "/" + name if directory else name


def _joined(link: str, target: str, rest: str) -> str:
    """Return where a symlink at ``link`` leads, with ``rest`` behind; ``..`` stops at the root."""
    parts = [] if target.startswith("/") else link.split("/")[:-1]
    for part in (target + "/" + rest).split("/"):
        if part == "..":
            parts = parts[:-1]
        elif part not in ("", "."):
            parts.append(part)
    return "/".join(parts)
