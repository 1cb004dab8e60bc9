"""A source beside the store: documents and configs once read are not asked for again."""

from __future__ import annotations

import io
from typing import BinaryIO, Iterator, Optional, Sequence, Tuple

from .descriptors import Descriptor
from .limits import bound
from .media_types import CONFIG_TYPES
from .sources.base import Document, Source
from .store import Store


class Remembering(Source):
    """Another source, with the documents that the store knows by digest.

    What a tag names is always asked for: that may have changed.
    """

    def __init__(self, source: Source, store: Store) -> None:
        self._source = source
        self._store = store

    def manifest(self, wanted: str, known: Optional[Descriptor] = None) -> Document:
        if known is not None:
            body = self._store.document(known.digest)
            if body is not None:
                return Document(body, known.digest, known.media_type)
        document = self._source.manifest(wanted, known)
        self._store.keep_document(document.digest, document.body)
        return document

    def blob(self, descriptor: Descriptor) -> BinaryIO:
        body = self._store.document(descriptor.digest) if _is_config(descriptor) else None
        if body is not None:
            return io.BytesIO(body)
        return self._source.blob(descriptor)

    def blob_range(self, descriptor: Descriptor, start: int, length: int) -> BinaryIO:
        return self._source.blob_range(descriptor, start, length)

    def tags(self, page: int = 0) -> Iterator[str]:
        return self._source.tags(page)

    def referrers(self, digest: str) -> Tuple[Descriptor, ...]:
        return self._source.referrers(digest)

    def keep_config(self, descriptor: Descriptor, body: bytes) -> None:
        """Remember a config that was read and verified."""
        self._store.keep_document(descriptor.digest, body)

    def foresee(self, descriptors: Sequence[Descriptor]) -> None:
        self._source.foresee([item for item in descriptors if not self._known(item)])

    def _known(self, descriptor: Descriptor) -> bool:
        if _is_config(descriptor):
            return self._store.document(descriptor.digest) is not None
        return self._store.knows(descriptor.digest)

    def foresee_manifest(self, wanted: str) -> None:
        self._source.foresee_manifest(wanted)

    def requests_made(self) -> int:
        return self._source.requests_made()

    def close(self) -> None:
        self._source.close()


def _is_config(descriptor: Descriptor) -> bool:
    return descriptor.media_type in CONFIG_TYPES and descriptor.size <= bound("document")
