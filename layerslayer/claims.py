"""What publishers say is in the layers of an image: ``--fast`` believes it, and says so."""

from __future__ import annotations

from typing import BinaryIO, Callable, Dict, Optional, Set

from .errors import LayerslayerError
from .image import Image, Layer
from .layers.claimed import ClaimedIndex
from .layers.report import Report
from .sources.base import Source


class Claims:
    """The publishers' indexes of an image's layers. Safe to use from several threads.

    ``tell`` gets a sentence, once, for each index that is not used; so do the
    reports. ``keep``: they are held, for one who comes back to them.
    """

    def __init__(
        self, source: Source, image: Image, tell: Callable[[str], None] = lambda text: None, keep: bool = False
    ) -> None:
        from .soci import SociIndex  # which most runs do without

        self._source = source
        self._soci = SociIndex(source, image)
        self._tell = tell
        self._told: Set[str] = set()
        self._kept: Optional[Dict[str, ClaimedIndex]] = {} if keep else None
        self._distrusted: Dict[str, LayerslayerError] = {}

    def index_of(self, layer: Layer, report: Report) -> Optional[ClaimedIndex]:
        """Return the publisher's index of a layer, read by a few requests, and fill ``report``; None for none.

        The first counts of: the table that the manifest says the layer brings,
        the image's SOCI index, a table at the layer's end. What cannot be used
        is told in the report's notes.
        """
        digest = layer.descriptor.digest
        distrusted = self._distrusted.get(digest)
        if distrusted is not None:
            self._unusable(layer, report, distrusted)
            return None
        kept = self._kept.get(digest) if self._kept else None
        found = kept or self._find(layer, report)
        if found is not None:
            if self._kept is not None:
                self._kept[digest] = found
            report.claimed, report.compression = found.kind, found.compression
            report.bytes_read, report.entries = 0 if kept else found.bytes_read, len(found.entries)
            report.ended = True
        return found

    def distrust(self, layer: Layer, error: LayerslayerError) -> None:
        """Give no index of a layer any more, since what it says could not be had."""
        self._distrusted[layer.descriptor.digest] = error
        self._unusable(layer, Report(layer.descriptor), error)

    def _find(self, layer: Layer, report: Report) -> Optional[ClaimedIndex]:
        from .layers.indexes import find_toc, states_toc, worth_asking

        descriptor = layer.descriptor

        def open_range(start: int, length: int) -> BinaryIO:
            return self._source.blob_range(descriptor, start, length)

        found: Optional[ClaimedIndex] = None
        if not states_toc(descriptor) and worth_asking(descriptor) and not descriptor.media_type.endswith("zstd"):
            try:
                found = self._soci.ztoc(descriptor)
            except LayerslayerError as error:
                self._unusable(layer, report, error)
        if found is None:
            try:
                found = find_toc(descriptor, open_range)
            except LayerslayerError as error:
                self._unusable(layer, report, error)
        return found

    def _unusable(self, layer: Layer, report: Report, error: LayerslayerError) -> None:
        note = "its index is not used: {}".format(str(error).rstrip("."))
        report.notes.append(note)
        told = "layer {}: {}".format(layer.number, note)
        if told not in self._told:
            self._told.add(told)
            self._tell(told)
