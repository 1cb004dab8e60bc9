"""Descriptors: what a document says of a blob (OCI image-spec ``descriptor.md``), and platforms."""

from __future__ import annotations

import base64
import binascii
import hashlib
from typing import Any, Dict, NamedTuple, Optional, Tuple, Union

from ..errors import InvalidDocument, Remedy
from ..limits import DEFAULT, Limits
from .digest import digest_problem
from .json_document import text_at, texts_by_key, texts_of
from .media_types import ATTESTATION, INDEX_TYPES, SOCI_PREFIX

UNKNOWN_SIZE = -1  # of a blob whose document states none (Docker schema 1)
_MAX_SIZE = 2**63 - 1


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
    """What a document says of a blob: type, digest and size in bytes (descriptor.md), or UNKNOWN_SIZE."""

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
        return self.media_type in INDEX_TYPES

    @property
    def is_companion(self) -> bool:
        """Whether this index entry accompanies an image: attestation, SOCI index."""
        return (
            self.annotations.get("vnd.docker.reference.type") == "attestation-manifest"
            or self.artifact_type == ATTESTATION
            or self.artifact_type.startswith(SOCI_PREFIX)
        )


def digest_of(body: bytes, like: str = "sha256:") -> str:
    """Return the digest of ``body`` by the algorithm of the digest ``like``."""
    algorithm = like.partition(":")[0]
    return algorithm + ":" + hashlib.new(algorithm, body).hexdigest()


def parse_platform_object(value: Any) -> Optional[Platform]:
    """Return the platform that an index entry or an image config states, None for none."""
    if not isinstance(value, dict):
        return None
    os, architecture = text_at(value, "os"), text_at(value, "architecture")
    if not os and not architecture:
        return None
    return Platform(
        os, architecture, text_at(value, "variant"), text_at(value, "os.version"), texts_of(value.get("os.features"))
    )


def _inline_data(value: Any, digest: str, size: int, most: int) -> Optional[bytes]:
    # descriptor.md: the data must match size and digest, else it is as if absent.
    if not isinstance(value, str) or len(value) > most * 4 // 3 + 4:
        return None
    try:
        data = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        return None
    return data if len(data) == size and digest_of(data, digest) == digest else None


def parse_descriptor(value: Any, what: str, limits: Limits = DEFAULT) -> Descriptor:
    """Return the descriptor in a document. Raises InvalidDocument; ``what`` names it there."""
    if not isinstance(value, dict):
        raise InvalidDocument(f"the {what} is not a descriptor")
    digest, size = text_at(value, "digest"), value.get("size")
    problem = digest_problem(digest)
    if problem:
        raise InvalidDocument(f"the {what} has no usable digest: {problem}")
    if not isinstance(size, int) or isinstance(size, bool) or not 0 <= size <= _MAX_SIZE:
        raise InvalidDocument(f"the {what} has no usable size")
    return Descriptor(
        media_type=text_at(value, "mediaType").partition(";")[0].strip(),
        digest=digest,
        size=size,
        annotations=texts_by_key(value.get("annotations")),
        platform=parse_platform_object(value.get("platform")),
        data=_inline_data(value.get("data"), digest, size, limits.document),
        artifact_type=text_at(value, "artifactType"),
        urls=texts_of(value.get("urls")),
    )


def parse_descriptors(
    value: Any, what: str, limit: int, hint: Union[str, Remedy] = "", limits: Limits = DEFAULT
) -> Tuple[Descriptor, ...]:
    """Return a list of descriptors, at most ``limit`` of them; none for null.

    Raises InvalidDocument; ``hint`` is what to do about more of them.
    """
    if value is None:
        return ()
    if not isinstance(value, list):
        raise InvalidDocument(f"the list of {what}s is not a list")
    if len(value) > limit:
        raise InvalidDocument(f"the document names {len(value)} {what}s, more than the {limit} allowed", hint)
    return tuple(parse_descriptor(item, f"{what} {number}", limits) for number, item in enumerate(value))
