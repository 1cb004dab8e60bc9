"""``--fast`` on ordinary gzip layers: listed from a part of their bytes, or read in full where that does not do."""

from __future__ import annotations

from typing import BinaryIO, Generator, List

from .entries import Entry
from .errors import CorruptLayer, DigestMismatch, LayerslayerError, RangeIgnored
from .image import Layer
from .layers.kinds import is_tar_type
from .layers.leap import Fetcher, Leaping, NotGzip, Pace
from .layers.reading import layer_notes, read_entries
from .layers.report import Report
from .sources.base import Source

_WORTH_IT = 1024 * 1024  # bytes of a layer below which there is nothing to be saved


class Leaps:
    """Lists the layers of one source. Safe to use from several threads; what the line has shown is shared."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._pace = Pace()

    def worth(self, layer: Layer) -> bool:
        """Whether to try it with this layer."""
        descriptor = layer.descriptor
        return descriptor.size >= _WORTH_IT and descriptor.data is None and is_tar_type(descriptor.media_type)

    def entries(self, layer: Layer, report: Report) -> Generator[List[Entry], None, None]:
        """Yield a layer's entries in batches, as ``read_entries`` does, from as few bytes as it takes.

        What comes after the first leap comes at the end, once it is proved.
        Where parts cannot be had, or make no sense, the layer is read in full.
        """
        shown = _Shown()
        try:
            for batch in self._leaping(layer, report):
                shown.note(batch)
                yield batch
        except NotGzip:
            yield from self._in_full(layer, report, shown)
        except (RangeIgnored, CorruptLayer, DigestMismatch) as error:
            reason = "the server does not serve parts of it" if isinstance(error, RangeIgnored) else str(error)
            report.notes.append("read in full after all: {}".format(reason.rstrip(".")))
            yield from self._in_full(layer, report, shown)
        except LayerslayerError as error:
            report.problem = error

    def _leaping(self, layer: Layer, report: Report) -> Generator[List[Entry], None, None]:
        descriptor = layer.descriptor

        def open_range(start: int, length: int) -> BinaryIO:
            return self._source.blob_range(descriptor, start, length)

        fetcher = Fetcher(open_range, descriptor.size, self._pace)
        walk = Leaping(descriptor, fetcher)
        try:
            for batch in walk.run():
                report.entries += len(batch)
                yield batch
        finally:
            report.bytes_read += fetcher.spent
        last = walk.last
        report.compression, report.uncompressed = "gzip", last.position
        report.verified, report.leapt = walk.verifier.verified, not walk.verifier.verified
        report.ended, report.hidden = True, last.walker.hidden
        report.notes += layer_notes(last.walker, last.stream.trailing)

    def _in_full(self, layer: Layer, report: Report, shown: _Shown) -> Generator[List[Entry], None, None]:
        """Read the layer as ever; yield what was not shown yet."""
        spent, descriptor = report.bytes_read, layer.descriptor
        report.entries = 0
        again = _Shown()
        for batch in read_entries(descriptor, lambda: self._source.blob(descriptor), report):
            known = batch[: max(0, shown.count - again.count)]
            again.note(known)
            if again.count == shown.count and again.state != shown.state:
                break
            if len(batch) > len(known):
                yield batch[len(known) :]
        report.bytes_read += spent
        if report.problem is None and again.state != shown.state:  # fewer than were shown, or others
            report.problem = DigestMismatch("the parts of the layer that the server sent are not the layer's.")


class _Shown:
    """Which entries were given out: how many, and a hash of them."""

    def __init__(self) -> None:
        self.count = 0
        self.state = 0

    def note(self, entries: List[Entry]) -> None:
        for entry in entries:
            self.state = hash((self.state, entry[:8], entry.offset))
        self.count += len(entries)
