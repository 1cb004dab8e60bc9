"""Words like ``2-5``, a digest or ALL -> the layers of an image that they name. Pure."""

from __future__ import annotations

from typing import Dict, Sequence, Tuple

from ..errors import UsageError
from .image import Layer


def select_layers(layers: Sequence[Layer], words: Sequence[str]) -> Tuple[Layer, ...]:
    """Return the layers that ``words`` name, in image order, each once; all for no words.

    A word is an INDEX, a range ``2-5``, a digest, the start of its hex (4 digits
    or more), or ALL; commas join words. Raises UsageError.
    """
    chosen: Dict[int, Layer] = {}
    parts = [part for word in words for part in word.replace(",", " ").split()]
    for part in parts or ["all"]:
        for layer in _named_by(layers, part):
            chosen[layer.number] = layer
    return tuple(chosen[index] for index in sorted(chosen))


def _named_by(layers: Sequence[Layer], part: str) -> Sequence[Layer]:
    if part.lower() == "all":
        return layers
    first, dash, last = part.partition("-")
    numbers = first.isdecimal() and (last.isdecimal() if dash else True) and len(part) < 10
    if numbers and part.isascii():
        low, high = int(first), int(last or first)
        if low <= high < len(layers):
            return layers[low : high + 1]
        if dash or len(part) < 4:
            raise UsageError(f"There is no layer {part}.", _layer_hint(layers))
    lowered = part.lower()
    found = [layer for layer in layers if lowered in (layer.descriptor.digest, layer.descriptor.hex)]
    if not found and len(lowered.rpartition(":")[2]) >= 4:
        found = [
            layer
            for layer in layers
            if layer.descriptor.digest.startswith(lowered) or layer.descriptor.hex.startswith(lowered)
        ]
        if len({layer.descriptor.digest for layer in found}) > 1:
            raise UsageError(f"'{part}' begins the digest of several layers.", "Give more digits.")
    if not found:
        raise UsageError(f"'{part}' names no layer.", _layer_hint(layers))
    return found


def _layer_hint(layers: Sequence[Layer]) -> str:
    if not layers:
        return "The image has no layers."
    return f"Give an INDEX from 0 to {len(layers) - 1}, a range like 0-{len(layers) - 1}, a digest, or ALL."
