"""Images as values, for the views."""

from __future__ import annotations

import json
from typing import Any, Dict, Optional, Sequence

from layerslayer.oci.config import parse_config
from layerslayer.oci.descriptor import Descriptor
from layerslayer.oci.image import Image, Layer
from layerslayer.oci.manifest import Manifest
from layerslayer.oci.platforms import normalise
from layerslayer.oci.reference import parse_reference
from layerslayer.oci.source import Document

HOSTILE = "a\x1b[31m\u202eb\nc\x9bd"
UNSAFE = frozenset("\x1b\u202e\n\x9b\x07\r")


def made_image(
    config: Optional[Dict[str, Any]], sizes: Sequence[int] = (), annotations: Optional[Dict[str, str]] = None
) -> Image:
    """Return an image of layers of these sizes, whose digests are the layer's number repeated."""
    layers = [Descriptor("", "sha256:" + str(number) * 64, size, {}) for number, size in enumerate(sizes)]
    kind = "application/vnd.oci.image.config.v1+json" if config is not None else "application/x-chart"
    manifest = Manifest("", Descriptor(kind, "sha256:" + "c" * 64, 2, {}), tuple(layers), annotations or {})
    parsed = parse_config(json.dumps(config).encode(), len(layers)) if config is not None else None
    platform = parsed.platform if parsed else None
    return Image(
        parse_reference("localhost/a/b:t"),
        Document(b"{}", "sha256:" + "d" * 64, ""),
        manifest,
        parsed,
        None,
        normalise(platform) if platform else None,
        tuple(Layer(number, layer, parsed.step_of(number) if parsed else None) for number, layer in enumerate(layers)),
    )


def is_safe(lines: Sequence[str]) -> bool:
    """Whether nothing in the lines could steer a terminal."""
    return not UNSAFE & set("".join(lines))
