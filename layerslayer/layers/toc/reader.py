"""A layer as its publisher's table of contents states it, and files by that."""

from __future__ import annotations

from typing import BinaryIO, Generator, List, Mapping, Optional

from ...errors import CorruptLayer, DigestMismatch, RangeIgnored
from ...formats.entry import Entry
from ...formats.tar.bodies import Bodies
from ...limits import LimitReached
from ...oci.image import Layer
from ..outcome import Report
from ..reader import CannotContinue, LayerReader, OpenSink
from .base import ClaimedIndex
from .discovery import Claims


class TocReader(LayerReader):
    """What a publisher's table claims of a layer; ``report`` says what that cost.

    ``printed``: what a sink got cannot be taken back.
    """

    keeps_report = True

    def __init__(self, claims: Claims, layer: Layer, report: Report, table: ClaimedIndex, printed: bool) -> None:
        super().__init__(layer, report)
        self._claims = claims
        self._table = table
        self._printed = printed

    def entries(self, bodies: Optional[Bodies] = None) -> Generator[List[Entry], None, None]:
        self.digests = self._table.digests()
        yield list(self._table.entries)

    def read(self, files: Mapping[int, Entry], open_sink: OpenSink) -> Report:
        """Give one file to its sink, in one request.

        Raises what the source raises, and what is wrong with a file of which a
        part was printed.
        """
        (entry,) = files.values()
        report = Report(self.layer.descriptor)
        report.claimed = self._table.kind

        def open_range(start: int, length: int) -> BinaryIO:
            report.bytes_read += length
            return self._claims.source.blob_range(self.layer.descriptor, start, length)

        sink = open_sink(entry)
        written = 0
        try:
            for data in self._table.read_file(-2 - entry.offset, open_range):
                sink.write(data)
                written += len(data)
        except (RangeIgnored, CorruptLayer, DigestMismatch, LimitReached) as error:
            if written and self._printed:
                self.report.bytes_read += report.bytes_read
                raise
            self._claims.distrust(self.layer, error)
            raise CannotContinue(report=report) from None
        sink.end()
        return report
