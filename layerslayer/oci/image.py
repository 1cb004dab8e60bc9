"""One platform's image, opened: its manifest and config read, its layers named."""

from __future__ import annotations

from typing import Callable, Dict, NamedTuple, Optional, Sequence, Tuple

from ..errors import DigestMismatch, InvalidDocument, LayerslayerError, NotFound, UsageError
from ..formats.decompression_bombs import Beyond
from ..sources.resolve import Candidate, no_platform, read_config
from .config import Config, Step, parse_config
from .descriptor import UNKNOWN_SIZE, Descriptor, Platform
from .manifest import Index, Manifest, parse_manifest
from .platforms import best, normalise
from .reference import Target
from .source import Document, Source


class Layer(NamedTuple):
    """One layer of an image, with the build step that made it where the history tells."""

    number: int
    descriptor: Descriptor
    step: Optional[Step]


class Image(NamedTuple):
    """One platform's image. ``config`` is None for artifacts, ``config_body`` also where the
    registry has none (Docker schema 1)."""

    reference: Target
    document: Document
    manifest: Manifest
    config: Optional[Config]
    config_body: Optional[bytes]
    platform: Optional[Platform]
    layers: Tuple[Layer, ...]

    @property
    def size(self) -> int:
        """Bytes of all layers as stored, each digest once; UNKNOWN_SIZE when one is unknown."""
        sizes = {layer.descriptor.digest: layer.descriptor.size for layer in self.layers}.values()
        return UNKNOWN_SIZE if UNKNOWN_SIZE in sizes else sum(sizes)


class Opening(NamedTuple):
    """What is known of an image when its config is asked for: the steps of its layers are not yet."""

    document: Document
    manifest: Manifest
    layers: Tuple[Layer, ...]


def open_image(
    source: Source,
    reference: Target,
    candidate: Candidate,
    wanted: Optional[Platform] = None,
    soon: Callable[[Opening], Sequence[Layer]] = lambda opening: (),
    without_config: Optional[Callable[[LayerslayerError], None]] = None,
) -> Image:
    """Fetch what is missing of a candidate: its manifest and config.

    ``wanted`` is a platform the user insisted on; a single image of another one
    raises PlatformNotFound. ``soon`` picks those of the layers that will be read
    at once: they are asked for with the config.
    ``without_config``: what is the matter with a config that is missing or
    unreadable is told to it, and the image opened all the same; else it raises.
    """
    document = candidate.document
    if document is None:
        assert candidate.descriptor is not None
        document = source.manifest(candidate.descriptor.digest, candidate.descriptor)
    manifest = parse_manifest(document.body, document.media_type)
    if isinstance(manifest, Index):
        raise InvalidDocument("{} is an index where an image was expected".format(document.digest))
    Beyond.begin_image()
    unnamed = tuple(Layer(number, descriptor, None) for number, descriptor in enumerate(manifest.layers))
    first = soon(Opening(document, manifest, unnamed))
    if first and not (wanted and candidate.descriptor is None):  # that may yet turn out to be the wrong platform
        source.foresee([*([manifest.config] if manifest.is_image else []), *(layer.descriptor for layer in first)])
    body, config = _config(source, manifest, without_config)
    platform = (config.platform if config else None) or candidate.platform
    if wanted and candidate.descriptor is None and platform and best(wanted, [platform], True) is None:
        raise no_platform(reference, wanted, [platform])
    layers = tuple(
        Layer(number, descriptor, config.step_of(number) if config else None)
        for number, descriptor in enumerate(manifest.layers)
    )
    stored = None if manifest.is_schema1 else body
    return Image(reference, document, manifest, config, stored, normalise(platform) if platform else None, layers)


def _config(
    source: Source, manifest: Manifest, without_config: Optional[Callable[[LayerslayerError], None]]
) -> Tuple[Optional[bytes], Optional[Config]]:
    """Return an image's config, as it came and as it was understood; neither where it is told that there is none."""
    if not manifest.is_image:
        return None, None
    try:
        body = read_config(source, manifest.config)
        return body, parse_config(body, len(manifest.layers))
    except (InvalidDocument, NotFound, DigestMismatch) as error:
        if without_config is None:
            raise
        without_config(error)
        return None, None


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
            raise UsageError("There is no layer {}.".format(part), _layer_hint(layers))
    lowered = part.lower()
    found = [layer for layer in layers if lowered in (layer.descriptor.digest, layer.descriptor.hex)]
    if not found and len(lowered.rpartition(":")[2]) >= 4:
        found = [
            layer
            for layer in layers
            if layer.descriptor.digest.startswith(lowered) or layer.descriptor.hex.startswith(lowered)
        ]
        if len({layer.descriptor.digest for layer in found}) > 1:
            raise UsageError("'{}' begins the digest of several layers.".format(part), "Give more digits.")
    if not found:
        raise UsageError("'{}' names no layer.".format(part), _layer_hint(layers))
    return found


def _layer_hint(layers: Sequence[Layer]) -> str:
    if not layers:
        return "The image has no layers."
    return "Give an INDEX from 0 to {}, a range like 0-{}, a digest, or ALL.".format(len(layers) - 1, len(layers) - 1)
