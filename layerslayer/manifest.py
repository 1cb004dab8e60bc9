"""bytes -> Index | Manifest | Config: the documents that describe an image.

Formats: OCI image-spec ``manifest.md``, ``image-index.md``, ``config.md``,
``descriptor.md`` and Docker's "Image Manifest V 2, Schema 2". Everything here
comes from a stranger: unknown keys are ignored, wrong types are refused, and
a document that could be read as two kinds (CVE-2021-41190) is refused too.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from typing import Any, Dict, List, NamedTuple, Optional, Tuple, Union

from .errors import InvalidDocument
from .reference import digest_problem

MAX_DOCUMENT = 4 * 1024 * 1024  # bytes; the limit registries themselves use
MAX_LAYERS = 1000
MAX_INDEX_ENTRIES = 4096
_MAX_SIZE = 2**63 - 1
_MAX_DIGITS = 400  # of an integer; int() of millions takes minutes before Python 3.11

OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
_INDEX_TYPES = (OCI_INDEX, DOCKER_LIST)
_MANIFEST_TYPES = (OCI_MANIFEST, DOCKER_MANIFEST)
_SCHEMA1_PREFIX = "application/vnd.docker.distribution.manifest.v1+"
ACCEPT = ", ".join(
    (
        OCI_INDEX,
        DOCKER_LIST,
        OCI_MANIFEST,
        DOCKER_MANIFEST,
        "application/vnd.oci.artifact.manifest.v1+json",
        _SCHEMA1_PREFIX + "prettyjws",
        _SCHEMA1_PREFIX + "json",
        "*/*",
    )
)
CONFIG_TYPES = ("application/vnd.oci.image.config.v1+json", "application/vnd.docker.container.image.v1+json")
# Old images label their config like this; the content decides (moby registry.go).
_VAGUE_TYPES = ("", "application/octet-stream", "application/json", "text/html", "text/plain")
_ATTESTATION = "application/vnd.docker.attestation.manifest.v1+json"
_SOCI_PREFIX = "application/vnd.amazon.soci.index."
_DECISIVE = (
    "mediaType",
    "schemaVersion",
    "manifests",
    "config",
    "layers",
    "fsLayers",
    "digest",
    "size",
    "rootfs",
    "history",
)


class Platform(NamedTuple):
    """``os/architecture[/variant]`` as image-index.md defines it, normalised elsewhere."""

    os: str
    architecture: str
    variant: str = ""
    os_version: str = ""
    os_features: Tuple[str, ...] = ()

    def __str__(self) -> str:
        text = self.os + "/" + self.architecture
        return text + "/" + self.variant if self.variant else text


class Descriptor(NamedTuple):
    """What a document says of a blob: type, digest and size in bytes (descriptor.md)."""

    media_type: str
    digest: str
    size: int
    annotations: Dict[str, str]
    platform: Optional[Platform] = None
    data: Optional[bytes] = None
    artifact_type: str = ""
    urls: Tuple[str, ...] = ()

    @property
    def hex(self) -> str:
        """The digest's hex part; validated, so safe in a path or URL."""
        return self.digest.partition(":")[2]

    @property
    def is_index(self) -> bool:
        return self.media_type in _INDEX_TYPES

    @property
    def is_companion(self) -> bool:
        """Whether this index entry accompanies an image: attestation, SOCI index."""
        return (
            self.annotations.get("vnd.docker.reference.type") == "attestation-manifest"
            or self.artifact_type == _ATTESTATION
            or self.artifact_type.startswith(_SOCI_PREFIX)
        )


class Index(NamedTuple):
    """An OCI index or Docker manifest list."""

    media_type: str
    entries: Tuple[Descriptor, ...]


class Manifest(NamedTuple):
    """An OCI image manifest (or artifact) or Docker schema 2 manifest."""

    media_type: str
    config: Descriptor
    layers: Tuple[Descriptor, ...]
    annotations: Dict[str, str]
    artifact_type: str = ""

    @property
    def is_image(self) -> bool:
        """Whether the config is an image's, so that platform and history are worth reading."""
        return self.config.media_type in CONFIG_TYPES or self.config.media_type in _VAGUE_TYPES

    @property
    def kind(self) -> str:
        """The artifact type, for people; empty for an ordinary image."""
        return "" if self.is_image else self.artifact_type or self.config.media_type


class Step(NamedTuple):
    """One build step of the history. ``layer`` is the index it made, None for metadata only."""

    created: str
    created_by: str
    comment: str
    layer: Optional[int]


class Config(NamedTuple):
    """What Layerslayer needs of an image config. ``history_fits`` is False when
    the history's count of layers differs from the manifest's."""

    platform: Optional[Platform]
    created: str
    steps: Tuple[Step, ...]
    history_fits: bool

    def step_of(self, layer: int) -> Optional[Step]:
        """Return the step that made layer ``layer``, where the history tells."""
        if self.history_fits:
            for step in self.steps:
                if step.layer == layer:
                    return step
        return None


def _no_duplicates(pairs: List[Tuple[str, Any]]) -> Dict[str, Any]:
    seen = dict(pairs)
    if len(seen) != len(pairs):
        names = [name for name, _ in pairs]
        for key in _DECISIVE:
            if names.count(key) > 1:
                raise InvalidDocument(
                    "the document holds the key '{}' twice, which readers understand differently".format(key)
                )
    return seen


def _integer(digits: str) -> int:
    if len(digits) > _MAX_DIGITS:
        raise ValueError("a number of {} digits".format(len(digits)))
    return int(digits)


def load_object(body: bytes, what: str) -> Dict[str, Any]:
    """Parse a JSON object of at most MAX_DOCUMENT bytes. Raises InvalidDocument."""
    document = _load(body, what)
    if not isinstance(document, dict):
        raise InvalidDocument("the {} is not a JSON object".format(what))
    return document


def load_list(body: bytes, what: str) -> List[Any]:
    """Parse a JSON list of at most MAX_DOCUMENT bytes. Raises InvalidDocument."""
    document = _load(body, what)
    if not isinstance(document, list):
        raise InvalidDocument("the {} is not a JSON list".format(what))
    return document


def _load(body: bytes, what: str) -> Any:
    if len(body) > MAX_DOCUMENT:
        raise InvalidDocument("the {} is larger than {} bytes".format(what, MAX_DOCUMENT))
    try:
        return json.loads(body.decode("utf-8"), object_pairs_hook=_no_duplicates, parse_int=_integer)
    except RecursionError:
        raise InvalidDocument("the {} is nested too deeply".format(what)) from None
    except ValueError as error:
        raise InvalidDocument("the {} is not valid JSON ({})".format(what, error)) from None


def _text(document: Dict[str, Any], key: str) -> str:
    value = document.get(key)
    return value if isinstance(value, str) else ""


def _texts(value: Any) -> Tuple[str, ...]:
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list) else ()


def _annotations(document: Dict[str, Any]) -> Dict[str, str]:
    value = document.get("annotations")
    if not isinstance(value, dict):
        return {}
    return {key: text for key, text in value.items() if isinstance(text, str)}


def _platform(value: Any) -> Optional[Platform]:
    if not isinstance(value, dict):
        return None
    os, architecture = _text(value, "os"), _text(value, "architecture")
    if not os and not architecture:
        return None
    return Platform(
        os, architecture, _text(value, "variant"), _text(value, "os.version"), _texts(value.get("os.features"))
    )


def _inline_data(value: Any, digest: str, size: int) -> Optional[bytes]:
    # descriptor.md: the data must match size and digest, else it is as if absent.
    if not isinstance(value, str) or len(value) > MAX_DOCUMENT * 4 // 3 + 4:
        return None
    try:
        data = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        return None
    return data if len(data) == size and digest_of(data, digest) == digest else None


def _descriptor(value: Any, what: str) -> Descriptor:
    if not isinstance(value, dict):
        raise InvalidDocument("the {} is not a descriptor".format(what))
    digest, size = _text(value, "digest"), value.get("size")
    problem = digest_problem(digest)
    if problem:
        raise InvalidDocument("the {} has no usable digest: {}".format(what, problem))
    if not isinstance(size, int) or isinstance(size, bool) or not 0 <= size <= _MAX_SIZE:
        raise InvalidDocument("the {} has no usable size".format(what))
    return Descriptor(
        media_type=_text(value, "mediaType").partition(";")[0].strip(),
        digest=digest,
        size=size,
        annotations=_annotations(value),
        platform=_platform(value.get("platform")),
        data=_inline_data(value.get("data"), digest, size),
        artifact_type=_text(value, "artifactType"),
        urls=_texts(value.get("urls")),
    )


def _descriptors(value: Any, what: str, limit: int) -> Tuple[Descriptor, ...]:
    if value is None:
        return ()
    if not isinstance(value, list):
        raise InvalidDocument("the list of {}s is not a list".format(what))
    if len(value) > limit:
        raise InvalidDocument("the document names {} {}s, more than the {} allowed".format(len(value), what, limit))
    return tuple(_descriptor(item, "{} {}".format(what, number)) for number, item in enumerate(value))


def digest_of(body: bytes, like: str = "sha256:") -> str:
    """Return the digest of ``body`` by the algorithm of the digest ``like``."""
    algorithm = like.partition(":")[0]
    return algorithm + ":" + hashlib.new(algorithm, body).hexdigest()


def parse_manifest(body: bytes, content_type: str = "") -> Union[Index, Manifest]:
    """Parse a manifest or index; the kind is decided by content.

    ``content_type`` is the server's or the descriptor's word and breaks ties
    only. Raises InvalidDocument, for ambiguous documents too.
    """
    document = load_object(body, "manifest")
    has = {key for key in ("manifests", "layers", "config", "fsLayers") if document.get(key) is not None}
    if "manifests" in has and len(has) > 1:
        raise InvalidDocument(
            "the manifest can be read both as an index and as an image, and is refused (CVE-2021-41190)"
        )
    own = _text(document, "mediaType")
    kind = own or content_type.partition(";")[0].strip()
    if document.get("schemaVersion") == 1 or "fsLayers" in has:
        raise InvalidDocument("the image uses Docker manifest schema 1, which is not supported yet")
    if (own in _INDEX_TYPES and has - {"manifests"}) or (own in _MANIFEST_TYPES and "manifests" in has):
        raise InvalidDocument("the manifest's content contradicts its media type '{}', and is refused".format(own))
    if "manifests" in has or (not has and kind in _INDEX_TYPES):
        return Index(kind or OCI_INDEX, _descriptors(document.get("manifests"), "manifest", MAX_INDEX_ENTRIES))
    if "config" not in has:
        raise InvalidDocument("the document is neither an image manifest nor an index")
    return Manifest(
        media_type=kind or OCI_MANIFEST,
        config=_descriptor(document["config"], "config"),
        layers=_descriptors(document.get("layers"), "layer", MAX_LAYERS),
        annotations=_annotations(document),
        artifact_type=_text(document, "artifactType"),
    )


def _steps(history: Any) -> Tuple[Step, ...]:
    steps: List[Step] = []
    made = 0
    for item in history if isinstance(history, list) else ():
        if not isinstance(item, dict):
            continue
        layer = None
        if item.get("empty_layer") is not True:
            layer = made
            made += 1
        steps.append(Step(_text(item, "created"), _text(item, "created_by"), _text(item, "comment"), layer))
    return tuple(steps)


def parse_config(body: bytes, layers: int) -> Config:
    """Parse an image config and pair its history with ``layers`` layers.

    When the counts differ the steps are kept but none is paired.
    """
    document = load_object(body, "image config")
    steps = _steps(document.get("history"))
    fits = sum(step.layer is not None for step in steps) == layers
    if not fits:
        steps = tuple(step._replace(layer=None) for step in steps)
    return Config(_platform(document), _text(document, "created"), steps, fits)


def stated_diff_ids(config: bytes, count: int) -> List[str]:
    """Return the digests that an image config states for its ``count`` layers unpacked (config.md, rootfs).

    Raises InvalidDocument for another count, or what is no digest.
    """
    rootfs = load_object(config, "image config").get("rootfs")
    diff_ids = rootfs.get("diff_ids") if isinstance(rootfs, dict) else None
    diff_ids = diff_ids or []
    if not isinstance(diff_ids, list) or len(diff_ids) != count:
        raise InvalidDocument("the image config does not name the {} layers that the image has".format(count))
    for diff_id in diff_ids:
        problem = digest_problem(diff_id) if isinstance(diff_id, str) else "it is no text"
        if problem:
            raise InvalidDocument("a diff_id of the image config cannot be used: {}".format(problem))
    return diff_ids
