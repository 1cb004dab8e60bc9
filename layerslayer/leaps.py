"""``--fast`` on gzip layers, and zstd ones of several frames: listed from a part of their bytes where that does."""

from __future__ import annotations

import io
from typing import BinaryIO, Generator, List, Optional, Union, cast

from .descriptors import Descriptor
from .entries import Entry
from .errors import CorruptLayer, DigestMismatch, LayerslayerError, RangeIgnored
from .image import Layer
from .layers.kinds import is_tar_type
from .layers.leap import Fetcher, FrameLeaping, Leaping, NoFrames, NotGzip, Pace
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
        except NoFrames as none:
            report.notes += [none.why] if none.why else []
            yield from self._going_on(layer, report, none.head)
        except (RangeIgnored, CorruptLayer, DigestMismatch) as error:
            _note_why(report, error)
            yield from self._in_full(layer, report, shown)
        except LayerslayerError as error:
            report.problem = error

    def _leaping(self, layer: Layer, report: Report) -> Generator[List[Entry], None, None]:
        """Raises NoFrames, before anything was yielded, and all that goes wrong."""
        descriptor = layer.descriptor

        def open_range(start: int, length: int) -> BinaryIO:
            return self._source.blob_range(descriptor, start, length)

        fetcher = Fetcher(open_range, descriptor.size, self._pace)
        try:
            try:
                yield from _walked(Leaping(descriptor, fetcher), report)
            except NotGzip:
                yield from _walked(FrameLeaping(descriptor, fetcher), report)
        finally:
            report.bytes_read += fetcher.spent

    def _going_on(self, layer: Layer, report: Report, head: bytes) -> Generator[List[Entry], None, None]:
        """Read a layer as ever of which nothing was shown; its first bytes, if it is zstd, are here already."""
        shown, notes, begun = _Shown(), len(report.notes), _Begun(head)
        for batch in self._in_full(layer, report, _Shown(), begun if head else None):
            shown.note(batch)
            yield batch
        if begun.used:
            report.bytes_read -= len(head)  # which were counted twice, and asked for once
        if head and isinstance(report.problem, (CorruptLayer, DigestMismatch)):  # perhaps the parts are wrong
            error, report.problem = report.problem, None
            del report.notes[notes:]
            _note_why(report, error)
            yield from self._in_full(layer, report, shown)

    def _in_full(
        self, layer: Layer, report: Report, shown: _Shown, begun: Optional[_Begun] = None
    ) -> Generator[List[Entry], None, None]:
        """Read the layer as ever, or as ``begun``; yield what was not shown yet."""
        spent, descriptor = report.bytes_read, layer.descriptor
        report.entries = 0
        again = _Shown()

        def opened() -> BinaryIO:
            return begun.open(self._source, descriptor) if begun else self._source.blob(descriptor)

        for batch in read_entries(descriptor, opened, report):
            known = batch[: max(0, shown.count - again.count)]
            again.note(known)
            if again.count == shown.count and again.state != shown.state:
                break
            if len(batch) > len(known):
                yield batch[len(known) :]
        report.bytes_read += spent
        if report.problem is None and again.state != shown.state:  # fewer than were shown, or others
            report.problem = DigestMismatch("the parts of the layer that the server sent are not the layer's.")


def _walked(walk: Union[Leaping, FrameLeaping], report: Report) -> Generator[List[Entry], None, None]:
    """Yield what a walk does, and report it. Raises what it does."""
    for batch in walk.run():
        report.entries += len(batch)
        yield batch
    last = walk.last
    report.compression, report.uncompressed = walk.kind, last.position
    report.verified, report.leapt = walk.verifier.verified, not walk.verifier.verified
    report.ended, report.hidden = True, last.walker.hidden
    report.notes += [*walk.notes, *layer_notes(last.walker, last.stream.trailing)]


def _note_why(report: Report, error: LayerslayerError) -> None:
    reason = "the server does not serve parts of it" if isinstance(error, RangeIgnored) else str(error)
    report.notes.append("read in full after all: {}".format(reason.rstrip(".")))


class _Begun:
    """A blob whose first bytes were read already: a readable once it was opened."""

    def __init__(self, head: bytes) -> None:
        self.used = False  # whether the head took the place of bytes that were not asked for again
        self._size = len(head)
        self._head = io.BytesIO(head)
        self._rest: BinaryIO = self._head

    def open(self, source: Source, descriptor: Descriptor) -> BinaryIO:
        """Ask for the rest; return the readable of all, or another one of it. Raises what the source raises."""
        try:
            self._rest = source.blob_range(descriptor, self._size, descriptor.size - self._size)
        except RangeIgnored:
            return source.blob(descriptor)
        self.used = True
        return cast(BinaryIO, self)

    def read(self, count: int) -> bytes:
        return self._head.read(count) or self._rest.read(count)

    def close(self) -> None:
        self._rest.close()


class _Shown:
    """Which entries were given out: how many, and a hash of them."""

    def __init__(self) -> None:
        self.count = 0
        self.state = 0

    def note(self, entries: List[Entry]) -> None:
        for entry in entries:
            self.state = hash((self.state, entry[:8], entry.offset))
        self.count += len(entries)
