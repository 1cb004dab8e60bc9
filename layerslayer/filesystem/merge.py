"""The layers of an image, read in parallel and laid over one another into one file system."""

from __future__ import annotations

from functools import partial
from typing import Callable, Dict, Iterator, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from ..formats.entry import Entry
from ..formats.memory import Holding
from ..layers.open import Contents
from ..layers.outcome import Report
from ..limits import DEFAULT, Limits
from ..oci.image import Image, Layer
from ..parallel import in_order
from .overlay import Tree

Digests = Dict[int, Mapping[int, bytes]]  # by layer and entry offset: sha256 of a file's content


class LaidOut(NamedTuple):
    """An image's (chosen) layers as one file system."""

    image: Image
    layers: Tuple[Layer, ...]
    tree: Tree
    reports: List[Report]
    digests: Digests
    holding: Holding

    def digest_of(self, content: Optional[Tuple[int, Entry]]) -> Optional[bytes]:
        """Return the sha256 of what a node or removal leads to, where it is known."""
        return self.digests[content[0]].get(content[1].offset) if content else None

    @property
    def is_complete(self) -> bool:
        """Whether all the layers were read whole."""
        return all(report.complete for report in self.reports)

    @property
    def reach(self) -> str:
        """Return what to add to a "no": empty when all layers were read."""
        return "" if self.is_complete else " in what could be read"


def merge_layers(
    image: Image,
    layers: Sequence[Layer],
    read: Callable[[Layer, Holding], Iterator[Contents]],
    merged: Callable[[Contents], None],
    jobs: int,
    keep_removed: bool = False,
    limits: Limits = DEFAULT,
) -> LaidOut:
    """Read layers, up to ``jobs`` of them at once, and lay them over one another in their order.

    ``read`` yields what one layer holds; ``merged`` is called with that once it is in the tree.
    """
    holding = Holding(limits=limits)
    tree = Tree(keep_removed, holding.spend, limits)
    reports: List[Report] = []
    digests: Digests = {}
    makers = [partial(read, layer, holding) for layer in layers]
    for made in in_order(makers, jobs, 0, lambda contents: 0):
        for contents in made:
            number = contents.layer.number
            reports.append(contents.report)
            tree.apply(number, contents.entries)
            digests[number] = contents.digests
            merged(contents)
    return LaidOut(image, tuple(layers), tree, reports, digests, holding)
