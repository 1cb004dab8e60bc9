"""What a registry put on the wire of each blob."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any, Callable, Dict, List, Optional
from typing import Counter as CounterOf

from layerslayer.demo.registry import Request, Response

from . import NAME, Normal, Registry


class Wire:
    """Counts the bytes of blobs that ``registry`` sends; configs apart. ``other`` answers in place of the registry."""

    def __init__(self, registry: Registry, other: Optional[Callable[[Request, Normal], Response]] = None) -> None:
        self.sent: CounterOf[str] = Counter()
        self._configs = configs_of(registry)
        self._other = other
        registry.fault("/blobs/", self._answer)

    def _answer(self, request: Request, normal: Normal) -> Response:
        made = self._other(request, normal) if self._other else normal()
        self.sent[request.path.rpartition("/")[2]] += len(made.body)
        return made

    @property
    def layers(self) -> int:
        """Bytes of all that is no config."""
        return sum(count for digest, count in self.sent.items() if digest not in self._configs)


def configs_of(registry: Registry) -> List[str]:
    """Return the digests of the configs of all images that a registry has."""
    documents = [_parsed(item.body) for item in registry.store.manifests.values()]
    return [item["config"]["digest"] for item in documents if "config" in item]


def layers_of(registry: Registry) -> List[Dict[str, Any]]:
    """Return the layers of the single image that is tagged 1.0, as its manifest has them."""
    return list(_parsed(registry.store.manifests[registry.store.tags[(NAME, "1.0")]].body)["layers"])


def _parsed(body: bytes) -> Dict[str, Any]:
    return dict(json.loads(body.decode()))
