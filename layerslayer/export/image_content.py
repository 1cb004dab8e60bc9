"""What a layout of an image consists of: documents, and the blobs they name.

Documents stay byte for byte what they are, and so do all digests, except that
Docker's types become OCI's, since readers of layouts look for those alone
(image-spec ``media-types.md``, "Compatibility Matrix"): then the digests of
the documents, and of the indexes that name them, are new ones.
"""

from __future__ import annotations

import json
from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Tuple

from ..errors import Action, InvalidDocument, InvalidReference, Remedy
from ..oci.descriptor import Descriptor, digest_of
from ..oci.json_document import load_object
from ..oci.local_reference import DOCKER_ARCHIVE, DOCKER_DAEMON
from ..oci.manifest import Index, Manifest, parse_manifest
from ..oci.media_types import DOCKER_LIST, DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST
from ..oci.reference import Reference, Target, parse_reference
from ..oci.source import Document, Source
from ..sources.resolve import MAX_INDEXES, MAX_NESTING

_MAX_DOCUMENTS = 64 * 1024 * 1024  # bytes
_OCI_TYPES = {
    DOCKER_LIST: OCI_INDEX,
    DOCKER_MANIFEST: OCI_MANIFEST,
    "application/vnd.docker.container.image.v1+json": "application/vnd.oci.image.config.v1+json",
    "application/vnd.docker.image.rootfs.diff.tar": "application/vnd.oci.image.layer.v1.tar",
    "application/vnd.docker.image.rootfs.diff.tar.gzip": "application/vnd.oci.image.layer.v1.tar+gzip",
    "application/vnd.docker.image.rootfs.foreign.diff.tar": "application/vnd.oci.image.layer.nondistributable.v1.tar",
    "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip": (
        "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip"
    ),
}


class Content:
    """The documents and blobs of a layout, by digest; ``converted`` when Docker's types became OCI's."""

    def __init__(self, source: Source) -> None:
        self.documents: Dict[str, bytes] = {}
        self.blobs: Dict[str, Descriptor] = {}
        self.converted = False
        self._source = source
        self.limits = source.limits
        self._indexes = 0
        self._size = 0  # of all documents
        self._added: Dict[str, Dict[str, Any]] = {}  # descriptors, by the digest before any conversion

    def add(self, document: Document, depth: int = 1) -> Dict[str, Any]:
        """Take in a manifest, or an index with all that it names; return its descriptor as JSON has it.

        Raises InvalidDocument, and as ``Source.manifest``.
        """
        if document.digest in self._added:
            return self._added[document.digest]
        self._size += len(document.body)
        if self._size > _MAX_DOCUMENTS:
            raise InvalidDocument("the index and what it names are larger than {} bytes".format(_MAX_DOCUMENTS))
        parsed = parse_manifest(document.body, document.media_type, self.limits)
        if isinstance(parsed, Manifest) and parsed.is_schema1:
            raise schema1_refusal()
        raw = load_object(document.body, "manifest", limits=self.limits)
        changed = parsed.media_type in _OCI_TYPES
        if isinstance(parsed, Index):
            changed |= self._add_entries(parsed, raw.get("manifests") or [], depth)
        else:
            for descriptor in (parsed.config, *parsed.layers):
                self.blobs[descriptor.digest] = descriptor
        media_type = _OCI_TYPES.get(parsed.media_type, parsed.media_type)
        body = document.body
        if changed:
            self.converted = True
            body = _rewritten(raw, media_type)
        digest = digest_of(body, document.digest)
        self.documents[digest] = body
        added = {"mediaType": media_type, "digest": digest, "size": len(body)}
        self._added[document.digest] = added
        return added

    def _add_entries(self, index: Index, items: List[Any], depth: int) -> bool:
        """Take in what an index names; return whether any of it was converted, as ``items`` then is too."""
        self._indexes += 1
        if depth > MAX_NESTING or self._indexes > MAX_INDEXES:
            raise InvalidDocument("the index nests other indexes too deeply")
        changed = False
        for entry, item in zip(index.entries, items):
            added = self._added.get(entry.digest) or self.add(self._source.manifest(entry.digest, entry), depth + 1)
            if added["digest"] != entry.digest:
                item.update(added)
                item.pop("data", None)  # what it held has another digest now
                changed = True
        return changed


class LayoutImage(NamedTuple):
    """An image as a layout holds it: ``root`` is the descriptor of its manifest or index, as JSON has it."""

    content: Content
    root: Dict[str, Any]
    name: Optional[str]  # that it is found by


def schema1_refusal() -> InvalidDocument:
    """Return the error for an image of Docker's first format, which states neither sizes nor a config."""
    return InvalidDocument(
        "the image uses Docker manifest schema 1, which these formats cannot hold.",
        Remedy(Action.SAVE_LAYERS),
    )


def _rewritten(raw: Dict[str, Any], media_type: str) -> bytes:
    raw["mediaType"] = media_type
    for item in [raw.get("config"), *(raw.get("layers") or [])]:
        own = item.get("mediaType") if isinstance(item, dict) else None
        if isinstance(own, str):
            item["mediaType"] = _OCI_TYPES.get(own, own)
    return json.dumps(raw, separators=(",", ":")).encode()


def full_name(reference: Target, known: Sequence[str] = ()) -> Optional[str]:
    """Return ``REPOSITORY:TAG`` for ``reference``, None where no tag is known.

    ``known`` are the names of its source; one alone counts for a reference without tag.
    """
    if isinstance(reference, Reference):
        return reference.repository + ":" + reference.tag if reference.tag else None
    text = reference.path if reference.transport == DOCKER_DAEMON else reference.tag
    text = text or (known[0] if len(known) == 1 else "")
    if "/" not in text and ":" not in text:
        return None  # a bare tag
    try:
        parsed = parse_reference(text)
    except InvalidReference:
        return None
    return parsed.repository + ":" + parsed.tag if parsed.tag else None


def entry_name(reference: Target, known: Sequence[str] = ()) -> Optional[str]:
    """Return the name that an image gets inside a layout: its tag, or what it is called already."""
    if isinstance(reference, Reference):
        return reference.tag
    if reference.transport in (DOCKER_ARCHIVE, DOCKER_DAEMON):
        return full_name(reference, known)
    return reference.tag or (known[0] if len(known) == 1 and not reference.digest else None)


def blobs_by_size(content: Content) -> Tuple[Descriptor, ...]:
    """Return the blobs, the largest first: what takes longest begins first."""
    return tuple(sorted(content.blobs.values(), key=lambda blob: -blob.size))
