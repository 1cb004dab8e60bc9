"""Ready-made answers for ``Registry.fault``, and small images to serve."""

from __future__ import annotations

import hashlib
import json
from typing import Any, Callable, Dict, List, Sequence

from layerslayer.demo.image import Member, Store, add_image, add_manifest, tar_of
from layerslayer.demo.registry import Request, Response
from layerslayer.oci.media_types import OCI_MANIFEST

from . import NAME, STALL, Answer, Normal, Registry

HTML = b"<html><body>Go away\x1b[31m</body></html>"


def redirect(url: str, status: int = 307) -> Response:
    """Send the client on to ``url``."""
    return Response(status, {"Location": url})


def redirect_to(other: Registry, query: str = "") -> Answer:
    """Send the client on to the same path of another server."""
    return lambda request, normal: redirect(other.url + request.path + query)


def altered(change: Callable[[bytes], bytes]) -> Answer:
    """The normal answer with another body, of an honest length."""

    def answer(request: Request, normal: Normal) -> Response:
        response = normal()
        return response._replace(body=change(response.body))

    return answer


def flipped(body: bytes) -> bytes:
    """``body`` with its middle byte changed."""
    middle = len(body) // 2
    return body[:middle] + bytes([body[middle] ^ 0x55]) + body[middle + 1 :]


def with_headers(**pairs: str) -> Answer:
    """The normal answer with more headers (``Set_Cookie="a=b"``)."""
    more = {name.replace("_", "-"): value for name, value in pairs.items()}

    def answer(request: Request, normal: Normal) -> Response:
        response = normal()
        return response._replace(headers=dict(response.headers, **more))

    return answer


def cut(count: int) -> Answer:
    """The blob's first ``count`` bytes only, of a body whose Content-Length promises all of it."""

    def answer(request: Request, normal: Normal) -> Response:
        response = normal()
        length = {"Content-Length": str(len(response.body))}
        body = response.body[: max(0, count - first_byte(request))]
        return response._replace(headers=dict(response.headers, **length), body=body)

    return answer


def unframed(count: int) -> Answer:
    """The blob's first ``count`` bytes without any Content-Length; the connection then ends."""

    def answer(request: Request, normal: Normal) -> Response:
        response = normal()
        body = response.body[: max(0, count - first_byte(request))]
        return response._replace(headers=dict(response.headers, **{"Content-Length": ""}), body=body)

    return answer


def first_byte(request: Request) -> int:
    """Where the part begins that a request asks for; 0 when it asks for all."""
    return int(request.headers.get("range", "bytes=0-").partition("=")[2].partition("-")[0])


def stalled(count: int) -> Answer:
    """The first ``count`` bytes, then silence on an open connection."""

    def answer(request: Request, normal: Normal) -> Response:
        response = normal()
        more = {"Content-Length": str(len(response.body)), STALL: "1"}
        return response._replace(headers=dict(response.headers, **more), body=response.body[:count])

    return answer


def challenged(header: str, *unless: str) -> Answer:
    """401 with this WWW-Authenticate, except for requests that bear one of the tokens ``unless``."""

    def answer(request: Request, normal: Normal) -> Response:
        if request.headers.get("authorization", "").partition(" ")[2] in unless:
            return normal()
        return Response(401, {"WWW-Authenticate": header} if header else {}, b"{}")

    return answer


def token_body(document: Any) -> Response:
    """What a token service says."""
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return Response(200, {"Content-Type": "application/json"}, body)


def layer_digests(store: Store, arch: str = "amd64") -> List[str]:
    """The digests of the demo image's layers, in order."""
    return [layer["digest"] for layer in image_manifest(store, arch)["layers"]]


def image_manifest(store: Store, arch: str = "amd64") -> Dict[str, Any]:
    """The demo image's manifest, parsed."""
    index = json.loads(store.manifests[store.tags[(NAME, "1.0")]].body.decode())
    for entry in index["manifests"]:
        if entry["platform"]["architecture"] == arch:
            return dict(json.loads(store.manifests[entry["digest"]].body.decode()))
    raise LookupError(arch)


def single_image(members: Sequence[Sequence[Member]], config: Any = None) -> Store:
    """A store with one image without index, tagged 1.0; one layer for each list of members."""
    store = Store({}, {}, {})
    entry = add_image(
        store, [tar_of(layer) for layer in members], dict(config or {"os": "linux", "architecture": "amd64"})
    )
    store.tags[(NAME, "1.0")] = entry["digest"]
    return store


def artifact(body: bytes = b'{"hello": "world"}') -> Store:
    """A store with an artifact, tagged 1.0, whose one layer is no tar."""
    store = Store({}, {}, {})
    described = []
    for media_type, blob in (("application/vnd.example.config+json", b"{}"), ("application/json", body)):
        digest = "sha256:" + hashlib.sha256(blob).hexdigest()
        store.blobs[digest] = blob
        described.append({"mediaType": media_type, "digest": digest, "size": len(blob)})
    entry = add_manifest(
        store, {"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": described[0], "layers": described[1:]}
    )
    store.tags[(NAME, "1.0")] = entry["digest"]
    return store


def blobs_image(blobs: Sequence[bytes], media_type: str = "application/vnd.oci.image.layer.v1.tar+gzip") -> Store:
    """A store with an image, tagged 1.0, whose layers are these very bytes."""
    store = single_image([])
    document = json.loads(store.manifests[store.tags[(NAME, "1.0")]].body.decode())
    for blob in blobs:
        digest = "sha256:" + hashlib.sha256(blob).hexdigest()
        store.blobs[digest] = blob
        document["layers"].append({"mediaType": media_type, "digest": digest, "size": len(blob)})
    store.tags[(NAME, "1.0")] = add_manifest(store, document)["digest"]
    return store


def any_of(digests: Sequence[str]) -> str:
    """A pattern for requests of these blobs."""
    return "/blobs/(?:" + "|".join(digests) + ")"
