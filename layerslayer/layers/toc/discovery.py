"""What publishers say is in the layers of an image: ``--fast`` believes it, and says so."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO, Dict, Optional, Sequence, Set

from ...errors import LayerslayerError
from ...oci.descriptor import Descriptor
from ...oci.image import Image, Layer, Opening
from ...oci.source import Source
from ..outcome import Report
from .base import ClaimedIndex

if TYPE_CHECKING:
    from ...errors import Tell
    from ..leap.reader import Leaps


def foresee_claims(source: Source, opening: Opening, layers: Sequence[Layer]) -> None:
    """Look for an image's index in the background, if one of ``layers`` will be looked up in it, and none is named."""
    from .soci import INDEX_DIGEST

    if INDEX_DIGEST not in opening.manifest.annotations and any(_in_soci(layer.descriptor) for layer in layers):
        source.foresee_referrers(opening.document.digest)


def _in_soci(descriptor: Descriptor) -> bool:
    """Whether a layer is looked up in the image's index: those bring no table that says so, and are of gzip."""
    from .embedded import states_toc, worth_asking

    return not states_toc(descriptor) and worth_asking(descriptor) and not descriptor.media_type.endswith("zstd")


class Claims:
    """The publishers' indexes of an image's layers. Safe to use from several threads.

    ``tell`` gets a sentence, once, for each index that is not used; so do the
    reports. ``keep``: they are held, for one who comes back to them.
    ``leaps`` ask for the beginning of a layer that probably has no table.
    """

    def __init__(
        self,
        source: Source,
        image: Image,
        tell: Tell = lambda text: None,
        keep: bool = False,
        leaps: Optional[Leaps] = None,
    ) -> None:
        from .soci import SociIndex  # which most runs do without

        self.source = source
        self._soci = SociIndex(source, image)
        self._tell = tell
        self._leaps = leaps
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
            report.bytes_read += 0 if kept else found.bytes_read
            report.entries, report.ended = len(found.entries), True
        return found

    def distrust(self, layer: Layer, error: LayerslayerError) -> None:
        """Give no index of a layer any more, since what it says could not be had."""
        self._distrusted[layer.descriptor.digest] = error
        self._unusable(layer, Report(layer.descriptor), error)

    def _find(self, layer: Layer, report: Report) -> Optional[ClaimedIndex]:
        from .embedded import find_toc, states_toc

        descriptor = layer.descriptor

        def open_range(start: int, length: int) -> BinaryIO:
            return self.source.blob_range(descriptor, start, length)

        found: Optional[ClaimedIndex] = None
        if _in_soci(descriptor):
            try:
                found = self._soci.ztoc(descriptor)
            except LayerslayerError as error:
                self._unusable(layer, report, error)
        if found is None:
            if self._leaps is not None and not states_toc(descriptor):
                self._leaps.prefetch(layer)
            try:
                found = find_toc(descriptor, open_range, self.source.limits)
            except LayerslayerError as error:
                self._unusable(layer, report, error)
            if self._leaps is not None and found is not None:
                report.bytes_read += self._leaps.cancel_prefetch(layer)
        return found

    def _unusable(self, layer: Layer, report: Report, error: LayerslayerError) -> None:
        report.notes.append(error.after("its index is not used: "))
        told = error.after("layer {}: its index is not used: ".format(layer.number))
        if str(told) not in self._told:
            self._told.add(str(told))
            self._tell(told)
