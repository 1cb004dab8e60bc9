"""The merged file system as it is asked: what stands at a path, where links end, what directories hold. Pure.

``overlay`` fills it, from layers.
"""

from __future__ import annotations

from typing import Dict, Iterator, List, Optional, Tuple

from ..errors import InvalidDocument
from ..limits import DEFAULT, Limits
from .node import IMPLIED, IMPLIED_ENTRY, Node, walk

MAX_LINKS = 40  # symlinks followed for one path, as Linux does
MAX_STEPS = 20_000_000  # components of paths and of links' targets passed in all, and for each entry so many more:
STEPS_AN_ENTRY = 32


class FileSystem:
    """Nodes below a ``root``, found by their paths, which are no ``longest`` than the limit."""

    def __init__(self, limits: Limits = DEFAULT) -> None:
        self.longest = limits.path  # characters
        self.root = Node("", None, IMPLIED_ENTRY, -1)
        self._directories: Dict[str, Node] = {"": self.root}  # by path; those that still stand, not all of them
        self._hardlinks: List[Node] = []  # in order of their making; some of them stand no more
        self._steps = MAX_STEPS  # that are left

    def find(self, path: str, follow: bool = False) -> Optional[Node]:
        """Return what stands at ``path`` (normalised), its parents' symlinks followed inside of the image.

        ``follow`` follows the last component too, as opening a file does. None
        for what is not there, for loops, and behind targets that are longer
        than paths may be. Raises InvalidDocument for a bomb of links.
        """
        known = self._directories.get(path)
        if known is not None:
            return known
        directory, _, base = path.rpartition("/")
        above = self._directories.get(directory)
        return self.find_from(self.root, path, follow) if above is None else self.find_from(above, base, follow)

    def find_from(self, node: Node, path: str, follow: bool = False) -> Optional[Node]:
        """Return what stands at ``path``, counted from the directory ``node``. As ``find``."""
        parts = self._ahead(path)
        links = 0
        while parts:
            part = parts.pop()
            if part == "..":
                node = node.parent or self.root
                continue
            child = node.children.get(part) if node.children is not None else None
            if child is None:
                return None
            target = child.leads_to if parts or follow else None
            if target is not None:
                links += 1
                if links > MAX_LINKS or len(target) > self.longest:
                    return None
                if target.startswith("/"):
                    node = self.root
                parts += self._ahead(target)
                continue
            node = child
        return node

    def mode_of(self, path: str) -> Optional[int]:
        """Return the permissions of the directory that ``path`` leads to; None where no layer states them."""
        node = self.find(path)
        if node is not None and node.children is None:
            node = self.find(path, follow=True)
        stated = node is not None and node.children is not None and node.entry.offset != IMPLIED
        return node.entry.mode if node is not None and stated else None

    def _ahead(self, path: str) -> List[str]:
        """Return the components to pass, the last first, counted among the steps. Raises InvalidDocument."""
        parts = parts_of(path)
        self._steps -= len(parts)
        if self._steps < 0:
            raise InvalidDocument("the links of this image lead on for too long, so it is not laid out")
        parts.reverse()
        return parts

    def hardlinks(self) -> Iterator[Node]:
        """Yield the hardlinks that stand."""
        standing = {self.root: True}  # directories, each looked at once
        for node in self._hardlinks:
            if _is_held(node) and node.parent is not None:
                climbed: List[Node] = []
                above = node.parent
                while above not in standing and above.parent is not None and _is_held(above):
                    climbed.append(above)
                    above = above.parent
                stands = standing.get(above, False)
                standing.update((directory, stands) for directory in climbed)
                if stands:
                    yield node

    def nodes(self) -> Iterator[Tuple[str, Node]]:
        """Yield every path but the root, and its node, in order of the paths' components."""
        found = walk(self.root, "")
        next(found)
        yield from found


def _is_held(node: Node) -> bool:
    """Whether a node's parent has it still."""
    return node.parent is not None and (node.parent.children or {}).get(node.name) is node


def parts_of(path: str) -> List[str]:
    """Return a path's components, ``..`` among them."""
    return [part for part in path.split("/") if part not in ("", ".")]


class Ends:
    """What symlinks lead to in the end. Each is looked at once, however long their chains are."""

    def __init__(self, files: FileSystem) -> None:
        self._files = files
        self._known: Dict[Node, Tuple[Optional[Node], int]] = {}  # the end, and the links on the way

    def of(self, node: Node) -> Optional[Node]:
        """Return where a node leads; itself for what is no link, None for loops, long chains and what is not there."""
        chain: Dict[Node, None] = {}
        at: Optional[Node] = node
        while at is not None and at.leads_to is not None and at not in self._known and at not in chain:
            chain[at] = None
            target, root = at.leads_to, self._files.root
            below = root if at.parent is None or target.startswith("/") else at.parent
            at = self._files.find_from(below, target) if len(target) <= self._files.longest else None
        end, links = (None, 0) if at is None or at in chain else self._known.get(at, (at, 0))
        for link in reversed(list(chain)):
            links += 1
            self._known[link] = (end, links)
        end, links = self._known.get(node, (node, 0))
        return end if links <= MAX_LINKS else None


def sizes(files: FileSystem) -> Dict[Node, int]:
    """Return the bytes of content under each directory; a file with hardlinks counts once."""
    links = {id(node.link[1]): node for node in files.hardlinks() if node.link is not None}
    totals: Dict[Node, int] = {}
    directories = [files.root]
    for directory in directories:  # grows while it is walked: parents first
        total = 0
        for node in (directory.children or {}).values():
            if node.children is not None:
                directories.append(node)
                continue
            entry = node.entry
            if entry.kind == "-":
                total += entry.size
                if links:
                    links.pop(id(entry), None)
        totals[directory] = total
    for node in links.values():  # what they lead to stands nowhere any more
        if node.parent is not None:
            totals[node.parent] += node.size
    for directory in reversed(directories):
        if directory.parent is not None:
            totals[directory.parent] += totals[directory]
    return totals
