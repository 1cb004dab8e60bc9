"""``--fast`` on gzip layers, and zstd ones of several frames: listed from a part of their bytes where that does."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO, Callable, Dict, Generator, List, Optional, Sequence, Set

from ...errors import CorruptLayer, DigestMismatch, LayerslayerError, LocalFileError
from ...formats.entry import Entry
from ...formats.magic import is_tar_type
from ...formats.tar.bodies import Sink
from ...oci.image import Layer
from ...oci.source import Source
from ..outcome import Report
from ..stream import read_entries
from .gzip_reader import CANNOT_LEAP, LeaptLayer, reason_of
from .gzip_walk import NotGzip
from .throughput import Throughput
from .zstd_reader import Begun, framewise
from .zstd_walk import NoFrames, ZstdWalk

if TYPE_CHECKING:
    from ...errors import Tell

_HEAD = 64 * 1024  # bytes
_WORTH_IT = 1024 * 1024  # bytes of a layer below which there is nothing to be saved


class Leaps:
    """Leaps through the layers of one source. Safe to list from several threads; what the line has shown is shared.

    ``tell`` gets a sentence about a layer that a file of is got where that was
    of no use. ``keep``: of layers that are listed files can be fetched, too.
    """

    def __init__(self, source: Source, tell: Tell = lambda text: None, keep: bool = False) -> None:
        self._source = source
        self._tell = tell
        self._keep = keep
        self._throughput = Throughput()
        self._kept: Dict[str, LeaptLayer] = {}  # by digest
        self._expected: Dict[str, LeaptLayer] = {}
        self._given_up: Set[str] = set()

    def worth(self, layer: Layer) -> bool:
        """Whether to try it with this layer."""
        descriptor = layer.descriptor
        return descriptor.size >= _WORTH_IT and descriptor.data is None and is_tar_type(descriptor.media_type)

    def expect(self, layer: Layer) -> None:
        """Take that a layer will probably be leapt through at once: the first bytes of one of gzip are asked for."""
        digest = layer.descriptor.digest
        gzip = layer.descriptor.media_type.endswith("gzip")
        if gzip and self.worth(layer) and digest not in self._kept and digest not in self._given_up:
            self._expected[digest] = leapt = LeaptLayer(self._source, layer, self._throughput, self._keep)
            leapt.fetcher.ahead(0, _HEAD)

    def in_vain(self, layer: Layer) -> int:
        """Take that a layer will not be leapt through; return how many bytes were asked for."""
        expected = self._expected.pop(layer.descriptor.digest, None)
        return expected.spent if expected is not None else 0

    def _new(self, layer: Layer, returning: bool) -> LeaptLayer:
        expected = self._expected.pop(layer.descriptor.digest, None)
        if expected is not None and returning == self._keep:
            return expected
        return LeaptLayer(self._source, layer, self._throughput, returning)

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
        except CANNOT_LEAP as error:
            _note_why(report, error)
            yield from self._in_full(layer, report, shown)
        except LayerslayerError as error:
            report.problem = error

    def _leaping(self, layer: Layer, report: Report) -> Generator[List[Entry], None, None]:
        """Raises NoFrames, before anything was yielded, and all that goes wrong."""
        digest = layer.descriptor.digest
        # Taken out, as another thread may list the same layer.
        leapt = self._kept.pop(digest, None)
        spent = leapt.spent if leapt is not None else 0
        leapt = leapt or self._new(layer, self._keep)
        try:
            batch = list(leapt.entries) or leapt.go_on()
            while batch:
                report.entries += len(batch)
                yield batch
                batch = leapt.go_on()
        except NotGzip:
            yield from framewise(ZstdWalk(layer.descriptor, leapt.fetcher, self._source.limits), report)
            return
        finally:
            report.bytes_read += leapt.spent - spent
        leapt.tell(report)
        if self._keep:
            self._kept[digest] = leapt

    # -- as far as needed ---------------------------------------------------

    def passage(self, layer: Layer) -> Optional[LeaptLayer]:
        """Return a layer to be leapt through, or one that was already; None where it is to be read in full.

        The files of such a layer can be read. For one thread.
        """
        digest = layer.descriptor.digest
        if digest in self._given_up or not self.worth(layer):
            return None
        if digest not in self._kept:
            leapt = self._kept[digest] = self._new(layer, returning=True)
            leapt.report.bytes_read += leapt.spent
        return self._kept[digest]

    def go_on(
        self, layer: Layer, leapt: LeaptLayer, sought: Callable[[Sequence[Entry]], bool]
    ) -> Optional[List[Entry]]:
        """Return the next entries of a passage, see there; None where the layer is to be read in full.

        None are left at its end, and where a problem stands in its report.
        """
        spent = leapt.spent
        try:
            return leapt.go_on(sought)
        except CANNOT_LEAP as error:
            self._give_up(layer, error)
            return None
        except LayerslayerError as error:
            self._end(layer, leapt.report, error)
            return []
        finally:
            leapt.report.bytes_read += leapt.spent - spent

    def fetch(
        self, layer: Layer, entry: Entry, open_sink: Callable[[Entry], Sink], report: Optional[Report] = None
    ) -> Optional[Report]:
        """Give a file of a passage to the sink that ``open_sink`` has for it.

        Return ``report``, the passage's own if there is none, with what it cost
        and the problem if there was one; None where the layer is to be read in
        full. Raises LocalFileError.
        """
        leapt = self._kept[layer.descriptor.digest]
        report, spent = report or leapt.report, leapt.spent
        try:
            leapt.read(entry, open_sink(entry))
            leapt.tell_worth(report)
        except CANNOT_LEAP as error:
            self._give_up(layer, error)
            return None
        except LocalFileError:
            raise
        except LayerslayerError as error:
            self._end(layer, report, error)
        finally:
            report.bytes_read += leapt.spent - spent
        return report

    def has(self, layer: Layer) -> bool:
        """Whether there is a passage of a layer, which files can be fetched of."""
        return layer.descriptor.digest in self._kept

    def _give_up(self, layer: Layer, error: Exception) -> None:
        """Leap through a layer no more, and tell why, unless it is none to do so with."""
        del self._kept[layer.descriptor.digest]
        self._given_up.add(layer.descriptor.digest)
        if not isinstance(error, NotGzip):
            self._tell(reason_of(error).after("layer {}: read in full after all: ".format(layer.number)))

    def _end(self, layer: Layer, report: Report, error: LayerslayerError) -> None:
        """End a passage, which may be begun anew."""
        del self._kept[layer.descriptor.digest]
        report.problem = error

    # -- in full ------------------------------------------------------------

    def _going_on(self, layer: Layer, report: Report, head: bytes) -> Generator[List[Entry], None, None]:
        """Read a layer as ever of which nothing was shown; its first bytes, if it is zstd, are here already."""
        shown, notes, begun = _Shown(), len(report.notes), Begun(head)
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
        self, layer: Layer, report: Report, shown: _Shown, begun: Optional[Begun] = None
    ) -> Generator[List[Entry], None, None]:
        """Read the layer as ever, or as ``begun``; yield what was not shown yet."""
        spent, descriptor = report.bytes_read, layer.descriptor
        report.entries = 0
        again = _Shown()

        def opened() -> BinaryIO:
            return begun.open(self._source, descriptor) if begun else self._source.blob(descriptor)

        for batch in read_entries(descriptor, opened, report, limits=self._source.limits):
            known = batch[: max(0, shown.count - again.count)]
            again.note(known)
            if again.count == shown.count and again.state != shown.state:
                break
            if len(batch) > len(known):
                yield batch[len(known) :]
        report.bytes_read += spent
        if report.problem is None and again.state != shown.state:  # fewer than were shown, or others
            report.problem = DigestMismatch("the parts of the layer that the server sent are not the layer's.")


def _note_why(report: Report, error: Exception) -> None:
    report.notes.append(reason_of(error).after("read in full after all: "))


class _Shown:
    """Which entries were given out: how many, and a hash of them."""

    def __init__(self) -> None:
        self.count = 0
        self.state = 0

    def note(self, entries: List[Entry]) -> None:
        for entry in entries:
            self.state = hash((self.state, entry[:8], entry.offset))
        self.count += len(entries)
