"""Names of folders and files that are written: safe on every system. Pure."""

from __future__ import annotations

import re
from typing import Tuple

from ..formats.magic import compression_of, is_tar_type
from ..oci.image import Layer
from ..oci.local_reference import LocalReference
from ..oci.reference import DOCKER_HUB, Target

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
_RESERVED = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)(?:\..*)?", re.IGNORECASE)
_TAR_SUFFIXES = {"gzip": ".tar.gz", "zstd": ".tar.zst", "none": ".tar"}
_OTHER_SUFFIXES = {"gzip": ".gz", "zstd": ".zst", "none": ".blob"}
_USTAR_AT = 257
SUFFIXES = sorted({*_TAR_SUFFIXES.values(), *_OTHER_SUFFIXES.values()})


def safe_component(text: str) -> str:
    """Return ``text`` as one file name that Linux, macOS and Windows all take."""
    name = _UNSAFE.sub("_", text).strip("_") or "_"
    if _RESERVED.fullmatch(name) or name.startswith("."):
        name = "_" + name
    return name + "_" if name.endswith(".") else name


def image_name(reference: Target) -> str:
    """Return ``<registry>_<user>_<repo>`` (docker.io is left out), or ``<transport>_<file name>``, as a file name."""
    if isinstance(reference, LocalReference):
        return safe_component(reference.transport + "_" + reference.name)
    registry = "" if reference.domain == DOCKER_HUB else reference.domain + "_"
    return safe_component(registry + reference.path.replace("/", "_"))


def image_parts(reference: Target, platform: str = "") -> Tuple[str, ...]:
    """Return the folders, each in the one before, that an image goes to: image name, tag or digest[, platform]."""
    parts = (image_name(reference), safe_component((reference.wanted or "image").replace(":", "-")))
    return (*parts, safe_component(platform)) if platform else parts


def layer_stem(layer: Layer) -> str:
    """Return ``<index>_<hex>``: a layer's file name without its suffix."""
    return "{}_{}".format(layer.number, layer.descriptor.hex)


def suffix_of(head: bytes, media_type: str) -> str:
    """Return the suffix for a blob that begins with ``head``, by its real compression."""
    kind = compression_of(head)
    is_tar = is_tar_type(media_type) or (kind == "none" and head[_USTAR_AT : _USTAR_AT + 5] == b"ustar")
    return (_TAR_SUFFIXES if is_tar else _OTHER_SUFFIXES)[kind]
