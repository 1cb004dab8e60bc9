"""One file of an image as bytes, from as few as a stream of its layers allows."""

from __future__ import annotations

from typing import Callable, List, Sequence, Union

from ..errors import CorruptLayer, DigestMismatch, LayerslayerError, NotFound
from ..filesystem.lookup import File, Found, Seeker
from ..filesystem.node import normal
from ..filesystem.path_resolution import Absent, Directory
from ..filesystem.select import at_path
from ..filesystem.tree import FileSystem
from ..formats.entry import Entry
from ..formats.memory import Lease
from ..formats.tar.bodies import Sink
from ..layers.known import KnownLayers
from ..layers.outcome import Report
from ..layers.stream_bodies import fetch_bodies
from ..layers.ways import Ways
from ..limits import Limits
from ..oci.image import Image, Layer
from ..oci.source import Source


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
        self,
        source: Source,
        image: Image,
        known: KnownLayers,
        tree: Callable[[], FileSystem],
        reports: List[Report],
    ) -> None:
        self._source = source
        self._layers: Sequence[Layer] = image.layers
        self._known = known
        self._entries = known.entries(image.layers)  # those of layers read whole are added
        self._ways = Ways(source, known, None, False, reports)
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
            bodies[:] = [_Body(self._source.limits)]
            return bodies[0]

        try:
            return self._read(path, verify, new_sink, bodies)
        finally:
            for body in bodies:
                body.let_go()

    def _read(self, path: str, verify: bool, new_sink: Callable[[Entry], Sink], bodies: Sequence[_Body]) -> bytes:
        name = normal(path)
        found = self._sought(name, verify, new_sink) if name is not None else None
        if isinstance(found, Absent):
            raise self._absent(path, found)
        if isinstance(found, Directory):
            raise NotFound("'{}' is a directory.".format(path))
        report = found.report if isinstance(found, File) else self._laid_out(path, verify, new_sink)
        if isinstance(report.problem, (CorruptLayer, DigestMismatch)) or (report.problem and verify):
            raise report.problem.copy()
        if bodies[0].refused:
            raise LayerslayerError("'{}' cannot be read: {}.".format(path, bodies[0].refused))
        return bodies[0].taken()

    def _sought(self, name: str, verify: bool, new_sink: Callable[[Entry], Sink]) -> Found:
        """Look for a file from the top layer down."""
        known, fetch = self._known, self._ways.one
        seeker = Seeker(self._source, self._layers, self._entries, known.keep, verify, fetch, learn=known.learns)
        seeker.reports = self._reports
        return seeker.seek(name, new_sink)

    def _absent(self, path: str, found: Absent) -> LayerslayerError:
        last = self._reports[-1].problem if self._reports else None
        if last is not None and found.by is None:
            return last.copy()
        reason = "layer {} removed it".format(found.by) if found.by is not None else found.reason or "no layer has it"
        return NotFound("'{}' is not there: {}.".format(path, reason))

    def _laid_out(self, path: str, verify: bool, new_sink: Callable[[Entry], Sink]) -> Report:
        """Get a file that only all layers together tell of."""
        named = at_path(self._tree(), path)
        if not named:
            raise NotFound("'{}' is not there: no layer has it.".format(path))
        content = named[0][1].content
        if content is None or content[1].kind != "-":
            raise NotFound("'{}' is no regular file.".format(path))
        number, entry = content
        layer = next(item for item in self._layers if item.number == number)
        report = self._ways.one(layer, entry, new_sink)
        if report is None:
            report = fetch_bodies(self._source, layer, {entry.offset: new_sink(entry)}, verify)
        self._reports.append(report)
        return report
