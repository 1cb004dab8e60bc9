"""Images as registries served them before 2016: Docker manifest schema 1, signed as libtrust signs."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any, Dict, List, Optional, Sequence

from layerslayer.demo.image import Member, Store, Stored, gzip_of, tar_of

from . import NAME

SIGNED = "application/vnd.docker.distribution.manifest.v1+prettyjws"
EMPTY = gzip_of(bytes(1024))  # what stands in for the layer of a step that made none


def digest(body: bytes) -> str:
    return "sha256:" + hashlib.sha256(body).hexdigest()


def base64url(body: bytes) -> str:
    return base64.urlsafe_b64encode(body).rstrip(b"=").decode()


def document(sums: Sequence[str], images: Sequence[Dict[str, Any]]) -> Dict[str, Any]:
    """A manifest of these blobs and images, oldest first here."""
    return {
        "schemaVersion": 1,
        "name": NAME,
        "tag": "1.0",
        "architecture": "amd64",
        "fsLayers": [{"blobSum": item} for item in reversed(sums)],
        "history": [{"v1Compatibility": json.dumps(image)} for image in reversed(images)],
    }


def signature(length: int, tail: bytes) -> Dict[str, Any]:
    """A signature that says: the payload is ``length`` bytes of the document and then ``tail``."""
    form = json.dumps({"formatLength": length, "formatTail": base64url(tail)}).encode()
    return {"header": {"alg": "ES256"}, "signature": "bm90IGNoZWNrZWQ", "protected": base64url(form)}


def signed(payload: bytes, signatures: Optional[List[Dict[str, Any]]] = None) -> bytes:
    """``payload``, a JSON object on several lines, with signatures put in at its end."""
    body = payload[: -len(b"\n}")]
    items = [signature(len(body), b"\n}")] if signatures is None else signatures
    return body + b',\n   "signatures": ' + json.dumps(items).encode() + b"\n}"


def schema1_image(layers: Sequence[Optional[Sequence[Member]]], form: str = SIGNED) -> Store:
    """A store with such an image, tagged 1.0; None among the layers is a step that made none."""
    store = Store({}, {}, {})
    sums, images = [], []
    for number, members in enumerate(layers):
        blob = EMPTY if members is None else gzip_of(tar_of(members))
        store.blobs[digest(blob)] = blob
        sums.append(digest(blob))
        command = {"Cmd": ["/bin/sh", "-c", "step {}".format(number)]}
        image: Dict[str, Any] = {"id": str(number), "created": "2015-06-01T00:00:00Z", "container_config": command}
        images.append(dict(image, throwaway=True) if members is None else image)
    images[-1].update(architecture="amd64", os="linux", author="Ada", config={"User": "app"})
    payload = json.dumps(document(sums, images), indent=3).encode()
    store.manifests[digest(payload)] = Stored(form, signed(payload) if form == SIGNED else payload)
    store.tags[(NAME, "1.0")] = digest(payload)
    return store
