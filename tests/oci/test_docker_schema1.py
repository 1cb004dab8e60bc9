"""Docker manifest schema 1, as values; tests/scenarios/test_schema1.py lists and saves such images."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Dict, List

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from layerslayer.errors import InvalidDocument
from layerslayer.oci.config import parse_config
from layerslayer.oci.descriptor import UNKNOWN_SIZE, digest_of
from layerslayer.oci.docker_schema1 import signed_payload
from layerslayer.oci.manifest import Manifest, parse_manifest

from ..support.registry.schema1 import base64url, document, signature, signed

SUMS = ["sha256:" + letter * 64 for letter in "abc"]
IMAGES: List[Dict[str, Any]] = [
    {"created": "2015-01-01T00:00:00Z", "container_config": {"Cmd": ["/bin/sh", "-c", "#(nop) ADD x in /"]}},
    {"container_config": {"Cmd": ["/bin/sh", "-c", "#(nop) CMD [sh]"]}, "throwaway": True},
    {"comment": "last", "os": "linux", "architecture": "arm", "author": "Ada", "id": "x", "config": {"User": "app"}},
]
PAYLOAD = json.dumps(document(SUMS, IMAGES), indent=3).encode()


def parsed(body: Dict[str, Any], content_type: str = "") -> Manifest:
    manifest = parse_manifest(json.dumps(body).encode(), content_type)
    assert isinstance(manifest, Manifest)
    return manifest


def test_layers_come_oldest_first_and_without_the_empty_ones() -> None:
    manifest = parsed(document(SUMS, IMAGES))
    assert [layer.digest for layer in manifest.layers] == [SUMS[0], SUMS[2]]
    assert {layer.size for layer in manifest.layers} == {UNKNOWN_SIZE}
    assert manifest.is_schema1 and manifest.is_image and manifest.kind == ""


def test_the_config_is_made_of_the_history() -> None:
    manifest = parsed(document(SUMS, IMAGES))
    data = manifest.config.data
    assert data is not None
    assert (manifest.config.digest, manifest.config.size) == (digest_of(data), len(data))
    config = parse_config(data, len(manifest.layers))
    assert config.history_fits
    assert [(step.layer, step.created_by, step.comment) for step in config.steps] == [
        (0, "/bin/sh -c #(nop) ADD x in /", ""),
        (None, "/bin/sh -c #(nop) CMD [sh]", ""),
        (1, "", "last"),
    ]
    assert (str(config.platform), config.author, config.execution.user) == ("linux/arm", "Ada", "app")
    assert "id" not in json.loads(data.decode())


def test_a_manifest_that_skopeo_signed() -> None:
    body = (Path(__file__).parents[1] / "support" / "registry" / "signed_schema1.json").read_bytes()
    payload = signed_payload(body)
    # as `skopeo manifest-digest` computes it
    assert digest_of(payload) == "sha256:d2f5a8f362d132c46317c9dc869a6dc0d937090a27a1012d2e4c47b922c1337e"
    assert len(parsed(json.loads(payload.decode())).layers) == 1


def test_signatures_are_taken_off() -> None:
    assert signed_payload(signed(PAYLOAD)) == PAYLOAD
    assert signed_payload(signed(PAYLOAD, [signature(len(PAYLOAD) - 2, b"\n}")] * 2)) == PAYLOAD
    more = signed(PAYLOAD).replace(b',\n   "signatures"', b',\n   "layers": [], "signatures"')
    assert signed_payload(more) == PAYLOAD  # what no digest covers is not passed on


@pytest.mark.parametrize(
    "body",
    [
        PAYLOAD,
        b'{"schemaVersion": 2, "signatures": [{}]}',
        b'{"schemaVersion": 1, "signatures": []}',
        b'{"schemaVersion": 1, "signatures": {}}',
        b"",
        b"no JSON",
    ],
)
def test_what_is_not_signed_stays_as_it_is(body: bytes) -> None:
    assert signed_payload(body) is body


WRONG_SIGNATURES: Dict[str, List[Any]] = {
    "disagree": [signature(5, b"a"), signature(5, b"b")],
    "one is none": [signature(5, b"a"), 3],
    "no form": [{}],
    "no base64": [{"protected": "\u00e9!"}],
    "no JSON": [{"protected": base64url(b"x")}],
    "no length": [{"protected": base64url(b"{}")}],
    "too long": [signature(10**6, b"")],
    "negative": [signature(-1, b"")],
    "zero": [signature(0, b"x")],
    "too many": [signature(5, b"a")] * 17,
    "bad tail": [{"protected": base64url(b'{"formatLength": 5, "formatTail": "a"}')}],
}


@pytest.mark.parametrize("case", WRONG_SIGNATURES)
def test_signatures_that_cannot_be_taken_off(case: str) -> None:
    with pytest.raises(InvalidDocument):
        signed_payload(signed(PAYLOAD, WRONG_SIGNATURES[case]))


WRONG: Dict[str, Dict[str, Any]] = {
    "more layers than steps": {"fsLayers": [{"blobSum": SUMS[0]}] * 4},
    "no history": {"history": None},
    "no list": {"history": {"v1Compatibility": "{}"}},
    "no layers": {"fsLayers": [], "history": []},
    "too many": {"fsLayers": [{"blobSum": SUMS[0]}] * 1001, "history": [{"v1Compatibility": "{}"}] * 1001},
    "bad digest": {"fsLayers": [{"blobSum": "sha256:../x"}] * 3},
    "no digest": {"fsLayers": [3] * 3},
    "no text": {"history": [{"v1Compatibility": {}}] * 3},
    "no JSON": {"history": [{"v1Compatibility": "{"}] * 3},
    "no object": {"history": [{"v1Compatibility": "[]"}] * 3},
    "deep": {"history": [{"v1Compatibility": '{"config":' * 100000}] * 3},
    "surrogate": {"history": [{"v1Compatibility": "{\ud800}"}] * 3},
    "also an image": {"config": {"digest": SUMS[0], "size": 1}},
    "also an index": {"manifests": []},
    "of a newer schema": {"schemaVersion": 2},
    "called an image": {"mediaType": "application/vnd.oci.image.manifest.v1+json"},
    "called an index": {"mediaType": "application/vnd.oci.image.index.v1+json"},
}


@pytest.mark.parametrize("case", WRONG)
def test_what_cannot_be_trusted_is_refused(case: str) -> None:
    with pytest.raises(InvalidDocument):
        parsed(dict(document(SUMS, IMAGES), **WRONG[case]))


def test_an_image_that_says_schema_1_is_refused() -> None:
    config = {"digest": SUMS[0], "size": 1}
    with pytest.raises(InvalidDocument, match="schemaVersion"):
        parsed({"schemaVersion": 1, "config": config, "layers": []})


def test_a_config_that_was_nearly_too_deep_is_read_or_refused() -> None:
    for depth in (50, 900, 990, 2000, 20000):
        text = '{"config":' + "[" * depth + "]" * depth + "}"
        try:
            parsed(dict(document(SUMS[:1], []), history=[{"v1Compatibility": text}]))
        except InvalidDocument:
            pass


ANY = st.recursive(
    st.none() | st.integers() | st.text(max_size=3) | st.sampled_from([*SUMS, "{}", '{"throwaway":true}']),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["blobSum", "v1Compatibility", "protected"]), inner, max_size=3)
    ),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(st.sampled_from(["fsLayers", "history", "signatures"]), ANY))
def test_any_document_is_parsed_or_refused(parts: Dict[str, Any]) -> None:
    body = json.dumps(dict(parts, schemaVersion=1)).encode()
    try:
        manifest = parse_manifest(signed_payload(body))
    except InvalidDocument:
        return
    assert isinstance(manifest, Manifest)
    assert manifest.config.data is not None
    assert parse_config(manifest.config.data, len(manifest.layers)).history_fits
