"""A layer leapt through: to its end, as far as asked, or streamed on from where it was looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Callable, Generator, List, Mapping, Optional, Sequence

from ...errors import LayerslayerError
from ...formats.entry import Entry
from ...formats.tar.bodies import Bodies
from ...oci.image import Layer
from ..outcome import Report
from ..reader import CannotContinue, LayerReader, OpenSink
from .gzip_reader import CANNOT_LEAP, LeaptLayer, reason_of
from .reader import Leaps
from .zstd_reader import Begun
from .zstd_walk import NoFrames

if TYPE_CHECKING:
    from ...errors import Told

_FEW = 16  # files that are read one by one


class LeapReader(LayerReader):
    """A layer leapt through to its end.

    ``begun``: where that is of no use, what was asked for that a stream can go on from.
    """

    def __init__(self, leaps: Leaps, layer: Layer, report: Report) -> None:
        super().__init__(layer, report)
        self._leaps = leaps
        self.begun: Optional[Begun] = None

    def entries(self, bodies: Optional[Bodies] = None) -> Generator[List[Entry], None, None]:
        try:
            yield from self._leaps.entries(self.layer, self.report)
        except NoFrames as none:
            self.begun = Begun(self._leaps.source, self.layer.descriptor, none.head) if none.head else None
            raise CannotContinue(none.why) from None
        except CANNOT_LEAP as error:
            raise CannotContinue(_why(error)) from None
        except LayerslayerError as error:
            self.report.problem = error

    def read(self, files: Mapping[int, Entry], open_sink: OpenSink) -> Report:
        """Read a few files one by one."""
        report = Report(self.layer.descriptor)
        if not self._leaps.has(self.layer) or len(files) > _FEW:
            raise CannotContinue
        for offset in sorted(files):
            try:
                self._leaps.fetch(self.layer, files[offset], open_sink, report)
            except CannotContinue:
                report.verified = report.leapt = report.ended = False
                raise CannotContinue(report=report) from None
            if report.problem:
                break
        return report


class PassageReader(LayerReader):
    """A layer leapt through as far as asked, and from there on when it is asked once more.

    ``sought`` is asked whether one of some entries that were leapt to may
    decide; what was leapt over before is read then, if that costs less than a
    proof. The layer's entries must be taken back where the layer is of no use.
    """

    keeps_report = True

    def __init__(self, leaps: Leaps, layer: Layer, sought: Callable[[Sequence[Entry]], bool]) -> None:
        self._leaps = leaps
        self._sought = sought
        self._leapt = leaps.passage(layer)
        super().__init__(layer, self._leapt.report)

    @property
    def rest_is_free(self) -> bool:
        return self._leapt.proved

    def entries(self, bodies: Optional[Bodies] = None) -> Generator[List[Entry], None, None]:
        leapt = self._leapt = self._leaps.passage(self.layer)
        self.report = leapt.report
        return self._entries(leapt)

    def _entries(self, leapt: LeaptLayer) -> Generator[List[Entry], None, None]:
        try:
            batch = list(leapt.entries) or self._leaps.go_on(self.layer, leapt, self._sought)
            while batch:
                yield batch
                batch = self._leaps.go_on(self.layer, leapt, self._sought)
        except CannotContinue:
            raise CannotContinue(spent=self.report.bytes_read) from None

    def read(self, files: Mapping[int, Entry], open_sink: OpenSink) -> Report:
        try:
            for entry in files.values():
                self._leaps.fetch(self.layer, entry, open_sink, self.report)
        except CannotContinue:
            raise CannotContinue(spent=self.report.bytes_read) from None
        return self.report


class BegunReader(LayerReader):
    """A layer that is streamed on from where it was looked at; the head may be other bytes than the layer has."""

    streams = True

    def __init__(self, stream: LayerReader, begun: Begun) -> None:
        super().__init__(stream.layer, stream.report)
        self._stream = stream
        self._begun = begun

    def entries(self, bodies: Optional[Bodies] = None) -> Generator[List[Entry], None, None]:
        report, notes = self.report, len(self.report.notes)
        batches = self._stream.entries(bodies)
        try:
            yield from batches
        finally:
            batches.close()
            self.digests = self._stream.digests
            report.bytes_read -= self._begun.taken  # which were counted twice, and asked for once
        error = report.problem
        if error is not None and report.is_damaged:
            report.problem = None
            del report.notes[notes:]
            raise CannotContinue(_why(error))

    def read(self, files: Mapping[int, Entry], open_sink: OpenSink) -> Report:
        return self._stream.read(files, open_sink)


def _why(error: Exception) -> Told:
    return reason_of(error).after("read in full after all: ")
