"""An image, its platforms and its build steps as text."""

from __future__ import annotations

from typing import List, Optional, Sequence

from ..escaping import human_size, one_line, printable
from ..oci.image import Candidate, Image


def image_summary(image: Image) -> str:
    """Return one line: name, platform or artifact type, digest, count and size of layers."""
    platform = image.manifest.kind or (str(image.platform) if image.platform else "unknown platform")
    layers = f"{len(image.layers)} layer{'' if len(image.layers) == 1 else 's'}"
    name = printable(str(image.reference))
    return f"Image {name}  {printable(platform)}  {image.document.digest}  {layers}, {human_size(image.size)}"


def step_lines(image: Image) -> List[str]:
    """Return one line a build step, oldest first, each with the layer it made."""
    if image.config is None:
        return ["  (not known)" if image.manifest.is_image else "  (an artifact: it has no build steps)"]
    steps = image.config.steps
    if not steps:
        return ["  (the image states none)"]
    lines = []
    for number, step in enumerate(steps):
        text = one_line(step.created_by or step.comment) or "(no command recorded)"
        lines.append(f"  {number:>3}. {_mark(step.layer, image.config.history_fits)} {text}")
    if not image.config.history_fits:
        lines.append(
            f"  (the history does not match the {len(image.layers)} layers, so steps and layers are not paired)"
        )
    return lines


def _mark(layer: Optional[int], fits: bool) -> str:
    if not fits:
        return "[?]"
    return "[metadata only]" if layer is None else f"[layer {layer}]"


def platform_lines(items: Sequence[Candidate]) -> List[str]:
    """Return the numbered choice of platforms."""
    lines = []
    for number, item in enumerate(items):
        name = str(item.platform) if item.platform else "unknown platform"
        if item.platform and item.platform.os_version:
            name += " (" + item.platform.os_version + ")"
        size = "" if item.descriptor is None else "  " + item.descriptor.digest[:19]
        lines.append(f"  [{number}] {printable(name)}{size}")
    return lines
