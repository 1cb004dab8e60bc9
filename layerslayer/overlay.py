"""Layers laid over one another: the file system that a container would see. Pure.

OCI image-spec ``layer.md``, "Applying Changesets" and "Whiteouts". Whiteouts
act on lower layers only, wherever they stand in the tar. A directory over a
directory merges, anything else replaces with its subtree. Of entries with one
name the last wins. A parent that is a symlink is followed inside of the image,
as container runtimes do; a parent that is missing is implied.
"""

from __future__ import annotations

from typing import Dict, Iterable, Iterator, List, Optional, Tuple

from .entries import OPAQUE, WHITEOUT_PREFIX, Entry
from .errors import InvalidDocument
from .limits import bound
from .nodes import IMPLIED, Node, Removal, Unsafe, as_inode, implied, normal, walk

MAX_IMPLIED = 500_000  # directories that no layer mentions
_AUFS = WHITEOUT_PREFIX + WHITEOUT_PREFIX
_ODD = frozenset(("", ".", ".."))  # no names
MAX_LINKS = 40  # symlinks followed for one path, as Linux does


class Tree:
    """The merged file system: ``apply`` the layers from the lowest up.

    ``keep_removed`` collects what later layers take away, in ``removed``.
    """

    def __init__(self, keep_removed: bool = False) -> None:
        self.root = Node("", None, implied("./"), -1)
        self.removed: List[Removal] = []
        self.unsafe: List[Unsafe] = []
        self.deletions: List[Tuple[str, int]] = []  # what whiteouts name: path, or dir/* of an opaque one, and layer
        self.covered: List[str] = []  # where something stood for a while that is no directory: nothing below is left
        self._keep_removed = keep_removed
        self._directories: Dict[str, Node] = {"": self.root}  # by path; those that still stand
        self._implied = 0
        self._hardlinks: List[Node] = []  # in order of their making; some of them stand no more
        self._dangling: List[Node] = []  # hardlinks of the layer at hand whose target is not there yet
        self._below: Dict[str, Optional[Tuple[int, Entry]]] = {}  # targets of hardlinks before the layer's whiteouts

    # -- building ---------------------------------------------------------

    def apply(self, number: int, entries: Iterable[Entry]) -> None:
        """Lay layer ``number`` over those applied so far. Raises InvalidDocument for a bomb of directories."""
        longest = bound("path")
        seen = [entry for entry in entries if not entry.hidden]  # after the end marker no runtime looks
        added = [entry for entry in seen if WHITEOUT_PREFIX not in entry.name]
        whiteouts = [entry for entry in seen if WHITEOUT_PREFIX in entry.name] if len(added) < len(seen) else []
        self._below = {}
        if whiteouts:  # they take names away; a hardlink beside them still leads to what bore one
            self._below = {entry.target: self._linked(entry) for entry in added if entry.kind == "h"}
            added += [entry for entry in whiteouts if not self._whiteout(entry, number)]
        last, parent, siblings = None, None, None  # of the entry before, which most often stands beside this one
        for entry in added:
            name, kind = entry.name, entry.kind
            # Nearly every entry is a new path in a directory that is there; the rest goes the careful way.
            if kind == "d" and name[-1:] == "/":
                name = name[:-1]
            directory, _, base = name.rpartition("/")
            if directory != last:
                last, parent = directory, self._directories.get(directory)
                siblings = parent.children if parent is not None else None
            if siblings is None or base in siblings or base in _ODD or kind == "h" or len(name) > longest:
                self._add(entry, number)
                last = None  # what stood there may not any more
                continue
            node = siblings[base] = Node(base, parent, entry, number)
            if kind == "d":
                self._directories[name] = node
        waiting, self._dangling = self._dangling, []
        for node in waiting:  # a target that comes after its link no runtime finds; it is meant all the same
            node.link = self._linked(node.entry) or self._below.get(node.entry.target)
            node.entry = as_inode(node.entry, node.link)

    def _whiteout(self, entry: Entry, number: int) -> bool:
        """Carry out a whiteout; return False for what is none."""
        path = normal(entry.name)
        if path is None:
            return False
        directory, _, base = path.rpartition("/")
        if base != OPAQUE and ("/" + path).find("/" + _AUFS) >= 0:
            return True  # a leftover of AUFS
        if not base.startswith(WHITEOUT_PREFIX):
            return False
        victim = base[len(WHITEOUT_PREFIX) :]
        where = directory + "/" if directory else ""
        if base == OPAQUE:
            node = self.find(directory, follow=True)
            for child in list(node.children.values()) if node is not None and node.children else ():
                self._remove(child, number, "hidden")
            self.deletions.append((where + "*", number))
        elif victim in ("", ".", ".."):
            self.unsafe.append(Unsafe(entry, number, "a whiteout of nothing"))
        else:
            parent = self.find(directory, follow=True)
            gone = parent.children.get(victim) if parent is not None and parent.children else None
            if gone is not None:
                self._remove(gone, number, "deleted")
            self.deletions.append((where + victim, number))
        return True

    def _add(self, entry: Entry, number: int) -> None:
        path = normal(entry.name)
        if path is None or len(path) > bound("path") or (not path and entry.kind != "d"):
            reason = (
                "'..' in its name" if path is None else "a name too long (--limit path=NUMBER)" if path else "no name"
            )
            self.unsafe.append(Unsafe(entry, number, reason))
            return
        if not path:
            self.root.entry, self.root.layer = entry, number
            return
        directory, _, base = path.rpartition("/")
        parent = self._directories.get(directory) or self._directory(directory, number)
        if parent is None:
            self.unsafe.append(Unsafe(entry, number, "a parent that is a loop of links"))
            return
        assert parent.children is not None
        old = parent.children.get(base)
        link = self._linked(entry) if entry.kind == "h" else None
        if old is not None:
            if entry.kind == "d" and old.children is not None:
                old.entry, old.layer = entry, number
                return
            self._remove(old, number, "replaced")
        node = parent.children[base] = Node(base, parent, as_inode(entry, link), number)
        node.link = link
        if entry.kind == "h":
            self._hardlinks.append(node)
        if link is None and entry.kind == "h":
            self._dangling.append(node)
        if entry.kind == "d":
            self._directories[path] = node

    def _linked(self, entry: Entry) -> Optional[Tuple[int, Entry]]:
        """Return what a hardlink's target is at this moment: later changes of the target do not reach it."""
        path = normal(entry.target)
        node = self.find(path) if path else None
        return node.content if node is not None and node.children is None else None

    def _directory(self, path: str, number: int) -> Optional[Node]:
        """Return the directory ``path``, made where it is missing; None for a loop of links."""
        node = self.root
        parts = path.split("/")[::-1]
        links = 0
        while parts:
            part = parts.pop()
            if part == "..":
                node = node.parent or self.root
                continue
            assert node.children is not None
            child = node.children.get(part)
            target = child.leads_to if child is not None else None
            if target is not None:
                links += 1
                if links > MAX_LINKS:
                    return None
                parts += _parts(target)[::-1]
                if target.startswith("/"):
                    node = self.root
                continue
            if child is not None and child.children is None:
                self._remove(child, number, "replaced")
                child = None
            if child is None:
                assert node.children is not None
                self._implied += 1
                if self._implied > MAX_IMPLIED:
                    raise InvalidDocument(
                        "layer {} implies more than {} directories, so it is not laid out".format(number, MAX_IMPLIED)
                    )
                child = node.children[part] = Node(part, node, implied(part + "/"), number)
            node = child
        if not links:
            self._directories[path] = node
        return node

    def _remove(self, node: Node, number: int, how: str) -> None:
        if self._keep_removed:
            for path, gone in walk(node, node.path):
                if (
                    gone.entry.offset != IMPLIED
                    and gone.layer != number
                    and (gone.children is None or how != "replaced")
                ):
                    self.removed.append(Removal(path, gone.entry, gone.layer, number, how, gone.link))
        if node.children is None:
            self.covered.append(node.path)
        assert node.parent is not None and node.parent.children is not None
        del node.parent.children[node.name]
        if node.children is not None or node.leads_to is not None:
            self._directories = {"": self.root}  # some of them stand no more, or elsewhere

    # -- asking -----------------------------------------------------------

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
        parts = _parts(path)[::-1]
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
                parts += _parts(target)[::-1]
                continue
            node = child
        return node

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


def _parts(path: str) -> List[str]:
    return [part for part in path.split("/") if part not in ("", ".")]


class Ends:
    """What symlinks lead to in the end. Each is looked at once, however long their chains are."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._known: Dict[Node, Tuple[Optional[Node], int]] = {}  # the end, and the links on the way

    def of(self, node: Node) -> Optional[Node]:
        """Return where a node leads; itself for what is no link, None for loops, long chains and what is not there."""
        chain: Dict[Node, None] = {}
        at: Optional[Node] = node
        while at is not None and at.leads_to is not None and at not in self._known and at not in chain:
            chain[at] = None
            above = at.parent.path if at.parent is not None and not at.leads_to.startswith("/") else ""
            at = self._tree.find(above + "/" + at.leads_to)
        end, links = (None, 0) if at is None or at in chain else self._known.get(at, (at, 0))
        for link in reversed(list(chain)):
            links += 1
            self._known[link] = (end, links)
        end, links = self._known.get(node, (node, 0))
        return end if links <= MAX_LINKS else None


def sizes(tree: Tree) -> Dict[Node, int]:
    """Return the bytes of content under each directory; a file with hardlinks counts once."""
    links = {id(node.link[1]): node for node in tree.hardlinks() if node.link is not None}
    totals: Dict[Node, int] = {}
    directories = [tree.root]
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
