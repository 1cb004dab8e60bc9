"""Where files that are got end: below a folder or on standard output; what came of each, told and kept as a code."""

from __future__ import annotations

from typing import TYPE_CHECKING, Callable, List, Optional, Sequence

from ...errors import CorruptLayer, DigestMismatch, LayerslayerError, NameRefused
from ...export.extract import Output
from ...export.extracted_file import Carver
from ...export.sinks import Printed, Target
from ...formats.entry import Entry
from ...layers.outcome import Report
from ...oci.image import Layer
from ..exit_codes import ExitCode, failure
from ..remedies import told
from ..session import Session

if TYPE_CHECKING:
    from ...errors import Told


class ConsoleOutput(Output):
    """What one run of get or cat writes. ``codes`` has one for each path that something came of. ``close`` it."""

    def __init__(self, session: Session, parts: Sequence[str] = ()) -> None:
        self._session = session
        self._carver = Carver(session.output, parts)
        self.printed = session.options.prints_files
        self.codes: List[ExitCode] = []

    def states_modes(self, mode_of: Callable[[str], Optional[int]]) -> None:
        """Give the permissions of the image's directories, as far as they are known: folders get no wider ones."""
        self._carver.mode_of = mode_of

    def close(self) -> None:
        self._carver.close()

    def target(self, path: str, entry: Entry) -> Target:
        """Return where the bytes of a file go. Raises LocalFileError."""
        if self.printed:
            return Printed(self._session.console.raw)
        return self._carver.file(path, entry.mode)

    def make_folder(self, path: str) -> None:
        """Make a directory, unless all is printed. Raises LocalFileError, but for a name that the disk refuses."""
        if self.printed:
            return
        try:
            self._carver.folder(path)
        except NameRefused as error:
            self.refused(path, error)

    def written(self, path: str, target: Target, layer: Layer, report: Optional[Report]) -> None:
        """Keep the file that ``target`` got of ``layer``, if it is what it should be, and tell of it.

        ``report``: of the layer, where that was read as far as it will be. Raises LocalFileError.
        """
        if target.refused or not target.whole:
            self.absent(path, target.refused or "it is not whole", ExitCode.FAILED)
            return
        wrong = report is not None and isinstance(report.problem, (CorruptLayer, DigestMismatch))
        if report is not None and (wrong or (self._session.options.verify and not report.verified)):
            lead = "the layer is not what its digest says: "
            self.absent(path, report.problem.after(lead) if report.problem else lead + "None", ExitCode.FAILED)
            return
        if isinstance(target, Printed):
            self.codes.append(ExitCode.DONE)
            return
        try:
            where = target.keep()
        except NameRefused as error:
            self.refused(path, error)
            return
        self.codes.append(ExitCode.DONE)
        self._session.console.out(self._session.renderer.file(path, where, target.size, layer))

    def refused(self, path: str, error: NameRefused) -> None:
        """Tell of a name that this machine's disk does not take; the other files are written all the same."""
        self.absent(path, error, ExitCode.FAILED)

    def failed(self, asked: str, error: Exception) -> None:
        """Tell what kept something from being got."""
        self.absent(asked, error if isinstance(error, LayerslayerError) else str(error), failure(error))

    def absent(self, asked: str, reason: Told, code: ExitCode = ExitCode.NO) -> None:
        """Tell why something was not got."""
        self._session.console.warn(f"'{asked}' was not got: {told(reason).rstrip('.')}.")
        self.codes.append(code)

    def left_out(self, count: int, of: int) -> None:
        """Tell of links, devices and the like; a "no" where nothing else was named."""
        if not count:
            return
        self.codes += [ExitCode.NO] if count == of else []
        what = "1 link, device or the like was" if count == 1 else f"{count} links, devices and the like were"
        self._session.console.say(f"{what} not written: only files and directories are.")
