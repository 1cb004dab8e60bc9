"""What a search finds: paths of an image, live or removed, and paths of layers that the cache holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Iterator, NamedTuple, Optional

from ..filesystem.node import Node, Removal
from ..formats.entry import Entry

if TYPE_CHECKING:
    from ..filesystem.glob import Matcher
    from ..filesystem.merge import LaidOut


class Finding(NamedTuple):
    """A path of an image: where it stands, or stood."""

    path: str
    node: Optional[Node]  # live
    removal: Optional[Removal]  # or removed by a later layer


class LayerFinding(NamedTuple):
    """A path of a layer, whatever image that belongs to."""

    layer: str  # its digest
    path: str
    entry: Entry
    sha256: Optional[bytes]  # of the content, where it is known


class Search(NamedTuple):
    """What is sought: paths that ``matches`` names, of some kinds, larger than so many bytes."""

    matches: Matcher
    kinds: Optional[str] = None  # letters of Entry.kind; None for all
    larger: int = -1

    def fits(self, path: str, kind: str, size: int) -> bool:
        """Whether a path is sought."""
        return (self.kinds is None or kind in self.kinds) and size > self.larger and self.matches(path)


def find_paths(merged: LaidOut, search: Search) -> Iterator[Finding]:
    """Yield what is found, live paths first."""
    for path, node in merged.tree.nodes():
        if search.fits(path, node.entry.kind, node.size):
            yield Finding(path, node, None)
    for removal in merged.tree.removed:
        if search.fits(removal.path, removal.entry.kind, removal.size):
            yield Finding(removal.path, None, removal)
