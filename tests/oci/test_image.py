"""One image opened, and its layers named."""

from __future__ import annotations

import json
from typing import List

import pytest

from layerslayer.demo.image import Store, add_manifest
from layerslayer.errors import PlatformNotFound, UsageError
from layerslayer.oci.descriptor import Descriptor
from layerslayer.oci.image import Layer
from layerslayer.oci.layer_selection import select_layers
from layerslayer.oci.platforms import parse_platform
from layerslayer.sources.resolve import find_candidates, open_image

from ..sources.test_resolve import REFERENCE, Memory, image_for


def test_a_single_image_of_another_platform_is_refused_when_one_was_asked_for() -> None:
    store = Store({}, {}, {})
    store.tags[("a/b", "t")] = image_for(store, "arm64")["digest"]
    source = Memory(store)
    (candidate,) = find_candidates(source, REFERENCE).items
    assert str(open_image(source, REFERENCE, candidate).platform) == "linux/arm64"
    with pytest.raises(PlatformNotFound, match="only for linux/arm64"):
        open_image(source, REFERENCE, candidate, parse_platform("linux/amd64"))


def test_an_artifact_has_layers_and_no_config() -> None:
    store = Store({"sha256:" + "b" * 64: b"x"}, {}, {})
    empty = {"mediaType": "application/vnd.oci.empty.v1+json", "digest": "sha256:" + "a" * 64, "size": 2}
    layer = {"mediaType": "application/x-thing", "digest": "sha256:" + "b" * 64, "size": 1}
    kind = "application/vnd.oci.image.manifest.v1+json"
    document = {
        "schemaVersion": 2,
        "mediaType": kind,
        "artifactType": "application/x-art",
        "config": empty,
        "layers": [layer],
    }
    store.tags[("a/b", "t")] = add_manifest(store, document)["digest"]
    source = Memory(store)
    image = open_image(source, REFERENCE, find_candidates(source, REFERENCE).items[0])
    assert (image.config, image.manifest.kind, len(image.layers)) == (None, "application/x-art", 1)
    assert json.loads(image.document.body.decode())["artifactType"] == "application/x-art"


LAYERS = [
    Layer(number, Descriptor("", "sha256:" + start.ljust(64, "0"), 1, {}), None)
    for number, start in enumerate(["abcd1", "abcd2", "9999"])
]


@pytest.mark.parametrize(
    ("words", "numbers"),
    [
        ([], [0, 1, 2]),
        (["ALL"], [0, 1, 2]),
        ([""], [0, 1, 2]),
        (["2,0"], [0, 2]),
        (["0-1"], [0, 1]),
        (["1", "1", "1-2"], [1, 2]),
        (["abcd2"], [1]),
        (["sha256:9999"], [2]),
        (["9999"], [2]),
        (["ABCD1" + "0" * 59], [0]),
    ],
)
def test_layers_are_named_in_many_ways(words: List[str], numbers: List[int]) -> None:
    assert [layer.number for layer in select_layers(LAYERS, words)] == numbers


@pytest.mark.parametrize("word", ["3", "1-3", "2-1", "-1", "x", "abcd", "abc", "\u00b2", "1-", "0x1", "12345678901234"])
def test_what_names_no_layer_is_told(word: str) -> None:
    with pytest.raises(UsageError):
        select_layers(LAYERS, [word])
