"""A source beside the store: documents and configs once read are not asked for again."""

from __future__ import annotations

import io
from typing import BinaryIO, Optional, Sequence

from ..cache import Store
from ..limits import Limits
from ..oci.descriptor import Descriptor
from ..oci.media_types import CONFIG_TYPES
from ..oci.source import Document, Source, Wrapping


class Remembering(Wrapping):
    """Another source, with the documents that the store knows by digest.

    What a tag names is always asked for: that may have changed.
    """

    def __init__(self, source: Source, store: Store) -> None:
        super().__init__(source)
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
        body = self._store.document(descriptor.digest) if _is_config(descriptor, self.limits) else None
        if body is not None:
            return io.BytesIO(body)
        return self._source.blob(descriptor)

    def foresee(self, descriptors: Sequence[Descriptor]) -> None:
        self._source.foresee([item for item in descriptors if not self._known(item)])

    def _known(self, descriptor: Descriptor) -> bool:
        if _is_config(descriptor, self.limits):
            return self._store.document(descriptor.digest) is not None
        return self._store.knows(descriptor.digest)


def _is_config(descriptor: Descriptor, limits: Limits) -> bool:
    return descriptor.media_type in CONFIG_TYPES and descriptor.size <= limits.document
