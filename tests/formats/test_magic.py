from __future__ import annotations

from typing import Dict

import pytest

from layerslayer.formats.magic import special_kind

LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"


@pytest.mark.parametrize(
    ("media_type", "annotations", "word"),
    [
        (LAYER, {}, ""),
        ("", {}, ""),
        ("application/octet-stream", {"x": "nydus"}, ""),
        (LAYER, {"containerd.io/snapshot/nydus-bootstrap": "true"}, ""),  # an ordinary tar
        (LAYER + "+encrypted", {}, "encrypted"),
        ("application/vnd.oci.image.layer.nydus.blob.v1", {}, "nydus"),
        (LAYER, {"containerd.io/snapshot/nydus-blob": "true"}, "nydus"),
        ("application/vnd.erofs.layer.v1", {}, "EROFS"),
        ("application/vnd.erofs.layer.v1+zstd", {}, "EROFS"),
        ("application/vnd.erofs", {}, "EROFS"),
        ("application/vnd.oci.image.layer.v1.erofs", {}, "EROFS"),
        ("application/vnd.stacker.image.layer.squashfs+zstd+verity", {}, "SquashFS"),
        ("application/vnd.example.erofsish", {}, ""),
    ],
)
def test_layers_that_are_no_tar_are_named(media_type: str, annotations: Dict[str, str], word: str) -> None:
    said = special_kind(media_type, annotations)
    assert word in said
    assert bool(said) == bool(word)
