"""By what ways the layers of one image may be read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Optional

from ..oci.image import Image
from ..oci.source import Source
from .cached import KnownLayers

if TYPE_CHECKING:  # loaded where a layer is read by that way
    from ..errors import Tell
    from .leap.reader import Leaps
    from .toc.discovery import Claims


class LayerAccess:
    """By what ways the layers of one image may be read. Safe to share between threads that list.

    ``claims`` are the publishers' tables, ``leaps`` leap; both are None where
    layers are to be read in full. ``whole``: a layer is read to its end even
    where less would do, so that its digest is verified. ``printed``: what a sink
    got cannot be taken back. ``tell`` gets a sentence about what is of no use.
    """

    def __init__(
        self,
        source: Source,
        known: Optional[KnownLayers] = None,
        claims: Optional[Claims] = None,
        leaps: Optional[Leaps] = None,
        tell: Tell = lambda text: None,
    ) -> None:
        self.source = source
        self.limits = source.limits
        self.known = known or KnownLayers()
        self.claims = claims
        self.leaps = leaps
        self.tell = tell
        self.whole = False
        self.printed = False

    def shorten(self, image: Image, keep: bool) -> None:
        """Take tables and leaps in place of reading layers in full; ``keep``: files will be read, too."""
        from .leap.reader import Leaps
        from .toc.discovery import Claims

        self.leaps = Leaps(self.source, self.tell, keep)
        self.claims = Claims(self.source, image, self.tell, keep, self.leaps)
