"""Images made on the spot, the same at every start: tars, layers, manifests, and a store that holds them."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from typing import Any, Dict, NamedTuple, Sequence, Tuple

from ..oci.media_types import OCI_MANIFEST

_MTIME = 1768469400  # 2026-01-15T09:30:00Z
CONFIG_TYPE = "application/vnd.oci.image.config.v1+json"
_LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar+gzip"


class Stored(NamedTuple):
    """A blob or manifest as a registry keeps it."""

    media_type: str
    body: bytes


class Store(NamedTuple):
    """What a registry serves: blobs and manifests by digest, tags, by repository."""

    blobs: Dict[str, bytes]
    manifests: Dict[str, Stored]
    tags: Dict[Tuple[str, str], str]  # (repository, tag) -> digest


class Member(NamedTuple):
    """One tar member to be."""

    name: str
    kind: bytes = tarfile.REGTYPE
    mode: int = 0o644
    body: bytes = b""
    target: str = ""
    uid: int = 0


def tar_of(members: Sequence[Member]) -> bytes:
    """Return a pax tar of ``members`` in order."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for member in members:
            info = tarfile.TarInfo(member.name)
            info.type, info.mode, info.mtime = member.kind, member.mode, _MTIME
            info.uid = info.gid = member.uid
            info.uname = info.gname = "app" if member.uid else "root"
            info.linkname, info.size = member.target, len(member.body)
            archive.addfile(info, io.BytesIO(member.body))
    return out.getvalue()


def gzip_of(body: bytes) -> bytes:
    """Return one gzip member without a time stamp."""
    out = io.BytesIO()
    with gzip.GzipFile(fileobj=out, mode="wb", compresslevel=6, mtime=0) as file:
        file.write(body)
    return out.getvalue()


def described(media_type: str, body: bytes) -> Dict[str, Any]:
    """Return the descriptor of a blob or manifest."""
    return {"mediaType": media_type, "digest": "sha256:" + hashlib.sha256(body).hexdigest(), "size": len(body)}


def add_image(store: Store, tars: Sequence[bytes], config: Dict[str, Any]) -> Dict[str, Any]:
    """Store an image of gzip layers and return its descriptor."""
    layers = []
    for tar in tars:
        blob = gzip_of(tar)
        layers.append(described(_LAYER_TYPE, blob))
        store.blobs[layers[-1]["digest"]] = blob
    config = dict(
        config, rootfs={"type": "layers", "diff_ids": ["sha256:" + hashlib.sha256(tar).hexdigest() for tar in tars]}
    )
    body = json.dumps(config).encode()
    made = described(CONFIG_TYPE, body)
    store.blobs[made["digest"]] = body
    return add_manifest(store, {"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": made, "layers": layers})


def add_manifest(store: Store, document: Dict[str, Any]) -> Dict[str, Any]:
    """Store a manifest or index and return its descriptor."""
    body = json.dumps(document, indent=2).encode()
    made = described(document["mediaType"], body)
    store.manifests[made["digest"]] = Stored(document["mediaType"], body)
    return made
