"""The layers of an image, read in parallel and laid over one another into one file system."""

from __future__ import annotations

from functools import partial
from typing import Callable, Dict, Iterator, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from ..formats.entry import Entry
from ..formats.memory import Holding, Part
from ..formats.tar.bodies import Bodies
from ..layers.outcome import Report
from ..layers.reader import LayerReader
from ..limits import DEFAULT, LimitReached, Limits
from ..oci.image import Image, Layer
from ..parallel import in_order
from .overlay import Tree

Digests = Dict[int, Mapping[int, bytes]]  # by layer and entry offset: sha256 of a file's content


_BATCH = 4096  # entries counted at a time


class Contents(NamedTuple):
    """What one layer holds, and the reader that has read it."""

    reader: LayerReader
    entries: List[Entry]


class LaidOut(NamedTuple):
    """An image's (chosen) layers as one file system; their ``readers``, by layer number, can read files of them."""

    image: Image
    layers: Tuple[Layer, ...]
    tree: Tree
    reports: List[Report]
    digests: Digests
    holding: Holding
    readers: Dict[int, LayerReader]

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


def read_contents(reader: LayerReader, holding: Holding, bodies: Optional[Bodies] = None) -> Contents:
    """Read a whole layer, once more if it arrived damaged: what came first is let go before.

    What goes wrong stands in the reader's report; the entries before it are
    there. ``holding`` counts what is held, and may have enough of it.
    """
    own = holding.part()
    entries: List[Entry] = []
    _collect(reader, entries, own, bodies)
    if reader.report.is_damaged:
        entries.clear()
        own.empty()
        if bodies:
            bodies.restart()
        _collect(reader, entries, own, bodies)
    return Contents(reader, entries)


def _collect(reader: LayerReader, entries: List[Entry], own: Part, bodies: Optional[Bodies]) -> None:
    """Add a layer's entries for as long as those may be held; why they may not stands in the report then."""
    batches = reader.entries(bodies)
    try:
        for batch in batches:
            for start in range(0, len(batch), _BATCH):
                part = batch[start : start + _BATCH]
                own.take(part)
                entries += part
    except LimitReached as error:
        batches.close()
        reader.report.problem = error


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
    readers: Dict[int, LayerReader] = {}
    makers = [partial(read, layer, holding) for layer in layers]
    for made in in_order(makers, jobs, 0, lambda contents: 0):
        for contents in made:
            reader = contents.reader
            readers[reader.layer.number] = reader
            tree.apply(reader.layer.number, contents.entries)
            merged(contents)
    reports = [reader.report for reader in readers.values()]
    digests = {number: reader.digests for number, reader in readers.items()}
    return LaidOut(image, tuple(layers), tree, reports, digests, holding, readers)
