"""bytes -> Index | Manifest: the documents that name an image's parts.

Formats: OCI image-spec ``manifest.md``, ``image-index.md`` and Docker's "Image
Manifest V 2, Schema 2". Everything here comes from a stranger: unknown keys
are ignored, wrong types are refused, and a document that could be read as two
kinds (CVE-2021-41190) is refused too.
"""

from __future__ import annotations

from typing import Any, Dict, NamedTuple, Tuple, Union

from ..errors import InvalidDocument
from ..limits import DEFAULT, Limits, raising
from .descriptor import Descriptor, digest_of, parse_descriptor, parse_descriptors
from .docker_schema1 import parse_schema1
from .json_document import load_object, text_at, texts_by_key
from .media_types import (
    ARTIFACT_MANIFEST,
    CONFIG_TYPES,
    EMPTY_CONFIG,
    INDEX_TYPES,
    MANIFEST_TYPES,
    OCI_INDEX,
    OCI_MANIFEST,
    SCHEMA1_PREFIX,
    VAGUE_TYPES,
)

MAX_INDEX_ENTRIES = 4096
_EMPTY = b"{}"


class Index(NamedTuple):
    """An OCI index or Docker manifest list."""

    media_type: str
    entries: Tuple[Descriptor, ...]


class Manifest(NamedTuple):
    """An OCI image manifest (or artifact) or Docker manifest.

    Of a Docker schema 1 manifest the config is made up here, with its content
    inline, and the layers' sizes are unknown. Of a draft's artifact manifest
    the config is made up as an empty one, and the layers are its blobs.
    """

    media_type: str
    config: Descriptor
    layers: Tuple[Descriptor, ...]
    annotations: Dict[str, str]
    artifact_type: str = ""

    @property
    def is_image(self) -> bool:
        """Whether the config is an image's, so that platform and history are worth reading."""
        return self.config.media_type in CONFIG_TYPES or self.config.media_type in VAGUE_TYPES

    @property
    def is_schema1(self) -> bool:
        return self.media_type.startswith(SCHEMA1_PREFIX)

    @property
    def kind(self) -> str:
        """The artifact type, for people; empty for an ordinary image."""
        return "" if self.is_image else self.artifact_type or self.config.media_type


def parse_manifest(body: bytes, content_type: str = "", limits: Limits = DEFAULT) -> Union[Index, Manifest]:
    """Parse a manifest or index; the kind is decided by content.

    ``content_type`` is the server's or the descriptor's word and breaks ties
    only. Raises InvalidDocument, for ambiguous documents too.
    """
    document = load_object(body, "manifest", limits=limits)
    has = {key for key in ("manifests", "layers", "config", "fsLayers") if document.get(key) is not None}
    if ("manifests" in has or "fsLayers" in has) and len(has) > 1:
        raise InvalidDocument("the manifest can be read as two kinds of document, and is refused (CVE-2021-41190)")
    own = text_at(document, "mediaType")
    kind = own or content_type.partition(";")[0].strip()
    wrong = {"manifests", "fsLayers"} if own in MANIFEST_TYPES else {"layers", "config", "fsLayers"}
    if (own in INDEX_TYPES or own in MANIFEST_TYPES) and has & wrong:
        raise InvalidDocument(f"the manifest's content contradicts its media type '{own}', and is refused")
    if "manifests" in has or (not has and kind in INDEX_TYPES):
        entries = parse_descriptors(document.get("manifests"), "manifest", MAX_INDEX_ENTRIES, limits=limits)
        return Index(kind or OCI_INDEX, entries)
    if (document.get("schemaVersion") == 1) != ("fsLayers" in has):
        raise InvalidDocument("the manifest's content contradicts its schemaVersion, and is refused")
    if "fsLayers" in has:
        parts = parse_schema1(document, limits)
        return Manifest(
            kind if kind.startswith(SCHEMA1_PREFIX) else SCHEMA1_PREFIX + "json", parts.config, parts.layers, {}
        )
    if not has and kind == ARTIFACT_MANIFEST:
        return _artifact(document, limits)
    if "config" not in has:
        raise InvalidDocument("the document is neither an image manifest nor an index")
    return Manifest(
        media_type=kind or OCI_MANIFEST,
        config=parse_descriptor(document["config"], "config", limits),
        layers=parse_descriptors(document.get("layers"), "layer", limits.layers, raising("layers"), limits),
        annotations=texts_by_key(document.get("annotations")),
        artifact_type=text_at(document, "artifactType"),
    )


def _artifact(document: Dict[str, Any], limits: Limits) -> Manifest:
    """Return what an artifact manifest says (image-spec 1.1.0-rc2, ``artifact.md``, taken back since)."""
    return Manifest(
        media_type=ARTIFACT_MANIFEST,
        config=Descriptor(EMPTY_CONFIG, digest_of(_EMPTY), len(_EMPTY), {}, data=_EMPTY),
        layers=parse_descriptors(document.get("blobs"), "blob", limits.layers, raising("layers"), limits),
        annotations=texts_by_key(document.get("annotations")),
        artifact_type=text_at(document, "artifactType"),
    )
