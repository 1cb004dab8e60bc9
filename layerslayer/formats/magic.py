"""What a blob is: as its media type promises, and as its first bytes show. Pure.

The magic decides, not the media type (containerd treats that as a hint too)::

    1f 8b 08        gzip (RFC 1952)
    28 b5 2f fd     zstd (RFC 8878)
    5? 2a 4d 18     zstd skippable frame
    otherwise       no compression
"""

from __future__ import annotations

import re
from typing import Mapping

GZIP_MAGIC = b"\x1f\x8b\x08"
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
_UNREAD = ((b"\xfd7zXZ\0", "xz"), (b"BZh", "bzip2"), (b"\x04\x22\x4d\x18", "lz4"))
_SKIPPABLE = b"\x2a\x4d\x18"
_NYDUS_TYPE = "application/vnd.oci.image.layer.nydus.blob.v1"
_NYDUS_MARK = "containerd.io/snapshot/nydus-blob"  # an annotation
_FILE_SYSTEMS = {"erofs": "an EROFS image", "squashfs": "a SquashFS image"}
_FILE_SYSTEM = re.compile(r"application/(?:vnd\.|.*\.)(?P<name>erofs|squashfs)(?:[.+].*)?", re.DOTALL)
_TAR_TYPES = ("tar", "tar+gzip", "tar+zstd", "tar.gzip", "tar.zstd")


def unread_compression(head: bytes) -> str:
    """Name what a blob that is no tar, by its first 6 bytes, is compressed with instead; "" where that is unknown."""
    return next((name for magic, name in _UNREAD if head.startswith(magic)), "")


def is_tar_type(media_type: str) -> bool:
    """Whether a media type promises a (compressed) tar."""
    return media_type.endswith(_TAR_TYPES)


def is_encrypted(media_type: str) -> bool:
    """Whether a media type says that the layer is encrypted (ocicrypt)."""
    return media_type.endswith("+encrypted")


def special_kind(media_type: str, annotations: Mapping[str, str]) -> str:
    """Return what a layer is that keeps its files from a tar reader ("a nydus blob, not a tar"); "" for all others."""
    if is_encrypted(media_type):
        return "encrypted, readable only with its key"
    if media_type == _NYDUS_TYPE or _NYDUS_MARK in annotations:
        return "a nydus blob, not a tar"
    match = _FILE_SYSTEM.fullmatch(media_type)
    return _FILE_SYSTEMS[match.group("name")] + ", not a tar" if match else ""


def is_skippable(head: bytes) -> bool:
    """Whether a skippable zstd frame begins with ``head`` (4 bytes or more)."""
    return head[1:4] == _SKIPPABLE and 0x50 <= head[0] <= 0x5F


def compression_of(head: bytes) -> str:
    """Name the compression of a blob by its first 4 bytes or more: gzip, zstd or none."""
    if head.startswith(GZIP_MAGIC):
        return "gzip"
    return "zstd" if head.startswith(ZSTD_MAGIC) or is_skippable(head) else "none"
