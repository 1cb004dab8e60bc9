"""How blobs come, as values: what opens them, how many at once, and who hears of their bytes."""

from __future__ import annotations

from typing import BinaryIO, Callable, Iterator, NamedTuple, Optional

from ..oci.descriptor import Descriptor
from ..oci.source import Source

Advance = Callable[[int], None]  # hears how many bytes more there are; negative to take them back


class BlobTransfer(NamedTuple):
    """One blob. ``open`` opens it from its first byte.

    ``open_rest(start)`` opens what follows after what an earlier run got, and may raise
    RangeIgnored; without it no run goes on where another broke off.
    """

    open: Callable[[], BinaryIO]
    open_rest: Optional[Callable[[int], BinaryIO]] = None
    advance: Advance = lambda count: None


class ImageTransfer(NamedTuple):
    """The blobs of an image, ``jobs`` of them at once. Who has the ``source`` closes it."""

    source: Source
    jobs: int
    advance: Advance

    def blob(self, descriptor: Descriptor) -> BlobTransfer:
        """Return how one of them comes."""
        return BlobTransfer(lambda: self.source.blob(descriptor), advance=self.advance)

    def counted(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        """Yield ``pieces``; ``advance`` hears the length of each."""
        for piece in pieces:
            yield piece
            self.advance(len(piece))
