"""get and cat: files out of an image, each from the top-most layer that has it."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO, Callable, Dict, List, Optional, Sequence, Tuple, Union

from ..carving import CarvedFile, open_folder
from ..contents import Contents, claimed_index, fetch_bodies, keep_contents
from ..entries import Entry
from ..errors import ExitCode, LayerslayerError
from ..escaping import human_size, printable
from ..image import Image, Layer, select_layers
from ..layers.bodies import Sink
from ..layers.reading import Report
from ..overlay import IMPLIED, Node, normal, walk
from ..patterns import has_magic, matcher
from ..seeking import Absent, Directory, File, Seeker
from ..sources.base import Source
from ..views import json_lines
from .layout import finish, lay_out, single_image
from .session import Session, combined

if TYPE_CHECKING:
    from ..layers.toc import Toc

STDOUT = "-"


class _Printed(Sink):
    """Writes a body to standard output."""

    def __init__(self, session: Session) -> None:
        self._console = session.console
        self.whole = False
        self.refused = ""
        self.size = 0

    def write(self, data: Union[bytes, memoryview]) -> None:
        self.size += len(data)
        self._console.raw(bytes(data))

    def end(self) -> None:
        self.whole = True

    def refuse(self, reason: str) -> None:
        self.refused = reason


_Target = Union[CarvedFile, _Printed]


class _Run:
    """One run of get or cat: what was written, what it cost."""

    def __init__(self, session: Session, source: Source, image: Image, folder: str) -> None:
        self.session = session
        self.source = source
        self.image = image
        self.layers = select_layers(image.layers, session.options.layers)
        self.folder = folder
        self._tocs: Dict[int, Toc] = {}
        self.reports: List[Report] = []
        self.codes: List[ExitCode] = []
        self._seeker = Seeker(
            source, self.layers, self._known(), self._keep, session.options.verify, self._fetch_chunks
        )
        self._seeker.reports = self.reports

    def _known(self) -> Dict[int, List[Entry]]:
        found: Dict[int, List[Entry]] = {}
        store = self.session.store
        for layer in self.layers if store else ():
            known = store.layer(layer.descriptor.digest) if store else None
            if known is not None:
                found[layer.number] = known.entries
        for layer in self.layers if self.session.options.fast else ():
            if layer.number not in found:
                self._look_for_index(layer, found)
        return found

    def _look_for_index(self, layer: Layer, found: Dict[int, List[Entry]]) -> None:
        report = Report(layer.descriptor)
        toc = claimed_index(self.source, layer, report)
        if toc is not None:
            found[layer.number] = toc.entries
            self._tocs[layer.number] = toc
            self.reports.append(report)

    def _fetch_chunks(self, layer: Layer, entry: Entry, new_sink: Callable[[Entry], Sink]) -> Optional[Report]:
        """Hand over a file by its publisher's index; None where that does not help."""
        toc = self._tocs.get(layer.number)
        if toc is None:
            return None
        report = Report(layer.descriptor)
        report.claimed = toc.kind
        sink = new_sink(entry)
        descriptor = layer.descriptor

        def open_range(start: int, length: int) -> BinaryIO:
            report.bytes_read += length
            return self.source.blob_range(descriptor, start, length)

        for data in toc.read_file(-2 - entry.offset, open_range):
            sink.write(data)
        sink.end()
        return report

    def _keep(self, layer: Layer, entries: List[Entry], digests: Dict[int, bytes], report: Report) -> None:
        if self.session.store:
            keep_contents(self.session.store, Contents(layer, entries, digests, report))

    # -- single files -----------------------------------------------------

    def one(self, asked: str) -> None:
        """Get what stands at one path, by streaming from the top layer down."""
        path = normal(asked)
        if path is None:
            self._absent(asked, "'..' leads nowhere in an image")
            return
        made: List[_Target] = []

        def new_sink(entry: Entry) -> Sink:
            for earlier in made:
                _drop(earlier)
            made.append(self._target(path or "", entry))
            return made[-1]

        try:
            found = self._seeker.seek(path, new_sink, self.image.layers)
            if isinstance(found, File):
                self._written(path, made[-1], found.layer, found.report)
            elif isinstance(found, Directory):
                self.many([path], exact=True)
            else:
                self._not_found(asked, found)
        finally:
            for target in made:
                _drop(target)

    def _not_found(self, asked: str, found: Absent) -> None:
        if found.by is not None:
            reason = "layer {} removed it; 'layerslayer deleted' shows what can be had still".format(found.by)
        else:
            reason = found.reason or "no layer has it"
        failed = bool(self.reports) and self.reports[-1].problem is not None
        self._absent(asked, reason, ExitCode.FAILED if failed else ExitCode.NO)

    def _absent(self, asked: str, reason: str, code: ExitCode = ExitCode.NO) -> None:
        self.session.console.warn("'{}' was not got: {}.".format(asked, reason.rstrip(".")))
        self.codes.append(code)

    # -- many -------------------------------------------------------------

    def many(self, asked: Sequence[str], exact: bool = False) -> None:
        """Get all that globs name, or a directory: the merged view first, then the files layer by layer."""
        laid = lay_out(self.session, self.source, self.image)
        self.reports += laid.reports
        if laid.code != ExitCode.DONE:
            self.codes.append(laid.code)
        wanted: Dict[str, Node] = {}
        for text in asked:
            path = normal(text) or ""
            top = laid.tree.find(path, follow=True)
            if exact or (top is not None and path):  # a name with a '[' in it is a name first
                if top is not None:
                    wanted.update(_below(top, path))
                found = top is not None
            else:
                matches = matcher([text])
                tops = [(path, node) for path, node in laid.tree.nodes() if matches(path)]
                for found_path, node in tops:
                    wanted.update(_below(node, found_path))
                found = bool(tops)
            if not found:
                self._absent(text, "no layer has it")
        self._fetch(wanted)

    def _fetch(self, wanted: Dict[str, Node]) -> None:
        by_layer: Dict[int, List[Tuple[str, Entry]]] = {}
        skipped = 0
        for path, node in wanted.items():
            if node.children is not None:
                if self.folder != STDOUT:
                    open_folder(self.folder, path).close()
                continue
            content = node.content
            if content is None or content[1].kind != "-":
                skipped += 1
                continue
            by_layer.setdefault(content[0], []).append((path, content[1]))
        for number in sorted(by_layer, reverse=True):
            if any(entry.offset < IMPLIED for _, entry in by_layer[number]):
                self._fetch_by_index(self.image.layers[number], by_layer[number])
                continue
            self._fetch_layer(self.image.layers[number], by_layer[number])
        if skipped:
            self.session.console.say(
                "{} links, devices and the like were not written: only files and directories are.".format(skipped)
            )

    def _fetch_by_index(self, layer: Layer, files: Sequence[Tuple[str, Entry]]) -> None:
        if layer.number not in self._tocs:
            self._look_for_index(layer, {})
        for path, entry in files:
            made: List[_Target] = []

            def new_sink(entry: Entry, path: str = path, made: List[_Target] = made) -> Sink:
                made.append(self._target(path, entry))
                return made[-1]

            try:
                report = self._fetch_chunks(layer, entry, new_sink)
                if report is None:
                    self._absent(path, "its layer's index is gone", ExitCode.FAILED)
                else:
                    self.reports.append(report)
                    self._written(path, made[-1], layer, report)
            except LayerslayerError as error:
                self._absent(path, str(error), ExitCode.FAILED)
            finally:
                for target in made:
                    _drop(target)

    def _fetch_layer(self, layer: Layer, files: Sequence[Tuple[str, Entry]]) -> None:
        sinks: Dict[int, Sink] = {}
        fans: Dict[int, _Fan] = {}
        for path, entry in files:
            fan = fans.setdefault(entry.offset, _Fan(lambda kept, target: self._written(kept, target, layer, None)))
            fan.paths.append((path, lambda path=path, entry=entry: self._target(path, entry)))  # type: ignore[misc]
            sinks[entry.offset] = fan
        try:
            report = fetch_bodies(self.source, layer, sinks, self.session.options.verify)
        finally:
            for fan in fans.values():
                fan.drop()
        self.reports.append(report)
        missing = sum(not fan.done for fan in fans.values())
        if missing:
            self._absent(
                "{} files of layer {}".format(missing, layer.number), str(report.problem or "gone"), ExitCode.FAILED
            )

    # -- files ------------------------------------------------------------

    def _target(self, path: str, entry: Entry) -> _Target:
        if self.folder == STDOUT:
            return _Printed(self.session)
        return CarvedFile(self.folder, path, bool(entry.mode & 0o111))

    def _written(self, path: str, target: _Target, layer: Layer, report: Optional[Report]) -> None:
        if target.refused or not target.whole:
            self._absent(path, target.refused or "it is not whole", ExitCode.FAILED)
            return
        if self.session.options.verify and report is not None and not report.verified:
            self._absent(path, "the layer is not what its digest says: {}".format(report.problem), ExitCode.FAILED)
            return
        self.codes.append(ExitCode.DONE)
        if isinstance(target, _Printed):
            return
        where = target.keep()
        if self.session.options.json:
            item: json_lines.Object = {"type": "file", "layer": layer.number, "size": target.size}
            json_lines.put_text(item, "path", path)
            json_lines.put_text(item, "written", where)
            self.session.console.out(json_lines.line(item))
            return
        self.session.console.out(
            "{}  {}, from layer {}\n".format(printable(where), human_size(target.size), layer.number)
        )


class _Fan(Sink):
    """One body into the files of several paths (hardlinks), opened only when it comes."""

    def __init__(self, written: Callable[[str, _Target], None]) -> None:
        self.paths: List[Tuple[str, Callable[[], _Target]]] = []
        self._written = written
        self._targets: Optional[List[Tuple[str, _Target]]] = None
        self.done = False

    def _opened(self) -> List[Tuple[str, _Target]]:
        if self._targets is None:
            self._targets = [(path, make()) for path, make in self.paths]
        return self._targets

    def write(self, data: Union[bytes, memoryview]) -> None:
        for _, target in self._opened():
            target.write(data)

    def end(self) -> None:
        for path, target in self._opened():
            target.end()
            self._written(path, target)
        self.done = True

    def refuse(self, reason: str) -> None:
        for path, target in self._opened():
            target.refuse(reason)
            self._written(path, target)
        self.done = True

    def drop(self) -> None:
        for _, target in self._targets or ():
            _drop(target)
        self._targets = None


def _drop(target: _Target) -> None:
    if isinstance(target, CarvedFile):
        target.discard()


def _below(node: Node, path: str) -> Dict[str, Node]:
    """Return a path with all below it; a directory under the name it was asked for."""
    return dict(walk(node, path))


def get(session: Session) -> ExitCode:
    """``get IMAGE PATH...``: write files, globs and directories under ``-o``, or to stdout with ``-o -``."""
    return _run(session, "get", session.options.output_dir)


def cat(session: Session) -> ExitCode:
    """``cat IMAGE PATH``: one file to standard output."""
    return _run(session, "cat", STDOUT)


def _run(session: Session, verb: str, folder: str) -> ExitCode:
    source = session.open_remembering()
    try:
        run = _Run(session, source, single_image(session, source, soon=False), folder)
        globs = [word for word in session.options.words if has_magic(word)]
        for word in session.options.words:
            if word not in globs:
                run.one(word)
        if globs:
            run.many(globs)
        quiet_json = session.options.json and folder == STDOUT
        code = combined(run.codes)
        if quiet_json:
            return code  # stdout is the file's
        return finish(
            session, source, verb, run.reports, code, of=sum(max(layer.descriptor.size, 0) for layer in run.layers)
        )
    finally:
        source.close()
