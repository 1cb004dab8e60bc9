"""Which images a reference leads to, and which one fits, over a source in memory."""

from __future__ import annotations

import io
import json
from typing import Any, BinaryIO, Dict, List, Optional

import pytest

from layerslayer.demo.image import Store, add_image, add_manifest
from layerslayer.demo.shop import demo_store
from layerslayer.errors import InvalidDocument, NotFound, PlatformNotFound
from layerslayer.oci.descriptor import Descriptor, digest_of
from layerslayer.oci.media_types import OCI_INDEX
from layerslayer.oci.platforms import parse_platform
from layerslayer.oci.reference import parse_reference
from layerslayer.oci.source import Document, Source
from layerslayer.sources.resolve import choose, find_candidates, open_image


class Memory(Source):
    def __init__(self, store: Store) -> None:
        self.store = store

    def manifest(self, wanted: str, known: Optional[Descriptor] = None) -> Document:
        digest = wanted if ":" in wanted else self.store.tags[("a/b", wanted)]
        if digest not in self.store.manifests:
            raise NotFound("there is no {}".format(digest))
        stored = self.store.manifests[digest]
        return Document(stored.body, digest_of(stored.body), stored.media_type)

    def blob(self, descriptor: Descriptor) -> BinaryIO:
        return io.BytesIO(self.store.blobs[descriptor.digest])

    def blob_range(self, descriptor: Descriptor, start: int, length: int) -> BinaryIO:
        return io.BytesIO(self.store.blobs[descriptor.digest][start : start + length])

    def requests_made(self) -> int:
        return 0

    def close(self) -> None:
        pass


REFERENCE = parse_reference("localhost/a/b:t")


def index_of(store: Store, entries: List[Dict[str, Any]]) -> Dict[str, Any]:
    described = add_manifest(store, {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries})
    store.tags[("a/b", "t")] = described["digest"]
    return described


def image_for(store: Store, arch: str) -> Dict[str, Any]:
    return add_image(store, [bytes(1024)], {"os": "linux", "architecture": arch})


def platforms(store: Store) -> List[str]:
    return [str(item.platform) for item in find_candidates(Memory(store), REFERENCE).items]


def test_attestations_are_hidden_and_the_fitting_image_is_chosen() -> None:
    store = demo_store()
    store.tags[("a/b", "t")] = next(iter(store.tags.values()))
    assert platforms(store) == ["linux/amd64", "linux/arm64/v8"]
    source = Memory(store)
    candidates = find_candidates(source, REFERENCE)
    image = open_image(source, REFERENCE, choose(candidates, parse_platform("linux/arm64"), True))
    assert str(image.platform) == "linux/arm64"
    assert [layer.step is not None for layer in image.layers] == [True] * 4
    with pytest.raises(PlatformNotFound, match="only for linux/amd64, linux/arm64/v8"):
        choose(candidates, parse_platform("windows/amd64"), True)


def test_soci_entries_are_hidden() -> None:
    store = Store({}, {}, {})
    soci = dict(image_for(store, "arm64"), artifactType="application/vnd.amazon.soci.index.v2+json")
    index_of(store, [soci, dict(image_for(store, "amd64"), platform={"os": "linux", "architecture": "amd64"})])
    assert platforms(store) == ["linux/amd64"]


def test_an_entry_without_platform_tells_it_by_its_config() -> None:
    store = Store({}, {}, {})
    index_of(store, [image_for(store, "riscv64")])
    assert platforms(store) == ["linux/riscv64"]


def test_nested_indexes_are_followed_and_bounded() -> None:
    store = Store({}, {}, {})
    inner = index_of(store, [dict(image_for(store, "s390x"), platform={"os": "linux", "architecture": "s390x"})])
    index_of(store, [inner, inner])
    assert platforms(store) == ["linux/s390x"]
    for _ in range(4):
        inner = index_of(store, [inner])
    index_of(store, [inner])
    with pytest.raises(InvalidDocument, match="deep"):
        platforms(store)


def test_an_index_without_images() -> None:
    store = Store({}, {}, {})
    index_of(store, [])
    with pytest.raises(InvalidDocument, match="no image"):
        platforms(store)


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
