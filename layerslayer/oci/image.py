"""One platform's image: its manifest and config, its layers named. Values only."""

from __future__ import annotations

from typing import NamedTuple, Optional, Tuple

from .config import Config, Step
from .descriptor import UNKNOWN_SIZE, Descriptor, Platform
from .manifest import Manifest
from .reference import Target
from .source import Document


class Candidate(NamedTuple):
    """An image that a reference leads to, not yet fetched (or, from a single manifest, fetched)."""

    platform: Optional[Platform]
    descriptor: Optional[Descriptor]
    document: Optional[Document]


class Candidates(NamedTuple):
    """All images behind a reference; ``multi`` when an index led to them."""

    reference: Target
    items: Tuple[Candidate, ...]
    multi: bool


class Layer(NamedTuple):
    """One layer of an image, with the build step that made it where the history says so."""

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
