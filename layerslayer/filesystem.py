"""The merged file system as it is asked: what stands at a path, where links end, what directories hold. Pure.

``overlay`` fills it, from layers.
"""

from __future__ import annotations

from typing import Dict, Iterator, List, Optional, Tuple

from .nodes import IMPLIED, Node, implied, walk

MAX_LINKS = 40  # symlinks followed for one path, as Linux does


class FileSystem:
    """Nodes below a ``root``, found by their paths."""

    def __init__(self) -> None:
        self.root = Node("", None, implied("./"), -1)
        self._directories: Dict[str, Node] = {"": self.root}  # by path; those that still stand, not all of them
        self._hardlinks: List[Node] = []  # in order of their making; some of them stand no more

    def find(self, path: str, follow: bool = False) -> Optional[Node]:
        """Return what stands at ``path`` (normalised), its parents' symlinks followed inside of the image.

        ``follow`` follows the last component too, as opening a file does. None
        for what is not there, and for loops.
        """
        if not follow:
            known = self._directories.get(path)
            if known is not None:
                return known
        node = self.root
        parts = parts_of(path)[::-1]
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
                if links > MAX_LINKS:
                    return None
                if target.startswith("/"):
                    node = self.root
                parts += parts_of(target)[::-1]
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

    def hardlinks(self) -> Iterator[Node]:
        """Yield the hardlinks that stand."""
        for node in self._hardlinks:
            above = node
            while above.parent is not None and (above.parent.children or {}).get(above.name) is above:
                above = above.parent
            if above is self.root:
                yield node

    def nodes(self) -> Iterator[Tuple[str, Node]]:
        """Yield every path but the root, and its node, in order of the paths' components."""
        found = walk(self.root, "")
        next(found)
        yield from found


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
            above = at.parent.path if at.parent is not None and not at.leads_to.startswith("/") else ""
            at = self._files.find(above + "/" + at.leads_to)
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
    for directory in reversed(directories):
        if directory.parent is not None:
            totals[directory.parent] += totals[directory]
    for node in links.values():  # what they lead to stands nowhere any more
        above = node.parent
        while above is not None:
            totals[above] += node.size
            above = above.parent
    return totals
