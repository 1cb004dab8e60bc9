"""What ``--fast`` may take in place of reading an image's layers in full."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..oci.image import Image
from ..oci.source import Source
from .leap.reader import Leaps
from .toc.discovery import Claims

if TYPE_CHECKING:
    from ..errors import Tell


class Shortcuts:
    """One image's: ``claims``, the publishers' indexes, come first; then ``leaps``. Safe for several threads.

    ``tell`` gets a sentence about what is of no use; ``keep``: files will be fetched.
    """

    def __init__(self, source: Source, image: Image, tell: Tell = lambda text: None, keep: bool = False) -> None:
        self.leaps = Leaps(source, tell, keep)
        self.claims = Claims(source, image, tell, keep, self.leaps)
