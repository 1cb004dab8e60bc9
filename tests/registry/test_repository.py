"""RegistrySource against a registry that redirects, lies, refuses and breaks off."""

from __future__ import annotations

import json

import pytest

from layerslayer.demo.registry import Request, Response, error
from layerslayer.errors import DigestMismatch, InvalidDocument, Unreachable
from layerslayer.limits import DEFAULT
from layerslayer.oci.descriptor import Descriptor
from layerslayer.oci.manifest import parse_manifest
from layerslayer.oci.media_types import DOCKER_LIST, DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST

from ..support.registry import NAME, SCOPE, Normal, Opened, Registry
from ..support.registry.faults import altered, cut, flipped, image_manifest, unframed, with_headers
from ..support.registry.fetching import at_once, descriptor, fetched, first_layer


@pytest.mark.parametrize("challenge", [False, True], ids=["open", "token"])
def test_a_manifest_by_tag_and_by_digest_and_a_blob(challenge: bool) -> None:
    with Registry(challenge=challenge) as registry, Opened(registry) as source:
        by_tag = source.manifest("1.0")
        assert by_tag.digest == registry.store.tags[(NAME, "1.0")]
        assert by_tag.body == registry.store.manifests[by_tag.digest].body
        assert by_tag.media_type == OCI_INDEX
        assert source.manifest(by_tag.digest) == by_tag
        assert fetched(source, first_layer()) == registry.store.blobs[first_layer().digest]


def test_all_manifest_types_are_accepted_and_nothing_compressed() -> None:
    with Registry() as registry, Opened(registry) as source:
        source.manifest("1.0")
        source.blob(first_layer()).close()
        manifest, blob = registry.requests
        accepted = [part.strip() for part in manifest.headers["accept"].split(",")]
        assert {OCI_INDEX, OCI_MANIFEST, DOCKER_LIST, DOCKER_MANIFEST, "*/*"} <= set(accepted)
        assert manifest.headers["accept-encoding"] == blob.headers["accept-encoding"] == "identity"


def test_a_registry_that_hides_what_is_not_accepted_shows_it() -> None:
    def picky(request: Request, normal: Normal) -> Response:
        if OCI_INDEX not in request.headers.get("accept", ""):
            return error(404, "MANIFEST_UNKNOWN", "OCI index found, but Accept header does not support OCI indexes")
        return normal()

    with Registry() as registry, Opened(registry) as source:
        registry.fault("/manifests/", picky)
        assert source.manifest("1.0").media_type == OCI_INDEX


def test_one_token_serves_manifest_config_and_layers() -> None:
    with Registry(challenge=True) as registry, Opened(registry) as source:
        document = image_manifest(registry.store)
        source.manifest("1.0")
        for item in [document["config"], *document["layers"]]:
            fetched(source, descriptor(item["digest"], item["size"]))
        tokens = registry.asked("^/token$")
        assert [request.query["scope"] for request in tokens] == [[SCOPE]]
        assert registry.authorizations("^/v2/").count(None) == 1  # the first request of all


def test_many_threads_share_one_token() -> None:
    with Registry(challenge=True) as registry, Opened(registry) as source:
        results = at_once(12, lambda: fetched(source, first_layer()))
        assert results == [registry.store.blobs[first_layer().digest]] * 12
        assert len(registry.asked("^/token$")) == 1


def test_a_token_that_the_registry_forgot_is_renewed() -> None:
    with Registry(challenge=True) as registry, Opened(registry) as source:
        source.manifest("1.0")
        registry.revoke()
        assert fetched(source, first_layer())
        assert len(registry.asked("^/token$")) == 2


BROKEN_BLOBS = {
    "other bytes": (altered(flipped), DigestMismatch, "not the one its descriptor states"),
    "longer": (altered(lambda body: body + b"x"), DigestMismatch, "larger than"),
    "shorter": (altered(lambda body: body[:-1]), Unreachable, "broke off after"),
    "empty": (altered(lambda body: b""), Unreachable, "broke off after 0 of"),
    "cut": (cut(100), Unreachable, "broke before all data"),
    "cut at once": (cut(0), Unreachable, "broke before all data"),
    "cut and unframed": (unframed(100), Unreachable, "broke off after 100 of"),
}


@pytest.mark.parametrize("case", BROKEN_BLOBS)
def test_a_blob_that_is_not_what_it_should_be(case: str) -> None:
    fault, kind, said = BROKEN_BLOBS[case]
    with Registry() as registry, Opened(registry) as source:
        registry.fault("/blobs/", fault)
        with pytest.raises(kind, match=said):
            fetched(source, first_layer())


def test_an_unframed_blob_that_is_whole_is_fine() -> None:
    with Registry() as registry, Opened(registry) as source:
        registry.fault("/blobs/", unframed(10**9))
        assert fetched(source, first_layer()) == registry.store.blobs[first_layer().digest]


def test_content_encoding_does_not_unpack_a_blob() -> None:
    with Registry() as registry, Opened(registry) as source:
        registry.fault("/blobs/", with_headers(Content_Encoding="gzip"))
        assert fetched(source, first_layer()) == registry.store.blobs[first_layer().digest]


def test_a_manifest_with_another_digest_is_refused() -> None:
    with Registry() as registry, Opened(registry) as source:
        registry.fault("/manifests/sha256:", altered(lambda body: body + b" "))
        with pytest.raises(DigestMismatch, match="does not have that digest"):
            source.manifest(registry.store.tags[(NAME, "1.0")])


def test_a_wrong_digest_header_for_a_tag_is_told_and_the_body_counts() -> None:
    opened = None
    with Registry() as registry:
        registry.fault("/manifests/", with_headers(Docker_Content_Digest="sha256:" + "0" * 64))
        opened = Opened(registry)
        with opened as source:
            assert source.manifest("1.0").digest == registry.store.tags[(NAME, "1.0")]
    assert len(opened.warnings) == 1
    assert "sha256:" + "0" * 64 in opened.warnings[0]


def test_a_manifest_that_is_too_large_is_not_read_whole() -> None:
    with Registry() as registry, Opened(registry) as source:
        registry.fault("/manifests/", Response(200, {"Content-Length": ""}, b" " * (DEFAULT.document + 1)))
        with pytest.raises(InvalidDocument, match="larger than"):
            source.manifest("1.0")
        known = Descriptor(OCI_MANIFEST, "sha256:" + "0" * 64, DEFAULT.document + 1, {})
        before = len(registry.requests)
        with pytest.raises(InvalidDocument, match="larger than"):
            source.manifest(known.digest, known)
        assert len(registry.requests) == before


def test_inline_data_saves_the_request() -> None:
    with Registry() as registry, Opened(registry) as source:
        known = Descriptor(OCI_MANIFEST, "sha256:" + "0" * 64, 2, {}, data=b"{}")
        assert source.manifest(known.digest, known).body == b"{}"
        assert source.blob(known).read(9) == b"{}"
        assert registry.requests == []


def test_the_registry_may_warn() -> None:
    with Registry() as registry:
        registry.fault("/manifests/", with_headers(Warning='299 - "this image \x1b[31mends"'))
        opened = Opened(registry)
        with opened as source:
            source.manifest("1.0")
        assert len(opened.warnings) == 1
        assert "this image" in opened.warnings[0]


def test_the_content_decides_what_a_document_is() -> None:
    with Registry() as registry, Opened(registry) as source:
        registry.fault("/manifests/", with_headers(Content_Type="text/plain; charset=utf-8"))
        document = source.manifest("1.0")
        assert document.media_type == "text/plain"
        parsed = parse_manifest(document.body, document.media_type)
        assert json.loads(document.body.decode())["mediaType"] == parsed.media_type == OCI_INDEX
