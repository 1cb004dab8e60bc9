"""Gzip layers, and zstd ones of several frames, listed from a part of their bytes where that does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Callable, Dict, Generator, List, Sequence, Set

from ...errors import LayerslayerError, LocalFileError
from ...formats.entry import Entry
from ...formats.magic import is_tar_type
from ...oci.image import Layer
from ...oci.source import Source
from ..outcome import Report
from ..reader import CannotContinue, OpenSink
from .gzip_reader import CANNOT_LEAP, LeaptLayer, reason_of
from .gzip_walk import NotGzip
from .throughput import Throughput
from .zstd_reader import framewise
from .zstd_walk import ZstdWalk

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
        self.source = source
        self._tell = tell
        self._keep = keep
        self._throughput = Throughput()
        self._kept: Dict[str, LeaptLayer] = {}  # by digest
        self._expected: Dict[str, LeaptLayer] = {}
        self._given_up: Set[str] = set()

    def applies_to(self, layer: Layer) -> bool:
        """Whether to try it with this layer."""
        descriptor = layer.descriptor
        if descriptor.digest in self._given_up:
            return False
        return descriptor.size >= _WORTH_IT and descriptor.data is None and is_tar_type(descriptor.media_type)

    def prefetch(self, layer: Layer) -> None:
        """Ask for the first bytes of a gzip layer that will probably be leapt through at once."""
        digest = layer.descriptor.digest
        gzip = layer.descriptor.media_type.endswith("gzip")
        if gzip and self.applies_to(layer) and digest not in self._kept:
            self._expected[digest] = leapt = LeaptLayer(self.source, layer, self._throughput, self._keep)
            leapt.fetcher.ahead(0, _HEAD)

    def cancel_prefetch(self, layer: Layer) -> int:
        """Forget what was asked for of a layer that will not be leapt through; return how many bytes that were."""
        expected = self._expected.pop(layer.descriptor.digest, None)
        return expected.spent if expected is not None else 0

    def _new(self, layer: Layer, returning: bool) -> LeaptLayer:
        expected = self._expected.pop(layer.descriptor.digest, None)
        if expected is not None and returning == self._keep:
            return expected
        return LeaptLayer(self.source, layer, self._throughput, returning)

    def entries(self, layer: Layer, report: Report) -> Generator[List[Entry], None, None]:
        """Yield a layer's entries in batches, from as few bytes as it takes.

        What comes after the first leap comes at the end, once it is proved.
        Raises NoFrames, before anything was yielded, and all that goes wrong.
        """
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
            yield from framewise(ZstdWalk(layer.descriptor, leapt.fetcher, self.source.limits), report)
            return
        finally:
            report.bytes_read += leapt.spent - spent
        leapt.tell(report)
        if self._keep:
            self._kept[digest] = leapt

    # -- as far as needed ---------------------------------------------------

    def passage(self, layer: Layer) -> LeaptLayer:
        """Return a layer to be leapt through, or one that was already, whose files can be read. For one thread."""
        digest = layer.descriptor.digest
        if digest not in self._kept:
            leapt = self._kept[digest] = self._new(layer, returning=True)
            leapt.report.bytes_read += leapt.spent
        return self._kept[digest]

    def go_on(self, layer: Layer, leapt: LeaptLayer, sought: Callable[[Sequence[Entry]], bool]) -> List[Entry]:
        """Return the next entries of a passage, see ``LeaptLayer``.

        There are none at its end, and where a problem stands in its report.
        Raises CannotContinue where the layer is to be read in full.
        """
        spent = leapt.spent
        try:
            return leapt.go_on(sought)
        except CANNOT_LEAP as error:
            self._give_up(layer, error)
            raise CannotContinue from None
        except LayerslayerError as error:
            self._end(layer, leapt.report, error)
            return []
        finally:
            leapt.report.bytes_read += leapt.spent - spent

    def fetch(self, layer: Layer, entry: Entry, open_sink: OpenSink, report: Report) -> None:
        """Give a file of a passage to the sink that ``open_sink`` has for it.

        What it cost is added to ``report``, and the problem if there was one.
        Raises LocalFileError, and CannotContinue where the layer is to be read in full.
        """
        leapt = self._kept[layer.descriptor.digest]
        spent = leapt.spent
        try:
            leapt.read(entry, open_sink(entry))
            leapt.tell_worth(report)
        except CANNOT_LEAP as error:
            self._give_up(layer, error)
            raise CannotContinue from None
        except LocalFileError:
            raise
        except LayerslayerError as error:
            self._end(layer, report, error)
        finally:
            report.bytes_read += leapt.spent - spent

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
