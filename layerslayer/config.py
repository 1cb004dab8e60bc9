"""bytes -> Config: how an image was built (OCI image-spec ``config.md``)."""

from __future__ import annotations

from typing import Any, List, NamedTuple, Optional, Tuple

from .descriptors import Platform, parse_platform_object
from .documents import load_object, text_at


class Step(NamedTuple):
    """One build step of the history. ``layer`` is the index it made, None for metadata only."""

    created: str
    created_by: str
    comment: str
    layer: Optional[int]


class Config(NamedTuple):
    """What Layerslayer needs of an image config. ``history_fits`` is False when
    the history's count of layers differs from the manifest's."""

    platform: Optional[Platform]
    created: str
    steps: Tuple[Step, ...]
    history_fits: bool

    def step_of(self, layer: int) -> Optional[Step]:
        """Return the step that made layer ``layer``, where the history tells."""
        if self.history_fits:
            for step in self.steps:
                if step.layer == layer:
                    return step
        return None


def _steps(history: Any) -> Tuple[Step, ...]:
    steps: List[Step] = []
    made = 0
    for item in history if isinstance(history, list) else ():
        if not isinstance(item, dict):
            continue
        layer = None
        if item.get("empty_layer") is not True:
            layer = made
            made += 1
        steps.append(Step(text_at(item, "created"), text_at(item, "created_by"), text_at(item, "comment"), layer))
    return tuple(steps)


def parse_config(body: bytes, layers: int) -> Config:
    """Parse an image config and pair its history with ``layers`` layers.

    When the counts differ the steps are kept but none is paired. Raises InvalidDocument.
    """
    document = load_object(body, "image config")
    steps = _steps(document.get("history"))
    fits = sum(step.layer is not None for step in steps) == layers
    if not fits:
        steps = tuple(step._replace(layer=None) for step in steps)
    return Config(parse_platform_object(document), text_at(document, "created"), steps, fits)
