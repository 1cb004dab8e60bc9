"""Images with a SOCI index beside them, as soci-snapshotter pushes them."""

from __future__ import annotations

import json
from typing import Any, Dict, Optional, Sequence, Tuple

from layerslayer.demo.image import Store, add_manifest
from layerslayer.oci.descriptor import digest_of
from layerslayer.oci.media_types import OCI_INDEX, OCI_MANIFEST

from . import NAME
from .faults import blobs_image

V1 = "application/vnd.amazon.soci.index.v1+json"
V2 = "application/vnd.amazon.soci.index.v2+json"
ZTOC = "application/octet-stream"
GZIP = "application/vnd.oci.image.layer.v1.tar+gzip"


def soci_image(
    layers: Sequence[Tuple[bytes, Optional[bytes]]], version: str = V2, media_type: str = GZIP, api: bool = True
) -> Store:
    """A store with an image, tagged 1.0, of layers and their ztocs.

    Of a v1 index ``api`` says whether it is found by its subject, or by the
    tag that stands for the referrers.
    """
    store = blobs_image([layer for layer, _ in layers], media_type)
    document = json.loads(store.manifests[store.tags[NAME, "1.0"]].body.decode())
    index: Dict[str, Any] = {"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": _blob(store, b"{}", version)}
    index["layers"] = []
    for layer, ztoc in layers:
        if ztoc is not None:
            first = "application/vnd.amazon.soci.prefetch.v1+json"  # what a runtime is to fetch at once
            index["layers"] += [_about(layer, _blob(store, b"{}", first)), _about(layer, _blob(store, ztoc, ZTOC))]
    if version == V2:
        entry = add_manifest(store, index)
        document["annotations"] = {"com.amazon.soci.index-digest": entry["digest"]}
        store.tags[NAME, "1.0"] = add_manifest(store, document)["digest"]
        return store
    subject = store.tags[NAME, "1.0"]
    if api:
        index["subject"] = {"mediaType": OCI_MANIFEST, "digest": subject, "size": 1}
    entry = add_manifest(store, index)
    if not api:
        listed = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [dict(entry, artifactType=version)]}
        store.tags[NAME, subject.replace(":", "-")] = add_manifest(store, listed)["digest"]
    return store


def _about(layer: bytes, described: Dict[str, Any]) -> Dict[str, Any]:
    about = {
        "com.amazon.soci.image-layer-digest": digest_of(layer),
        "com.amazon.soci.image-layer-mediaType": GZIP,
        "com.amazon.soci.span-size": "4194304",
    }
    return dict(described, annotations=about)


def _blob(store: Store, body: bytes, media_type: str) -> Dict[str, Any]:
    store.blobs[digest_of(body)] = body
    return {"mediaType": media_type, "digest": digest_of(body), "size": len(body)}
