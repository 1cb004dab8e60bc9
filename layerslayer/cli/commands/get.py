"""get and cat: files out of an image, each from the top-most layer that has it.

A path is sought from the top layer down (``filesystem.lookup``). Globs and directories
need the merged view first: ``filesystem.select`` says what they name there, ``export.extract``
gets it, most often from what was held while the layers were read. ``output`` is
where all of them end.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Callable, Dict, List, Optional, Sequence

from ...errors import BudgetSpent
from ...export.extract import Layerwise
from ...export.names import image_parts
from ...export.sinks import Target, drop
from ...filesystem.glob import has_magic
from ...filesystem.lookup import UNKNOWN_MODE, File, FileLookup
from ...filesystem.merge import LaidOut
from ...filesystem.node import Node, normal, walk
from ...filesystem.path_resolution import Absent, Directory, Unclear
from ...filesystem.select import Named, at_path, by_layer, is_name, matching, named_by
from ...formats.entry import Entry
from ...formats.tar.bodies import Sink
from ...layers.access import LayerAccess
from ...layers.held_files import HeldFiles
from ...layers.outcome import Report
from ...oci.image import Image
from ...oci.layer_selection import select_layers
from ..exit_codes import ExitCode, code_of, code_of_all, combined
from ..merged_view import lay_out, single_image
from ..results import account
from ..session import Session
from .get_output import ConsoleOutput

if TYPE_CHECKING:
    from ...errors import Told


def get(session: Session) -> ExitCode:
    """``get IMAGE PATH...``: write files, globs and directories under ``-o``, or to stdout with ``-o -``."""
    return _run(session)


def cat(session: Session) -> ExitCode:
    """``cat IMAGE PATH``: one file to standard output."""
    return _run(session, single=True)


def _run(session: Session, single: bool = False) -> ExitCode:
    source = session.open_remembering()
    several = session.options.batch is not None  # images, which may have the same paths
    output = ConsoleOutput(session, image_parts(session.reference()) if several else ())
    try:
        image = single_image(session, source, soon=False)
        run = _Run(session, image, session.access(source, image, keep=True), output, single)
        globs = [word for word in session.options.words if has_magic(word)]
        run.each([word for word in session.options.words if word not in globs])
        if globs:
            run.many(globs)
        code = combined(run.output.codes)
        size = sum(max(layer.descriptor.size, 0) for layer in run.layers)
        return account(session, source.requests_made(), run.reports, code, size)
    finally:
        output.close()
        source.close()


class _Run:
    """One run of get or cat. ``reports`` say what it cost."""

    def __init__(
        self, session: Session, image: Image, access: LayerAccess, output: ConsoleOutput, single: bool
    ) -> None:
        """Take an image to get files from.

        Args:
            session: the verb's
            image: where the files are
            access: how its layers may be read
            output: where the files go
            single: files alone, no directories
        """
        self._session = session
        self._image = image
        self.output = output
        self._single = single
        self.layers = select_layers(image.layers, session.options.layers)
        self.reports: List[Report] = []
        self._access = access
        access.printed = output.printed
        self._lookup = FileLookup(access, self.layers)
        self._lookup.reports = self.reports

    def each(self, asked: Sequence[str]) -> None:
        """Get what stands at each of the paths; from known layers all at once, so that neighbours share a request."""
        ordered = self.output.printed or self._session.options.verify
        if len(asked) > 1 and not ordered and self._session.knows(self.layers):
            self.many(asked, exact=True, alone=self.one)
            return
        for path in asked:
            self.one(path)

    # -- single files -----------------------------------------------------

    def one(self, asked: str) -> None:
        """Get what stands at one path, by streaming from the top layer down."""
        self.output.states_modes(self._lookup.mode_of)
        path = normal(asked)
        if path is None:  # only the directories above a '..' say where it leads
            self.many([asked], exact=True)
            return
        made: List[Target] = []

        def new_sink(entry: Entry) -> Sink:
            for earlier in made:
                drop(earlier)
            made.append(self.output.target(path or "", entry))
            return made[-1]

        try:
            found = self._lookup.seek(path, new_sink, self._image.layers)
            if isinstance(found, File):
                self.output.written(path, made[-1], found.layer, found.report)
            elif isinstance(found, Directory) and self._single:
                self.output.absent(asked, "it is a directory")
            elif isinstance(found, (Directory, Unclear)):
                self.many([path], exact=True)
            else:
                self._not_found(asked, found)
        except BudgetSpent as error:  # for a part that an index names
            self.output.absent(asked, error, ExitCode.PARTIAL)
        finally:
            for target in made:
                drop(target)

    def _not_found(self, asked: str, found: Absent) -> None:
        if found.by is not None:
            reason: Told = f"layer {found.by} removed it; 'layerslayer deleted' shows what can be had still"
        else:
            reason = found.reason or "no layer has it"
        failed = bool(self.reports) and self.reports[-1].problem is not None
        self.output.absent(asked, reason, code_of(self.reports[-1]) if failed else ExitCode.NO)

    # -- many -------------------------------------------------------------

    def many(self, asked: Sequence[str], exact: bool = False, alone: Optional[Callable[[str], None]] = None) -> None:
        """Get all that globs name, or a directory: the merged view first, then the files layer by layer.

        ``exact``: they are paths, whatever they look like. ``alone`` gets those
        that are not there, and finds out why.
        """
        held = HeldFiles(named_by(asked, exact))
        laid = lay_out(self._session, self._image, self._access, bodies_of=held.bodies)
        self.reports += laid.reports
        if not laid.is_complete:
            self.output.codes.append(code_of_all(laid.reports))
        wanted: Dict[str, Node] = {}
        for text in asked:
            if alone and not at_path(laid.tree, text):
                alone(text)
                continue
            for path, node in self._named(laid, text, exact):
                if wanted.get(path) is not node:  # else all below it is there too
                    wanted.update(walk(node, path))
        whole = laid.is_complete and len(laid.layers) == len(self._image.layers)
        self.output.states_modes(partial(_mode_of, laid, None if whole else UNKNOWN_MODE))
        self._write(wanted, Layerwise(laid.readers, held, self.output, self.reports))

    def _named(self, laid: LaidOut, text: str, exact: bool) -> Named:
        """Return what a path or glob names; complains where that is nothing."""
        name = exact or is_name(laid.tree, text)
        found = at_path(laid.tree, text) if name else matching(laid.tree, text)
        if found and self._single:
            files = [item for item in found if item[1].children is None]
            if not files:
                self.output.absent(text, "it is a directory" if name else "it matches only directories")
            return files
        if not found:
            self.output.absent(text, "no layer has it" + laid.reach)
        return found

    def _write(self, wanted: Dict[str, Node], layerwise: Layerwise) -> None:
        picked = by_layer(wanted)
        for path in picked.directories:
            self.output.make_folder(path)
        again = layerwise.get(picked.files)
        self.output.left_out(picked.others, len(wanted))
        if again:
            self.many(again, exact=True)  # the layers they are in are then read themselves


def _mode_of(laid: LaidOut, unknown: Optional[int], path: str) -> Optional[int]:
    """Return a directory's permissions, ``unknown`` where no layer that was read states them."""
    mode = laid.tree.mode_of(path)
    return unknown if mode is None else mode
