"""One gzip layer that is leapt through as far as questions reach, and files out of it."""

from __future__ import annotations

from typing import BinaryIO, Callable, List, Optional, Sequence

from ...errors import CorruptLayer, DigestMismatch, LayerslayerError, RangeIgnored
from ...formats.entry import Entry
from ...formats.memory import Holding
from ...formats.tar.bodies import Sink
from ...limits import LimitReached
from ...oci.image import Layer
from ...oci.source import Source
from ..outcome import Report
from ..stream import layer_notes
from .file_read import read_body
from .gzip_walk import GzipWalk, NotGzip
from .range_fetcher import Fetcher
from .segment_reader import NotHeld, TooDense
from .throughput import Throughput

# What reading in full may still do without.
CANNOT_LEAP = (NotGzip, NotHeld, TooDense, RangeIgnored, CorruptLayer, DigestMismatch)


class LeaptLayer:
    """One walk through a layer. For one thread.

    With ``returning`` files can be read, and ``entries`` are those that it is
    sure of so far: by then nothing was leapt over before them, or all of the
    layer is ``proved`` to add up. ``report`` tells what came of it; what it
    cost is added by those who use it.
    """

    def __init__(self, source: Source, layer: Layer, throughput: Throughput, returning: bool) -> None:
        descriptor = layer.descriptor

        def open_range(start: int, length: int) -> BinaryIO:
            return source.blob_range(descriptor, start, length)

        self.report = Report(descriptor)
        self.entries: List[Entry] = []
        self.over = False  # all was yielded
        self._held = Holding(merged=False, limits=source.limits)
        self._returning = returning
        self._again: Optional[int] = None  # bytes asked for once more before the first file was read
        self._error: Optional[Exception] = None
        self.fetcher = Fetcher(open_range, descriptor.size, throughput)
        self._walk = GzipWalk(descriptor, self.fetcher, returning=returning, limits=source.limits)
        self._batches = self._walk.run()

    @property
    def spent(self) -> int:
        """Bytes of the blob asked for so far."""
        return self.fetcher.spent

    @property
    def proved(self) -> bool:
        """Whether the lengths add up; the entries that are not given out yet then cost nothing."""
        return self._walk.proved

    def go_on(self, sought: Callable[[Sequence[Entry]], bool] = lambda entries: False) -> List[Entry]:
        """Return the next entries, none at the end (``over``).

        Where one of some entries that were leapt to is ``sought``, what was
        leapt over before is read if that costs less than a proof. Raises
        CANNOT_LEAP, LimitReached and what the source raises; nothing can be had any more then.
        """
        if self._error is not None:
            raise self._error
        if self.over:
            return []
        self._walk.sought = sought
        try:
            batch: List[Entry] = next(self._batches, [])
            if self._returning:
                self._hold(batch)
        except Exception as error:
            self._error = error
            raise
        self.report.entries += len(batch)
        if self._returning:
            self.entries += batch
        if not batch:
            self.over = True
            self.fetcher.leave_memory()
            self.tell(self.report)
        return batch

    def _hold(self, batch: List[Entry]) -> None:
        try:
            self._held.take(batch)
        except LimitReached:
            raise NotHeld("its entries are too many to be held") from None

    def read(self, entry: Entry, sink: Sink) -> None:
        """Give the body of a regular file, one of ``entries``, to ``sink``; see ``read_body``."""
        if self._again is None:
            self._again = self.fetcher.again
        read_body(self._walk, entry, sink)

    def tell(self, report: Report) -> None:
        """Fill in how it ended."""
        walk = self._walk
        report.compression, report.uncompressed = "gzip", walk.last.position
        report.hidden = walk.last.walker.hidden
        self.tell_worth(report)
        report.notes += layer_notes(walk.last.walker, walk.last.stream.trailing)

    def tell_worth(self, report: Report) -> None:
        """Fill in how far it can be trusted, with the files that were read, if all of it has been walked through.

        Of bytes that came twice the digest vouches for one time only, perhaps not for that which a file was read of.
        """
        if self.over:
            twice = self._again is not None and self.fetcher.again > self._again
            report.ended, report.verified = True, self._walk.verifier.verified and not twice
            report.leapt = not report.verified


def reason_of(error: Exception) -> LayerslayerError:
    """Return why a layer is read in full after all."""
    if isinstance(error, LayerslayerError) and not isinstance(error, RangeIgnored):
        return error
    return LayerslayerError("the server does not serve parts of it" if isinstance(error, RangeIgnored) else str(error))
