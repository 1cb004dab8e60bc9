"""Source: what every place that holds images can do."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import BinaryIO, Callable, Iterator, NamedTuple, Optional, Sequence, Tuple

from ..errors import NotFound, UsageError
from ..limits import DEFAULT, Limits
from .descriptor import Descriptor
from .manifest import Index, parse_manifest


class Document(NamedTuple):
    """A manifest or index as stored: verified bytes, their digest, the server's media type.

    Of a signed Docker schema 1 manifest the bytes are what its digest covers:
    the manifest without its signatures.
    """

    body: bytes
    digest: str
    media_type: str


class Source(ABC):
    """One repository. Safe to use from several threads. ``limits`` bound what is taken of its images."""

    limits: Limits = DEFAULT

    @abstractmethod
    def manifest(self, wanted: str, known: Optional[Descriptor] = None) -> Document:
        """Return the manifest or index named by a tag or digest.

        By digest the bytes are verified; ``known`` is the descriptor that led
        here, if any, whose inline data and size count. Raises NotFound,
        Unauthorized, Unreachable, RegistryError, DigestMismatch, InvalidDocument.
        """

    @abstractmethod
    def blob(self, descriptor: Descriptor) -> BinaryIO:
        """Return a readable of the blob's raw bytes; the caller verifies and closes it.

        ``read(n)`` returns n bytes, or fewer at the end. Raises as ``manifest``.
        """

    @abstractmethod
    def blob_range(self, descriptor: Descriptor, start: int, length: int) -> BinaryIO:
        """Return a readable of exactly the bytes [start, start + length) of the blob; the caller closes it.

        They cannot be verified by themselves. A blob that ends before is reported
        as NotFound. Raises as ``manifest``.
        """

    def tags(self, page: int = 0) -> Iterator[str]:
        """Yield the repository's tags, each once, in the order the source has them.

        ``page`` is how many to ask for at a time, 0 leaves that to the source.
        Raises as ``manifest``, perhaps after some tags, and UsageError where
        there are no tags to list.
        """
        raise UsageError("This place has no list of tags.")

    def referrers(self, digest: str) -> Tuple[Descriptor, ...]:
        """Return what says to refer to the manifest ``digest``: signatures, SBOMs ...

        Here by the tag that stands for the referrers (distribution-spec
        "Referrers Tag Schema"). Raises as ``manifest``.
        """
        algorithm, _, value = digest.partition(":")
        try:
            document = self.manifest(f"{algorithm[:32]}-{value[:64]}")
        except NotFound:
            return ()
        parsed = parse_manifest(document.body, document.media_type, self.limits)
        return parsed.entries if isinstance(parsed, Index) else ()

    def watch_repeats(self, spend: Callable[[int], None]) -> None:
        """Call ``spend`` with how many bytes of a blob are about to be fetched once more; it may raise to prevent it.

        A source that is not far away fetches nothing twice.
        """
        return

    def foresee(self, descriptors: Sequence[Descriptor]) -> None:
        """Prepare for these blobs, which will all be read, each once, beginning soon.

        A source far away asks for them now, so that their round trips overlap.
        """
        return

    def foresee_manifest(self, wanted: str) -> None:
        """Prepare for ``manifest(wanted)``, which will be called next."""
        return

    def foresee_referrers(self, digest: str) -> None:
        """Prepare for ``referrers(digest)``, which will be called soon."""
        return

    @abstractmethod
    def requests_made(self) -> int:
        """Return how many requests this source has sent so far."""

    @abstractmethod
    def close(self) -> None:
        """Give back connections."""


class Wrapping(Source):
    """A source around another, to which it passes everything on. Closing it closes the other."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self.limits = source.limits

    def manifest(self, wanted: str, known: Optional[Descriptor] = None) -> Document:
        return self._source.manifest(wanted, known)

    def blob(self, descriptor: Descriptor) -> BinaryIO:
        return self._source.blob(descriptor)

    def blob_range(self, descriptor: Descriptor, start: int, length: int) -> BinaryIO:
        return self._source.blob_range(descriptor, start, length)

    def tags(self, page: int = 0) -> Iterator[str]:
        return self._source.tags(page)

    def referrers(self, digest: str) -> Tuple[Descriptor, ...]:
        return self._source.referrers(digest)

    def watch_repeats(self, spend: Callable[[int], None]) -> None:
        self._source.watch_repeats(spend)

    def foresee(self, descriptors: Sequence[Descriptor]) -> None:
        self._source.foresee(descriptors)

    def foresee_manifest(self, wanted: str) -> None:
        self._source.foresee_manifest(wanted)

    def foresee_referrers(self, digest: str) -> None:
        self._source.foresee_referrers(digest)

    def requests_made(self) -> int:
        return self._source.requests_made()

    def close(self) -> None:
        self._source.close()
