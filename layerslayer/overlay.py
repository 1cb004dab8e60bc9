"""Layers laid over one another: the file system that a container would see. Pure.

OCI image-spec ``layer.md``, "Applying Changesets" and "Whiteouts". Whiteouts
act on lower layers only, wherever they stand in the tar. A directory over a
directory merges, anything else replaces with its subtree. Of entries with one
name the last wins. A parent that is a symlink is followed inside of the image,
as container runtimes do; a parent that is missing is implied.
"""

from __future__ import annotations

from typing import Dict, Iterable, Iterator, List, NamedTuple, Optional, Tuple

from .entries import OPAQUE, WHITEOUT_PREFIX, Entry
from .errors import InvalidDocument
from .limits import bound

MAX_IMPLIED = 500_000  # directories that no layer mentions
_AUFS = WHITEOUT_PREFIX + WHITEOUT_PREFIX
IMPLIED = -1  # the offset of an entry that no layer has
MAX_LINKS = 40  # symlinks followed for one path, as Linux does


class Node:
    """A path of the merged file system. ``children`` is None for all but directories."""

    __slots__ = ("children", "entry", "layer", "link", "name", "parent")

    def __init__(self, name: str, parent: Optional[Node], entry: Entry, layer: int) -> None:
        self.name = name
        self.parent = parent  # None for the root, and once removed
        self.entry = entry
        self.layer = layer  # that wrote the entry (of a directory the last one that did)
        self.children: Optional[Dict[str, Node]] = {} if entry.kind == "d" else None
        self.link: Optional[Tuple[int, Entry]] = None  # what a hardlink leads to: layer and entry

    @property
    def path(self) -> str:
        """The path without a leading slash; empty for the root."""
        parts: List[str] = []
        node: Optional[Node] = self
        while node is not None and node.parent is not None:
            parts.append(node.name)
            node = node.parent
        return "/".join(reversed(parts))

    @property
    def content(self) -> Optional[Tuple[int, Entry]]:
        """The layer and entry that hold the bytes; None for a hardlink that leads nowhere."""
        return self.link if self.entry.kind == "h" else (self.layer, self.entry)

    @property
    def leads_to(self) -> Optional[str]:
        """A symlink's target, of a hardlink to a symlink too; None for all else."""
        if self.entry.kind == "l":
            return self.entry.target
        return self.link[1].target if self.link is not None and self.link[1].kind == "l" else None

    @property
    def size(self) -> int:
        """Bytes of content."""
        content = self.content
        return content[1].size if content and content[1].kind == "-" else 0


class Removal(NamedTuple):
    """A path that a later layer took away; its bytes are in ``layer`` still."""

    path: str
    entry: Entry
    layer: int
    by: int  # the layer that removed it
    how: str  # "deleted" by a whiteout, "hidden" by an opaque directory, "replaced"
    link: Optional[Tuple[int, Entry]]  # of a hardlink, what it led to

    @property
    def size(self) -> int:
        content = (self.layer, self.entry) if self.entry.kind != "h" else self.link
        return content[1].size if content and content[1].kind == "-" else 0


class Unsafe(NamedTuple):
    """An entry whose name no path can be made of."""

    entry: Entry
    layer: int
    reason: str


def normal(name: str) -> Optional[str]:
    """Return an archive's name as a path without ``./``, ``//`` and outer slashes; None if ``..`` is in it."""
    if "//" not in name and "./" not in name and name[:1] not in ("/", ".", "") and ".." not in name:
        return name[:-1] if name[-1] == "/" else name if name[-2:] != "/." else name[:-2]
    parts = [part for part in name.split("/") if part not in ("", ".")]
    return None if ".." in parts else "/".join(parts)


def implied(name: str) -> Entry:
    """Return the directory that runtimes make where a layer names none."""
    return Entry(name, "d", 0o755, 0, 0, 0, 0, "", "", "", None, {}, IMPLIED, False)


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
        self._dangling: List[Node] = []  # hardlinks of the layer at hand whose target is not there yet

    # -- building ---------------------------------------------------------

    def apply(self, number: int, entries: Iterable[Entry]) -> None:
        """Lay layer ``number`` over those applied so far. Raises InvalidDocument for a bomb of directories."""
        longest = bound("path")
        added: List[Entry] = []
        for entry in entries:
            if entry.hidden or (WHITEOUT_PREFIX in entry.name and self._whiteout(entry, number)):
                continue  # what stands after the end marker no runtime sees
            added.append(entry)
        for entry in added:
            name = entry.name
            # Nearly every entry is a new path in a directory that is there; the rest goes the careful way.
            if name[-1:] == "/":
                name = name[:-1]
            directory, _, base = name.rpartition("/")
            parent = self._directories.get(directory)
            if (
                parent is None
                or parent.children is None
                or base in parent.children
                or base in ("", ".", "..")
                or entry.kind == "h"
                or len(name) > longest
            ):
                self._add(entry, number)
                continue
            node = parent.children[base] = Node(base, parent, entry, number)
            if entry.kind == "d":
                self._directories[name] = node
        waiting, self._dangling = self._dangling, []
        for node in waiting:  # a target that comes after its link no runtime finds; it is meant all the same
            node.link = self._linked(node.entry)

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
            reason = "'..' in its name" if path is None else "a name too long" if path else "no name"
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
        node = parent.children[base] = Node(base, parent, _as_inode(entry, link), number)
        node.link = link
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
        if node.children is not None:
            self._directories = {"": self.root}  # some of them stand no more

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

    def nodes(self) -> Iterator[Tuple[str, Node]]:
        """Yield every path but the root, and its node, in order of the paths' components."""
        found = walk(self.root, "")
        next(found)
        yield from found


def _as_inode(entry: Entry, link: Optional[Tuple[int, Entry]]) -> Entry:
    """Return a hardlink's entry with the attributes of the file that it shares."""
    if link is None:
        return entry
    file = link[1]
    return entry._replace(
        mode=file.mode, uid=file.uid, gid=file.gid, mtime=file.mtime, uname=file.uname, gname=file.gname
    )


def _parts(path: str) -> List[str]:
    return [part for part in path.split("/") if part not in ("", ".")]


def walk(node: Node, path: str) -> Iterator[Tuple[str, Node]]:
    """Yield ``node``, which stands at ``path``, and all below it, parents first, names sorted."""
    waiting: List[Tuple[str, Node]] = [(path, node)]
    while waiting:
        path, node = waiting.pop()
        yield path, node
        if node.children:
            prefix = path + "/" if path else ""
            waiting += [(prefix + name, node.children[name]) for name in sorted(node.children, reverse=True)]


def sizes(tree: Tree) -> Dict[Node, int]:
    """Return the bytes of content under each directory; a file's hardlinks do not count again."""
    order = [tree.root]
    for node in order:  # grows while it is walked: parents first
        if node.children:
            order.extend(node.children.values())
    totals = {node: 0 for node in order if node.children is not None}
    for node in reversed(order):
        parent = node.parent
        if parent is None:
            continue
        if node.children is not None:
            totals[parent] += totals[node]
        elif node.entry.kind == "-":
            totals[parent] += node.entry.size
    return totals
