"""Files of a layer that was read before, by the few bytes they take, held against what is known of them.

Whatever is not as it was then costs a note, and the layer is read from its
beginning, up to the last of the files; what is not as it was there either is
refused. No file ends with other bytes than the verified reading had.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO, Callable, Dict, List, Mapping, cast

from ..errors import CorruptLayer, DigestMismatch, LayerslayerError, LocalFileError, NotFound, RegistryError
from ..formats.checkpoints import Points
from ..formats.entry import Entry
from ..limits import LimitReached
from ..oci.descriptor import Descriptor
from ..oci.image import Layer
from ..oci.source import Source
from .outcome import Report
from .range_plan import FURTHER, LEAD, Remembered, Span, Wanted, from_the_beginning, read_span, spans
from .reader import CountingReader

if TYPE_CHECKING:
    from ..cache import KnownLayer
    from ..errors import Tell
    from ..formats.tar.bodies import Sink

_OTHER_BYTES = (CorruptLayer, DigestMismatch, LimitReached)


class Recall:
    """Fetches files of one known layer. ``tell`` gets a sentence where something was not as remembered."""

    def __init__(self, source: Source, layer: Layer, known: KnownLayer, points: Points, tell: Tell) -> None:
        self._source = source
        self._number = layer.number
        self._descriptor: Descriptor = layer.descriptor._replace(size=known.size)
        self._known = known
        self._remembered = Remembered(known.compression, known.size, points, source.limits)
        self._tell = tell
        self.report = Report(layer.descriptor)
        self.report.compression = known.compression
        self._left: Dict[int, Wanted] = {}
        self._open_sink: Callable[[Entry], Sink]

    def fetch(self, entries: Mapping[int, Entry], open_sink: Callable[[Entry], Sink]) -> Report:
        """Give recallable files, by their offsets, to the sinks that ``open_sink`` has for them.

        A sink may be asked for anew, when what the earlier one got was not the
        file; ``end`` comes only to one that has all of it. What could not be
        had stands in the report's ``problem``. Raises LocalFileError.
        """
        self._open_sink = open_sink
        for item in self._wanted(entries):
            if item.entry.size:
                self._left[item.entry.offset] = item
            else:
                open_sink(item.entry).end()
                self.report.checked += 1
        if self._left and self._in_spans():
            self._in_one_go()
        return self.report

    def _wanted(self, entries: Mapping[int, Entry]) -> List[Wanted]:
        known, found = self._known, []
        following = known.uncompressed
        for entry in reversed(known.entries):
            if entry.offset in entries:
                found.append(Wanted(entry, known.digests[entry.offset], following))
            following = entry.offset
        return found[::-1]

    def _in_spans(self) -> bool:
        """Fetch the files part by part where that costs little; return whether some are left."""
        wanted = list(self._left.values())
        parts = spans(self._remembered, wanted, LEAD)
        cost = sum(part.end - part.start for part in parts)
        if 2 * cost > self._known.size or cost >= from_the_beginning(self._remembered, wanted).end:
            return True
        for part in parts:
            if not self._part(part):
                break
        return bool(self._left) and self.report.problem is None

    def _part(self, span: Span) -> bool:
        """Fetch a span, perhaps with more before it; return whether its files were there."""
        try:
            try:
                self._read(span, self._opened(span))
            except _OTHER_BYTES:
                left = [item for item in span.files if item.entry.offset in self._left]
                if span.start == span.point.stored:
                    raise
                for further in spans(self._remembered, left, FURTHER):
                    self._read(further, self._opened(further))
        except (*_OTHER_BYTES, NotFound, RegistryError) as error:
            self._note(error)
            return False
        except LocalFileError:
            raise
        except LayerslayerError as error:
            self.report.problem = error
            return False
        return True

    def _note(self, error: LayerslayerError) -> None:
        words = "its parts could not be used, so it was read from its beginning: "
        self.report.notes.append(error.after(words))
        self._tell(error.after("layer {}: ".format(self._number) + words))

    def _in_one_go(self) -> None:
        """Read the layer from its beginning to the last of the files that are left."""
        try:
            span = from_the_beginning(self._remembered, list(self._left.values()))
            self._read(span, self._source.blob(self._descriptor))
        except LocalFileError:
            raise
        except LayerslayerError as error:
            self.report.problem = error

    def _opened(self, span: Span) -> BinaryIO:
        return self._source.blob_range(self._descriptor, span.start, span.end - span.start)

    def _read(self, span: Span, blob: BinaryIO) -> None:
        counted = cast(BinaryIO, CountingReader(blob, self._count))
        try:
            read_span(self._remembered, span, counted, self._open_sink, self._done)
        finally:
            blob.close()

    def _count(self, count: int) -> None:
        self.report.bytes_read += count

    def _done(self, item: Wanted) -> None:
        del self._left[item.entry.offset]
        self.report.checked += 1
