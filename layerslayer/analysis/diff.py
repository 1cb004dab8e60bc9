"""Two merged file systems compared. Pure.

The layers that both images begin with need not be read. What stands in them is
then unknown, and a path that only one side's own layers write is "written": it
was added or changed, which of the two cannot be told.
"""

from __future__ import annotations

import heapq
from typing import Dict, Iterable, Iterator, List, Mapping, NamedTuple, Optional, Set, Tuple, Union

from ..filesystem.node import IMPLIED, Node
from ..filesystem.overlay import Tree

Digests = Mapping[int, Mapping[int, bytes]]  # sha256 of contents, by layer and entry offset


class Side(NamedTuple):
    """One of the two: the tree of the layers that were read, and the digests of its files."""

    tree: Tree
    digests: Digests


class Difference(NamedTuple):
    """A path that differs."""

    path: str
    change: str  # added, removed, changed; written or reverted where the shared layers are not known
    old: Optional[Node]
    new: Optional[Node]
    fields: Tuple[str, ...]  # of a changed one: type, size, mode, owner, link, content, xattrs, time


class _Gone:
    """Removed by a whiteout, or never there."""


class _Unread:
    """As the shared layers have it, which were not read."""


GONE, UNREAD = _Gone(), _Unread()
_State = Union[Node, _Gone, _Unread]


def compare(old: Side, new: Side, base_known: bool, below: str = "") -> Iterator[Difference]:
    """Yield what differs, sorted by path, at and below the path ``below``.

    ``base_known`` is False when both trees leave out the layers they share.
    """
    states = (_States(old.tree, base_known), _States(new.tree, base_known))
    for path in _paths(old.tree, new.tree, base_known):
        if below and path != below and not path.startswith(below + "/"):
            continue
        difference = _between(path, states[0].at(path), states[1].at(path), old.digests, new.digests)
        if difference:
            yield difference


def _paths(old: Tree, new: Tree, base_known: bool) -> Iterator[str]:
    """Yield the paths of both, each once, sorted by their components; none are held."""
    sources: List[Iterable[str]] = [_standing(tree, base_known) for tree in (old, new)]
    if not base_known:
        sources.append(sorted(_deleted(old) | _deleted(new), key=_in_order))
    last: Optional[str] = None
    for path in heapq.merge(*sources, key=_in_order):
        if path != last:
            yield path
        last = path


def _standing(tree: Tree, base_known: bool) -> Iterator[str]:
    return (path for path, node in tree.nodes() if base_known or node.entry.offset != IMPLIED)


def _in_order(path: str) -> str:
    """Return a text that sorts as the path's components do: the slash before all that names may hold."""
    if "\0" in path or "\1" in path:
        path = path.replace("\1", "\1\2").replace("\0", "\1\1")
    return path.replace("/", "\0")


def _deleted(tree: Tree) -> Set[str]:
    """Return what a tree's own layers take from those below: paths, and ``dir/*`` for all in a directory."""
    paths = {path for path, _ in tree.deletions}
    for path in (*tree.covered, *sorted(paths)):  # what stands there again has nothing of what was below
        node = tree.find(path)
        if node is not None and node.children is not None:
            paths.add(path + "/*")
    return paths


_RECENT = 1000  # directories


class _States:
    """What a tree says of any path."""

    def __init__(self, tree: Tree, base_known: bool) -> None:
        self._tree = tree
        self._known = base_known
        self._deleted = _deleted(tree)
        self._recent: Dict[str, Optional[Node]] = {"": tree.root}
        # The directory that was asked last and those above it, each looked at once for all in it: where in its path
        # they end, what stands there, and whether nothing is left of what the shared layers have in them.
        self._last = ""
        self._stack: List[Tuple[int, Optional[Node], bool]] = [(0, tree.root, "*" in self._deleted)]

    def at(self, path: str) -> _State:
        node = self._node(path)
        if node is not None and (self._known or node.entry.offset != IMPLIED):
            return node
        if self._known or path in self._deleted or self._is_emptied(path.rpartition("/")[0]):
            return GONE
        return UNREAD

    def _is_emptied(self, directory: str) -> bool:
        """Whether nothing that the shared layers have in a directory is left."""
        stack, deleted = self._stack, self._deleted
        while stack[-1][0] and not (directory + "/").startswith(self._last[: stack[-1][0]] + "/"):
            stack.pop()
        end, node, emptied = stack[-1]
        while end < len(directory):
            start = end + 1 if end else 0
            end = directory.find("/", start)
            end = end if end >= 0 else len(directory)
            node = node.children.get(directory[start:end]) if node is not None and node.children is not None else None
            if not emptied:
                path = directory[:end]
                emptied = path in deleted or path + "/*" in deleted or (node is not None and node.children is None)
            stack.append((end, node, emptied))
        self._last = directory
        return emptied

    def _node(self, path: str) -> Optional[Node]:
        """Return what stands at just that path."""
        directory, _, name = path.rpartition("/")
        above = self._above(directory)
        return above.children.get(name) if above is not None and above.children is not None else None

    def _above(self, directory: str) -> Optional[Node]:
        """Return what stands at a path that others begin with; the last ones are known, and what is missing too."""
        climbed: List[str] = []
        path, known = directory, self._recent
        while path not in known:
            path, _, name = path.rpartition("/")
            climbed.append(name)
        node = known[path]
        for name in reversed(climbed):
            node = node.children.get(name) if node is not None and node.children is not None else None
        if climbed:
            if len(known) > _RECENT:
                known.clear()
                known[""] = self._tree.root
            known[directory] = node
        return node


def _between(path: str, old: _State, new: _State, old_digests: Digests, new_digests: Digests) -> Optional[Difference]:
    if isinstance(old, Node) and isinstance(new, Node):
        fields = tuple(_fields(old, new, old_digests, new_digests))
        return Difference(path, "changed", old, new, fields) if fields else None
    if isinstance(new, Node):
        if isinstance(old, _Gone):
            return Difference(path, "added", None, new, ())
        return Difference(path, "written", None, new, ()) if new.children is None else None
    if isinstance(old, Node):
        if isinstance(new, _Gone):
            return Difference(path, "removed", old, None, ())
        return Difference(path, "reverted", old, None, ()) if old.children is None else None
    if isinstance(old, _Unread) and isinstance(new, _Gone):
        return Difference(path, "removed", None, None, ())
    if isinstance(old, _Gone) and isinstance(new, _Unread):
        return Difference(path, "added", None, None, ())
    return None


def _fields(old: Node, new: Node, old_digests: Digests, new_digests: Digests) -> Iterator[str]:
    first, second = old.entry, new.entry
    kinds = (_kind(old), _kind(new))
    if kinds[0] != kinds[1]:
        yield "type"
        return
    if old.size != new.size:
        yield "size"
    if first.mode != second.mode and kinds[0] != "l":
        yield "mode"
    if (first.uid, first.gid) != (second.uid, second.gid):
        yield "owner"
    if kinds[0] == "l" and _target(old) != _target(new):
        yield "link"
    if first.device != second.device:
        yield "device"
    if dict(first.xattrs) != dict(second.xattrs):
        yield "xattrs"
    if kinds[0] == "-" and old.size == new.size:
        contents = (_digest(old, old_digests), _digest(new, new_digests))
        if contents[0] and contents[1]:
            if contents[0] != contents[1]:
                yield "content"
        elif first.mtime != second.mtime:
            yield "time"  # the content is not known, and may differ


def _kind(node: Node) -> str:
    return node.content[1].kind if node.content else node.entry.kind


def _target(node: Node) -> str:
    return node.content[1].target if node.content else node.entry.target


def _digest(node: Node, digests: Digests) -> Optional[bytes]:
    content = node.content
    if content is None:
        return None
    return digests.get(content[0], {}).get(content[1].offset)
