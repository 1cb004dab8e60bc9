"""get and cat: files out of an image, each from the top-most layer that has it."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO, Callable, Dict, List, Optional, Sequence, Tuple

from ..carving import CarvedFile, open_folder
from ..contents import Contents, keep_contents
from ..downloads import image_folder
from ..entries import Entry
from ..errors import (
    BudgetSpent,
    CorruptLayer,
    DigestMismatch,
    ExitCode,
    LayerslayerError,
    LocalFileError,
    NameRefused,
    RangeIgnored,
)
from ..escaping import human_size, printable
from ..fetching import fetch_bodies
from ..image import Image, Layer, select_layers
from ..layers.bodies import Sink
from ..layers.report import Report
from ..limits import LimitReached
from ..nodes import IMPLIED, Node, normal, walk
from ..overlay import Ends
from ..patterns import has_magic, matcher
from ..seeking import File, Seeker
from ..sources.base import Source
from ..views import json_lines
from ..watching import Absent, Directory, Unclear
from .known import KnownLayers
from .layout import LaidOut, finish, lay_out, single_image
from .session import Session, code_of, combined, failure
from .targets import Fan, Held, Printed, Target, drop

if TYPE_CHECKING:
    from ..layers.claimed import ClaimedIndex

STDOUT = "-"
_FEW = 16  # files that are read one by one


class _Run:
    """One run of get or cat: what was written, what it cost."""

    def __init__(self, session: Session, source: Source, image: Image, folder: str, single: bool) -> None:
        self.session = session
        self.source = source
        self.image = image
        self.layers = select_layers(image.layers, session.options.layers)
        self.folder = folder
        self._single = single  # files alone, no directories
        self._shortcuts = session.shortcuts(source, image, keep=True)
        self._indexes: Dict[int, ClaimedIndex] = {}
        self._known = KnownLayers(session, source)
        self.reports: List[Report] = []
        self.codes: List[ExitCode] = []
        self._seeker = Seeker(
            source,
            self.layers,
            self._known.entries(self.layers),
            self._keep,
            session.options.verify,
            self._fetch_one,
            self._look_for_index,
            learn=session.store is not None,
            leaps=self._shortcuts.leaps if self._shortcuts else None,
        )
        self._seeker.reports = self.reports

    def _look_for_index(self, layer: Layer) -> Optional[List[Entry]]:
        """Return a layer's entries as its publisher's index claims; None where there is none to be used."""
        if self._shortcuts is None:
            return None
        index = self._indexes.get(layer.number)
        if index is None:
            report = Report(layer.descriptor)
            index = self._shortcuts.claims.index_of(layer, report)
            if index is None:
                return None
            self._indexes[layer.number] = index
            self.reports.append(report)
        return index.entries

    def _fetch_one(self, layer: Layer, entry: Entry, new_sink: Callable[[Entry], Sink]) -> Optional[Report]:
        """Hand over a file of a layer that is not read for it; None where there is no way but to read that."""
        if layer.number in self._indexes:
            return self._fetch_chunks(layer, entry, new_sink)

        def held(entry: Entry) -> Sink:
            return Held(lambda: new_sink(entry)) if self.folder == STDOUT else new_sink(entry)

        if self._shortcuts is not None and self._shortcuts.leaps.has(layer):
            return self._shortcuts.leaps.fetch(layer, entry, held)
        return self._known.recall(layer, {entry.offset: entry}, held)

    def _fetch_chunks(self, layer: Layer, entry: Entry, new_sink: Callable[[Entry], Sink]) -> Optional[Report]:
        """Hand over a file by its publisher's index; None where that does not help, and the layer is to be read."""
        index = self._indexes.get(layer.number)
        if index is None or self._shortcuts is None:
            return None
        report = Report(layer.descriptor)
        report.claimed = index.kind
        descriptor = layer.descriptor

        def open_range(start: int, length: int) -> BinaryIO:
            report.bytes_read += length
            return self.source.blob_range(descriptor, start, length)

        sink = new_sink(entry)
        written = 0
        try:
            for data in index.read_file(-2 - entry.offset, open_range):
                sink.write(data)
                written += len(data)
        except (RangeIgnored, CorruptLayer, DigestMismatch, LimitReached) as error:
            self.reports.append(report)
            if written and self.folder == STDOUT:
                raise  # what was printed cannot be taken back
            self._shortcuts.claims.distrust(layer, error)
            del self._indexes[layer.number]
            return None
        sink.end()
        return report

    def _keep(self, layer: Layer, entries: List[Entry], digests: Dict[int, bytes], report: Report) -> None:
        if self.session.store:
            keep_contents(self.session.store, Contents(layer, entries, digests, report))

    # -- single files -----------------------------------------------------

    def one(self, asked: str) -> None:
        """Get what stands at one path, by streaming from the top layer down."""
        path = normal(asked)
        if path is None:  # where a '..' leads only the directories above it tell
            self.many([asked], exact=True)
            return
        made: List[Target] = []

        def new_sink(entry: Entry) -> Sink:
            for earlier in made:
                drop(earlier)
            made.append(self._target(path or "", entry))
            return made[-1]

        try:
            found = self._seeker.seek(path, new_sink, self.image.layers)
            if isinstance(found, File):
                self._written(path, made[-1], found.layer, found.report)
            elif isinstance(found, Directory) and self._single:
                self._absent(asked, "it is a directory", ExitCode.NO)
            elif isinstance(found, (Directory, Unclear)):
                self.many([path], exact=True)
            else:
                self._not_found(asked, found)
        except BudgetSpent as error:  # for a part that an index names
            self._absent(asked, str(error), ExitCode.PARTIAL)
        finally:
            for target in made:
                drop(target)

    def _not_found(self, asked: str, found: Absent) -> None:
        if found.by is not None:
            reason = "layer {} removed it; 'layerslayer deleted' shows what can be had still".format(found.by)
        else:
            reason = found.reason or "no layer has it"
        failed = bool(self.reports) and self.reports[-1].problem is not None
        self._absent(asked, reason, code_of(self.reports[-1]) if failed else ExitCode.NO)

    def _absent(self, asked: str, reason: str, code: ExitCode = ExitCode.NO) -> None:
        self.session.console.warn("'{}' was not got: {}.".format(asked, reason.rstrip(".")))
        self.codes.append(code)

    # -- many -------------------------------------------------------------

    def each(self, asked: Sequence[str]) -> None:
        """Get what stands at each of the paths; from known layers all at once, so that neighbours share a request."""
        ordered = self.folder == STDOUT or self.session.options.verify
        if len(asked) > 1 and not ordered and self.session.knows(self.layers):
            self.many(asked, exact=True, alone=self.one)
            return
        for path in asked:
            self.one(path)

    def many(self, asked: Sequence[str], exact: bool = False, alone: Optional[Callable[[str], None]] = None) -> None:
        """Get all that globs name, or a directory: the merged view first, then the files layer by layer.

        ``alone`` gets the paths that are not there, and can tell why.
        """
        laid = lay_out(self.session, self.source, self.image, shortcuts=self._shortcuts)
        self.reports += laid.reports
        if laid.code != ExitCode.DONE:
            self.codes.append(laid.code)
        wanted: Dict[str, Node] = {}
        for text in asked:
            if alone and laid.tree.find(normal(text) or text, follow=True) is None:
                alone(text)
                continue
            for path, node in self._named(laid, text, exact):
                wanted.update(walk(node, path))
        self._fetch(wanted)

    def _named(self, laid: LaidOut, text: str, exact: bool) -> List[Tuple[str, Node]]:
        """Return what a path or glob names, each under the name it was asked for; complains where that is nothing."""
        path = normal(text)
        top = laid.tree.find(text if path is None else path, follow=True)
        if exact or (top is not None and path):  # a name with a '[' in it is a name first
            found = [] if top is None else [(top.path if path is None else path, top)]
            if found and self._single and found[0][1].children is not None:
                self._absent(text, "it is a directory")
                return []
        else:
            matches = matcher([text])
            found = [(path, node) for path, node in laid.tree.nodes() if matches(path)]
            if "**" not in text:  # which means all that is there, each once
                ends = Ends(laid.tree)
                found = [(path, _opened(ends, node)) for path, node in found]
        if not found:
            self._absent(text, "no layer has it" + laid.reach)
        return found

    def _fetch(self, wanted: Dict[str, Node]) -> None:
        by_layer: Dict[int, List[Tuple[str, Entry]]] = {}
        skipped = 0
        for path, node in wanted.items():
            if node.children is not None:
                if self.folder != STDOUT:
                    self._make_folder(path)
                continue
            content = node.content
            if content is None or content[1].kind != "-":
                skipped += 1
                continue
            by_layer.setdefault(content[0], []).append((path, content[1]))
        again: List[str] = []
        for number in sorted(by_layer, reverse=True):
            if any(entry.offset < IMPLIED for _, entry in by_layer[number]):
                again += self._fetch_by_index(self.image.layers[number], by_layer[number])
                continue
            self._fetch_layer(self.image.layers[number], by_layer[number])
        if skipped:
            self.codes += [ExitCode.NO] if skipped == len(wanted) else []
            self.session.console.say(
                "{} not written: only files and directories are.".format(
                    "1 link, device or the like was"
                    if skipped == 1
                    else "{} links, devices and the like were".format(skipped)
                )
            )
        if again:
            self.many(again, exact=True)  # the layers they are in are then read themselves

    def _fetch_by_index(self, layer: Layer, files: Sequence[Tuple[str, Entry]]) -> List[str]:
        """Get files by their layer's index; return the paths of those that it does not help to."""
        self._look_for_index(layer)
        again: List[str] = []
        for path, entry in sorted(files, key=lambda item: -item[1].offset):  # as they stand in the tar
            made: List[Target] = []

            def new_sink(entry: Entry, path: str = path, made: List[Target] = made) -> Sink:
                made.append(self._target(path, entry))
                return made[-1]

            try:
                report = self._fetch_chunks(layer, entry, new_sink)
                if report is None:
                    again.append(path)
                else:
                    self.reports.append(report)
                    self._written(path, made[-1], layer, report)
            except LocalFileError as error:
                if not isinstance(error, NameRefused):
                    raise  # the disk's trouble, and the next file's too
                self._refused(path, error)
            except LayerslayerError as error:
                self._absent(path, str(error), failure(error))
            finally:
                for target in made:
                    drop(target)
        return again

    def _fetch_layer(self, layer: Layer, files: Sequence[Tuple[str, Entry]]) -> None:
        fans: Dict[int, Fan] = {}
        for path, entry in files:
            fan = fans.setdefault(
                entry.offset, Fan(lambda kept, target: self._written(kept, target, layer, None), self._refused)
            )
            fan.paths.append((path, lambda path=path, entry=entry: self._target(path, entry)))  # type: ignore[misc]

        def anew(entry: Entry) -> Sink:
            fan = fans[entry.offset]
            fan.drop()
            return Held(lambda: fan) if self.folder == STDOUT else fan

        try:
            entries = {entry.offset: entry for _, entry in files}
            report = self._fetch_leapt(layer, entries, anew)
            if report is None:
                report = self._known.recall(layer, entries, anew)
            if report is None:
                left = {offset: fan for offset, fan in fans.items() if not fan.done}
                for fan in left.values():
                    fan.drop()  # what was begun by leaping
                report = fetch_bodies(self.source, layer, left, self.session.options.verify)
        finally:
            for fan in fans.values():
                fan.drop()
        self.reports.append(report)
        missing = sum(not fan.done for fan in fans.values())
        if missing:
            what = "{} files of layer {}".format(missing, layer.number)
            problem = report.problem or LayerslayerError("gone")
            self._absent(what, str(problem), failure(problem))

    def _fetch_leapt(
        self, layer: Layer, entries: Dict[int, Entry], open_sink: Callable[[Entry], Sink]
    ) -> Optional[Report]:
        """Get a few files of a layer that was leapt through; None where it is to be read for those that are left."""
        leaps = self._shortcuts.leaps if self._shortcuts else None
        if leaps is None or not leaps.has(layer) or len(entries) > _FEW:
            return None
        report = Report(layer.descriptor)
        for offset in sorted(entries):
            if leaps.fetch(layer, entries[offset], open_sink, report) is None:
                report.verified = report.leapt = report.ended = False
                self.reports.append(report)
                return None
            if report.problem:
                break
        return report

    # -- files ------------------------------------------------------------

    def _target(self, path: str, entry: Entry) -> Target:
        if self.folder == STDOUT:
            return Printed(self.session.console)
        return CarvedFile(self.folder, path, bool(entry.mode & 0o111))

    def _make_folder(self, path: str) -> None:
        try:
            open_folder(self.folder, path).close()
        except NameRefused as error:
            self._refused(path, error)

    def _refused(self, path: str, error: NameRefused) -> None:
        self._absent(path, str(error).rstrip("."), ExitCode.FAILED)

    def _written(self, path: str, target: Target, layer: Layer, report: Optional[Report]) -> None:
        if target.refused or not target.whole:
            self._absent(path, target.refused or "it is not whole", ExitCode.FAILED)
            return
        wrong = report is not None and isinstance(report.problem, (CorruptLayer, DigestMismatch))
        if report is not None and (wrong or (self.session.options.verify and not report.verified)):
            self._absent(path, "the layer is not what its digest says: {}".format(report.problem), ExitCode.FAILED)
            return
        if isinstance(target, Printed):
            self.codes.append(ExitCode.DONE)
            return
        try:
            where = target.keep()
        except NameRefused as error:
            self._refused(path, error)
            return
        self.codes.append(ExitCode.DONE)
        if self.session.options.json:
            item: json_lines.Object = {"type": "file", "layer": layer.number, "size": target.size}
            json_lines.put_text(item, "path", path)
            json_lines.put_text(item, "written", where)
            self.session.console.out(json_lines.line(item))
            return
        self.session.console.out(
            "{}  {}, from layer {}\n".format(printable(where), human_size(target.size), layer.number)
        )


def _opened(ends: Ends, node: Node) -> Node:
    """Return the file that a link which a glob names leads to; other nodes as they are."""
    led = ends.of(node)
    return led if led is not None and led.children is None else node


def get(session: Session) -> ExitCode:
    """``get IMAGE PATH...``: write files, globs and directories under ``-o``, or to stdout with ``-o -``."""
    return _run(session, "get", session.options.output_dir)


def cat(session: Session) -> ExitCode:
    """``cat IMAGE PATH``: one file to standard output."""
    return _run(session, "cat", STDOUT)


def _run(session: Session, verb: str, folder: str) -> ExitCode:
    source = session.open_remembering()
    if session.options.batch is not None and folder != STDOUT:
        folder = image_folder(folder, session.reference())  # the same paths of several images
    try:
        run = _Run(session, source, single_image(session, source, soon=False), folder, verb == "cat")
        globs = [word for word in session.options.words if has_magic(word)]
        run.each([word for word in session.options.words if word not in globs])
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
