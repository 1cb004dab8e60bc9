"""One file of an image as bytes, from as few as a stream of its layers allows."""

from __future__ import annotations

from typing import Callable, List, Optional, Sequence, Union

from ..errors import CorruptLayer, DigestMismatch, LayerslayerError, NotFound
from ..filesystem.lookup import File, FileLookup, Found
from ..filesystem.node import normal
from ..filesystem.path_resolution import Absent, Directory
from ..filesystem.select import at_path
from ..filesystem.tree import FileSystem
from ..formats.entry import Entry
from ..formats.memory import Lease
from ..formats.tar.bodies import Sink
from ..layers.access import LayerAccess
from ..layers.open import open_layer
from ..layers.outcome import Report
from ..layers.reader import CannotContinue
from ..limits import Limits
from ..oci.image import Image


class _Body(Sink):
    """Gathers the bytes of a file, as many as may be held."""

    def __init__(self, limits: Limits) -> None:
        self._pieces: List[bytes] = []
        self._lease = Lease(limits)
        self.refused = ""

    def write(self, data: Union[bytes, memoryview]) -> None:
        self._lease.take(len(data))
        self._pieces.append(bytes(data))

    def end(self) -> None:
        return

    def refuse(self, reason: str) -> None:
        self.refused = reason

    def taken(self) -> bytes:
        """Return all bytes."""
        return b"".join(self._pieces)

    def let_go(self) -> None:
        """Hold nothing any more."""
        self._pieces = []
        self._lease.close()


class FileReader:
    """Reads files of one image. ``reports`` gets one for every layer that is read. For one thread.

    ``tree`` returns the merged file system, for paths that only all layers together tell of.
    """

    def __init__(
        self, access: LayerAccess, image: Image, tree: Callable[[], FileSystem], reports: List[Report]
    ) -> None:
        self._access = access
        self._layers = image.layers
        self._lookup = FileLookup(access, image.layers)
        self._lookup.reports = reports
        self._tree = tree
        self._reports = reports

    def read(self, path: str, verify: bool) -> bytes:
        """Return the content of the regular file that ``path`` leads to. ``verify``: its layer is read to the end.

        Raises NotFound where there is none, LimitReached for one that is too
        large to be held, and what kept a layer from being read.
        """
        bodies: List[_Body] = []

        def new_sink(entry: Entry) -> Sink:
            for earlier in bodies:  # what came before is the beginning of another try
                earlier.let_go()
            bodies[:] = [_Body(self._access.limits)]
            return bodies[0]

        try:
            return self._read(path, verify, new_sink, bodies)
        finally:
            for body in bodies:
                body.let_go()

    def _read(self, path: str, verify: bool, new_sink: Callable[[Entry], Sink], bodies: Sequence[_Body]) -> bytes:
        self._access.whole = verify
        name = normal(path)
        found: Optional[Found] = self._lookup.seek(name, new_sink) if name is not None else None
        if isinstance(found, Absent):
            raise self._absent(path, found)
        if isinstance(found, Directory):
            raise NotFound("'{}' is a directory.".format(path))
        report = found.report if isinstance(found, File) else self._laid_out(path, new_sink)
        if isinstance(report.problem, (CorruptLayer, DigestMismatch)) or (report.problem and verify):
            raise report.problem.copy()
        if bodies[0].refused:
            raise LayerslayerError("'{}' cannot be read: {}.".format(path, bodies[0].refused))
        return bodies[0].taken()

    def _absent(self, path: str, found: Absent) -> LayerslayerError:
        last = self._reports[-1].problem if self._reports else None
        if last is not None and found.by is None:
            return last.copy()
        reason = "layer {} removed it".format(found.by) if found.by is not None else found.reason or "no layer has it"
        return NotFound("'{}' is not there: {}.".format(path, reason))

    def _laid_out(self, path: str, new_sink: Callable[[Entry], Sink]) -> Report:
        """Get a file that only all layers together tell of."""
        named = at_path(self._tree(), path)
        if not named:
            raise NotFound("'{}' is not there: no layer has it.".format(path))
        content = named[0][1].content
        if content is None or content[1].kind != "-":
            raise NotFound("'{}' is no regular file.".format(path))
        number, entry = content
        layer = next(item for item in self._layers if item.number == number)
        reader = open_layer(self._access, layer)
        while True:
            try:
                report = reader.read({entry.offset: entry}, new_sink)
            except CannotContinue:
                continue
            self._reports.append(report)
            return report
