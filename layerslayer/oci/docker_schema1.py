"""Docker's "Image Manifest Version 2, Schema 1": the manifests of before 2016.

    {"schemaVersion": 1, "name": ..., "tag": ..., "architecture": ...,
     "fsLayers": [{"blobSum": DIGEST}, ...],              newest first
     "history": [{"v1Compatibility": JSON text}, ...],    one for each of them
     "signatures": [{"protected": base64url JSON, ...}]}  in the signed form

There are no sizes and no config. A history entry with ``throwaway`` made no
layer; its ``fsLayers`` entry is an empty tar that stands in for one. The digest
of a signed manifest is that of its payload: the document as it was before the
signatures were put in, which each signature says how to get back. The
signatures themselves are not checked: anybody could make them.
"""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any, Dict, List, NamedTuple, Tuple

from ..errors import InvalidDocument
from ..limits import DEFAULT, Limits
from .descriptor import UNKNOWN_SIZE, Descriptor, digest_of
from .digest import digest_problem
from .json_document import load_object, text_at, texts_of
from .media_types import CONFIG_TYPES

_LAYER_TYPE = "application/vnd.docker.image.rootfs.diff.tar.gzip"
_CONFIG_KEYS = ("created", "author", "architecture", "variant", "os", "os.version", "config")
_MAX_SIGNATURES = 16


class Parts(NamedTuple):
    """What a schema 1 manifest says in terms of today's: a config made up of its history, layers oldest first."""

    config: Descriptor  # its content is inline
    layers: Tuple[Descriptor, ...]


def signed_payload(body: bytes, limits: Limits = DEFAULT) -> bytes:
    """Return what the digest of a signed schema 1 manifest covers; all other documents as they are.

    Raises InvalidDocument for signatures that are unreadable or disagree.
    """
    if b'"signatures"' not in body:
        return body
    document = load_object(body, "manifest", limits=limits)
    signatures = document.get("signatures")
    if document.get("schemaVersion") != 1 or not isinstance(signatures, list) or not signatures:
        return body
    payloads = {_payload(body, signature, limits) for signature in signatures[:_MAX_SIGNATURES]}
    if len(payloads) > 1 or len(signatures) > _MAX_SIGNATURES:
        raise InvalidDocument("the signatures of the schema 1 manifest do not agree on what they sign")
    return payloads.pop()


def _payload(body: bytes, signature: Any, limits: Limits) -> bytes:
    protected = text_at(signature, "protected") if isinstance(signature, dict) else ""
    form = load_object(_decoded(protected), "signature of the schema 1 manifest", limits=limits)
    length, tail = form.get("formatLength"), text_at(form, "formatTail")
    if not isinstance(length, int) or not 0 < length <= len(body):
        raise InvalidDocument("a signature of the schema 1 manifest does not say what it signs")
    return body[:length] + _decoded(tail)


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise InvalidDocument("a signature of the schema 1 manifest is not base64url") from None


def parse_schema1(document: Dict[str, Any], limits: Limits = DEFAULT) -> Parts:
    """Return config and layers of a schema 1 manifest. Raises InvalidDocument."""
    sums, history = document.get("fsLayers"), document.get("history")
    if not isinstance(sums, list) or not isinstance(history, list) or not sums or len(sums) != len(history):
        raise InvalidDocument("the schema 1 manifest does not name as many layers as build steps")
    if len(sums) > limits.layers:
        raise InvalidDocument(f"the manifest names {len(sums)} layers, more than the {limits.layers} allowed")
    layers: List[Descriptor] = []
    steps: List[Dict[str, Any]] = []
    image: Dict[str, Any] = {}
    for item, described in zip(reversed(sums), reversed(history)):
        image = _image(described, limits)
        thrown_away = image.get("throwaway") is True
        steps.append(_step(image, thrown_away))
        if not thrown_away:
            layers.append(_layer(item))
    return Parts(_config(image, steps), tuple(layers))


def _layer(item: Any) -> Descriptor:
    digest = text_at(item, "blobSum") if isinstance(item, dict) else ""
    problem = digest_problem(digest)
    if problem:
        raise InvalidDocument(f"a layer of the schema 1 manifest has no usable digest: {problem}")
    return Descriptor(_LAYER_TYPE, digest, UNKNOWN_SIZE, {})


def _image(described: Any, limits: Limits) -> Dict[str, Any]:
    text = text_at(described, "v1Compatibility") if isinstance(described, dict) else ""
    body = text.encode("utf-8", "surrogatepass")
    return load_object(body, "history of the schema 1 manifest", limits=limits)


def _step(image: Dict[str, Any], thrown_away: bool) -> Dict[str, Any]:
    ran = image.get("container_config")
    command = texts_of(ran.get("Cmd")) if isinstance(ran, dict) else ()
    step: Dict[str, Any] = {
        "created": text_at(image, "created"),
        "created_by": " ".join(command),
        "comment": text_at(image, "comment"),
    }
    return dict(step, empty_layer=True) if thrown_away else step


def _config(newest: Dict[str, Any], steps: List[Dict[str, Any]]) -> Descriptor:
    config = {key: newest[key] for key in _CONFIG_KEYS if key in newest}
    config["rootfs"] = {"type": "layers", "diff_ids": []}  # nobody states them
    config["history"] = steps
    try:
        body = json.dumps(config).encode()
    except RecursionError:
        raise InvalidDocument("the history of the schema 1 manifest is nested too deeply") from None
    return Descriptor(CONFIG_TYPES[1], digest_of(body), len(body), {}, data=body)
