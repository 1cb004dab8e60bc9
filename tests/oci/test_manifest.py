from __future__ import annotations

import base64
import hashlib
import json
from typing import Any, Dict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from layerslayer.errors import InvalidDocument
from layerslayer.limits import DEFAULT
from layerslayer.oci.config import parse_config
from layerslayer.oci.json_document import load_object
from layerslayer.oci.manifest import Index, Manifest, parse_manifest
from layerslayer.oci.media_types import OCI_INDEX, OCI_MANIFEST

DIGEST = "sha256:" + "a" * 64
CONFIG = {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": DIGEST, "size": 2}
IMAGE: Dict[str, Any] = {"schemaVersion": 2, "config": CONFIG, "layers": [{"digest": DIGEST, "size": 7}]}
INDEX: Dict[str, Any] = {"schemaVersion": 2, "manifests": [{"digest": DIGEST, "size": 7}]}


def parse(document: Any, content_type: str = "") -> Any:
    return parse_manifest(json.dumps(document).encode(), content_type)


def test_an_artifact_manifest_of_the_draft() -> None:
    kind = "application/vnd.oci.artifact.manifest.v1+json"
    document = {"mediaType": kind, "artifactType": "a/b", "blobs": [{"digest": DIGEST, "size": 7}]}
    for parsed in (parse(document), parse({key: document[key] for key in ("artifactType", "blobs")}, kind)):
        assert isinstance(parsed, Manifest) and not parsed.is_image
        assert (parsed.kind, [layer.size for layer in parsed.layers]) == ("a/b", [7])
    with pytest.raises(InvalidDocument):
        parse(dict(document, layers=[]))


def test_a_web_page_in_place_of_a_manifest_is_called_one() -> None:
    with pytest.raises(InvalidDocument) as refused:
        parse_manifest(b"\n<html>Log in</html>")
    assert "web page" in refused.value.hint


def test_the_content_decides_the_kind() -> None:
    assert isinstance(parse(IMAGE), Manifest)
    assert isinstance(parse(IMAGE, "text/plain"), Manifest)
    assert isinstance(parse(INDEX), Index)
    assert isinstance(parse({"schemaVersion": 2}, OCI_INDEX), Index)


@pytest.mark.parametrize(
    ("document", "word"),
    [
        (dict(IMAGE, **INDEX), "CVE-2021-41190"),
        (dict(INDEX, fsLayers=[]), "CVE-2021-41190"),
        (dict(IMAGE, mediaType=OCI_INDEX), "contradicts"),
        ({"schemaVersion": 1, "fsLayers": []}, "schema 1"),
        (dict(IMAGE, fsLayers=[]), "CVE-2021-41190"),
        ({"mediaType": OCI_MANIFEST, "fsLayers": []}, "contradicts"),
        ({}, "neither"),
        ([], "not a JSON object"),
        (dict(IMAGE, config=3), "not a descriptor"),
        (dict(IMAGE, layers={}), "not a list"),
        (dict(IMAGE, layers=[CONFIG] * 1001), "more than"),
        (dict(IMAGE, config=dict(CONFIG, digest="sha256:../../x")), "digest"),
        (dict(IMAGE, config=dict(CONFIG, digest="blake3:" + "a" * 64)), "not supported"),
    ],
)
def test_what_cannot_be_trusted_is_refused(document: Any, word: str) -> None:
    with pytest.raises(InvalidDocument, match=word):
        parse(document)


@pytest.mark.parametrize("size", [-1, True, 1.5, "7", None, 2**63, 10**50])
def test_sizes_are_checked(size: Any) -> None:
    with pytest.raises(InvalidDocument, match="size"):
        parse(dict(IMAGE, config=dict(CONFIG, size=size)))


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 200000,
        b'{"a":' * 200000,
        b"\xff",
        b"{",
        b" " * (DEFAULT.document + 1),
        b'{"layers":1,"layers":2}',
        b"9" * 10**6,
        b'{"annotations":{"a":NaN}}',
        b'{"annotations":{"a":-Infinity}}',
        b'{"annotations":{"a":1e400}}',
        b'{"a":[-1.5E+999]}',
    ],
)
def test_hostile_json_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidDocument):
        load_object(body, "manifest")


def test_inline_data_counts_only_when_it_matches() -> None:
    right = {
        "digest": "sha256:" + hashlib.sha256(b"{}").hexdigest(),
        "size": 2,
        "data": base64.b64encode(b"{}").decode(),
    }
    assert parse(dict(IMAGE, config=right)).config.data == b"{}"
    for wrong in (dict(right, data="e30"), dict(right, digest=DIGEST), dict(right, size=3), dict(right, data=5)):
        assert parse(dict(IMAGE, config=wrong)).config.data is None


def test_steps_are_paired_with_the_layers_they_made() -> None:
    history = [{"created_by": "A"}, {"created_by": "B", "empty_layer": True}, {"created_by": "C"}]
    body = json.dumps({"os": "linux", "architecture": "arm64", "history": history}).encode()
    config = parse_config(body, 2)
    assert [step.layer for step in config.steps] == [0, None, 1]
    assert str(config.platform) == "linux/arm64"
    made = config.step_of(1)
    assert made is not None
    assert made.created_by == "C"
    unpaired = parse_config(body, 3)
    assert not unpaired.history_fits
    assert unpaired.step_of(0) is None
    assert len(unpaired.steps) == 3


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just(DIGEST),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["manifests", "layers", "config", "digest", "size", "mediaType", "platform", "annotations", "history"]
            ),
            inner,
            max_size=6,
        )
    ),
    max_leaves=20,
)


@settings(max_examples=200, deadline=None)
@given(JSON)
def test_any_json_is_parsed_or_refused(document: Any) -> None:
    body = json.dumps(document).encode()
    for parser in (parse_manifest, lambda text: parse_config(text, 1)):
        try:
            parser(body)
        except InvalidDocument:
            pass
