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
        f"{number:>{width}}. {utc(step.created):16}  {_made(image, step)}  {command_of(step)}"
        for number, step in enumerate(steps)
    ]
    if not image.config.history_fits:
        lines.append(unpaired(image))
    return lines


def unpaired(image: Image) -> str:
    """Return the sentence for a history that does not match the layers."""
    return f"(the history does not match the {len(image.layers)} layers, so steps and layers are not paired)"


def command_of(step: Step) -> str:
    """Return a step's instruction on one line, without what builders wrap it in."""
    instruction = parse_created_by(step.created_by)
    text = one_line(f"{instruction.keyword} {instruction.text}".strip())
    if instruction.arguments:
        text += f"  (with {one_line(instruction.arguments)})"
    return text or one_line(step.comment) or "(no command recorded)"


def _made(image: Image, step: Step) -> str:
    if image.config is not None and not image.config.history_fits:
        made, size = "?", "?"
    elif step.layer is None:
        made, size = "metadata only", "-"
    else:
        made, size = f"layer {step.layer}", human_size(image.layers[step.layer].descriptor.size)
    return f"{made:13}  {size:>9}"
