"""Paths of a merged file system: what stands at one, what stood there, and what no path can be made of. Pure."""

from __future__ import annotations

from typing import Dict, Iterator, List, NamedTuple, Optional, Tuple

from ..errors import Remedy
from ..formats.entry import Entry

IMPLIED = -1  # the offset of an entry that no layer has


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
    remedy: Optional[Remedy] = None


def normal(name: str) -> Optional[str]:
    """Return an archive's name as a path without ``./``, ``//`` and outer slashes; None if ``..`` is in it."""
    if "//" not in name and "./" not in name and name[:1] not in ("/", ".", "") and ".." not in name:
        return name[:-1] if name[-1] == "/" else name if name[-2:] != "/." else name[:-2]
    parts = [part for part in name.split("/") if part not in ("", ".")]
    return None if ".." in parts else "/".join(parts)


# The directory that runtimes make where a layer names none: they are all alike, but for where they stand.
IMPLIED_ENTRY = Entry("./", "d", 0o755, 0, 0, 0, 0, "", "", "", None, {}, IMPLIED, False)


def as_inode(entry: Entry, link: Optional[Tuple[int, Entry]]) -> Entry:
    """Return a hardlink's entry with the attributes of the file that it shares."""
    if link is None:
        return entry
    file = link[1]
    return entry._replace(
        mode=file.mode, uid=file.uid, gid=file.gid, mtime=file.mtime, uname=file.uname, gname=file.gname
    )


def walk(node: Node, path: str) -> Iterator[Tuple[str, Node]]:
    """Yield ``node``, which stands at ``path``, and all below it, parents first, names sorted.

    A path is made when its turn comes: those of one directory may be long, and many.
    """
    yield path, node
    waiting = [_opened(path, node)]
    while waiting:
        prefix, children, names = waiting[-1]
        for name in names:
            child = children[name]
            yield prefix + name, child
            if child.children:
                waiting.append(_opened(prefix + name, child))
                break
        else:
            waiting.pop()


def _opened(path: str, node: Node) -> Tuple[str, Dict[str, Node], Iterator[str]]:
    """Return what goes before the names of a directory, its children, and their names in order."""
    children = node.children or {}
    return path + "/" if path else "", children, iter(sorted(children))
