"""How an image was built: one line a step, oldest first::

0. 2026-01-15 09:30  layer 0          29.7 MB  ADD rootfs.tar.gz /
1. 2026-01-15 09:30  metadata only          -  CMD ["/bin/sh"]
"""

from __future__ import annotations

from typing import List

from ..escaping import human_size, one_line
from ..oci.config import Step
from ..oci.image import Image
from ..oci.instructions import parse_created_by
from .times import utc

NO_STEPS = "(an artifact: it has no build steps)"
NONE_STATED = "(the image states no build steps)"


def history_lines(image: Image) -> List[str]:
    """Return one line a build step: when (UTC), the layer it made and its stored size, the command."""
    if image.config is None:
        return [NO_STEPS]
    steps = image.config.steps
    if not steps:
        return [NONE_STATED]
    width = len(str(len(steps) - 1))
    lines = [
        "{:>{}}. {:16}  {}  {}".format(number, width, utc(step.created), _made(image, step), command_of(step))
        for number, step in enumerate(steps)
    ]
    if not image.config.history_fits:
        lines.append(unpaired(image))
    return lines


def unpaired(image: Image) -> str:
    """Return the sentence for a history that does not match the layers."""
    return "(the history does not match the {} layers, so steps and layers are not paired)".format(len(image.layers))


def command_of(step: Step) -> str:
    """Return a step's instruction on one line, without what builders wrap it in."""
    instruction = parse_created_by(step.created_by)
    text = one_line("{} {}".format(instruction.keyword, instruction.text).strip())
    if instruction.arguments:
        text += "  (with {})".format(one_line(instruction.arguments))
    return text or one_line(step.comment) or "(no command recorded)"


def _made(image: Image, step: Step) -> str:
    if image.config is not None and not image.config.history_fits:
        return "{:13}  {:>9}".format("?", "?")
    if step.layer is None:
        return "{:13}  {:>9}".format("metadata only", "-")
    return "{:13}  {:>9}".format("layer {}".format(step.layer), human_size(image.layers[step.layer].descriptor.size))
