"""Layers laid over one another: the file system that a container would see. Pure.

OCI image-spec ``layer.md``, "Applying Changesets" and "Whiteouts". Whiteouts
act on lower layers only, wherever they stand in the tar. A directory over a
directory merges, anything else replaces with its subtree. Of entries with one
name the last wins. A parent that is a symlink is followed inside of the image,
as container runtimes do; a parent that is missing is implied.
"""

from __future__ import annotations

from typing import Callable, Dict, Iterable, List, Optional, Tuple, Union

from ..errors import Action, InvalidDocument, Remedy
from ..formats.entry import OPAQUE, WHITEOUT_PREFIX, Entry
from ..limits import DEFAULT, Limits
from .node import IMPLIED, IMPLIED_ENTRY, Node, Removal, Unsafe, as_inode, normal, walk
from .tree import MAX_LINKS, STEPS_AN_ENTRY, FileSystem

MAX_IMPLIED = 500_000  # directories that no layer mentions
_KNOWN = 50_000  # directories that are found at once by their paths,
_LETTERS = 4_000_000  # which have no more characters together
_AUFS = WHITEOUT_PREFIX + WHITEOUT_PREFIX
# Bytes of memory that each takes, and its text besides; what is removed gives its node back, and a whiteout has none.
_IMPLIED, _REMOVAL, _COVERED = 400, 60, 150
_ODD = frozenset(("", ".", ".."))  # no names
_TOO_LONG, _LEADS_TOO_FAR = "a name too long", "a parent that leads to a name too long"
_LONGER = Remedy(Action.ALLOW_LONGER, "path")


class Tree(FileSystem):
    """The merged file system: ``apply`` the layers from the lowest up.

    ``keep_removed`` collects what later layers take away, in ``removed``.
    ``spend`` is told the bytes of memory that are taken besides the entries' own; it may raise LimitReached.
    """

    def __init__(
        self, keep_removed: bool = False, spend: Callable[[int], None] = lambda memory: None, limits: Limits = DEFAULT
    ) -> None:
        super().__init__(limits)
        self._spend = spend
        self.removed: List[Removal] = []
        self.unsafe: List[Unsafe] = []
        self.deletions: List[Tuple[str, int]] = []  # what whiteouts name: path, or dir/* of an opaque one, and layer
        self.covered: List[str] = []  # where something stood for a while that is no directory: nothing below is left
        self._keep_removed = keep_removed
        self._implied = 0
        self._through: Dict[str, Node] = {}  # directories by paths that end in symlinks to them; as ``_directories``
        self._letters = 0  # of the paths in both
        self._dangling: List[Node] = []  # hardlinks of the layer at hand whose target is not there yet
        self._below: Dict[str, Optional[Tuple[int, Entry]]] = {}  # targets of hardlinks before the layer's whiteouts

    def apply(self, number: int, entries: Iterable[Entry]) -> None:
        """Lay layer ``number`` over those applied so far.

        Raises InvalidDocument for a bomb of directories or links, and LimitReached.
        """
        longest = self.longest
        seen = [entry for entry in entries if not entry.hidden]  # after the end marker no runtime looks
        added = [entry for entry in seen if WHITEOUT_PREFIX not in entry.name]
        whiteouts = [entry for entry in seen if WHITEOUT_PREFIX in entry.name] if len(added) < len(seen) else []
        self._steps += STEPS_AN_ENTRY * len(seen)
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
                self._letters += len(name)
                if self._letters > _LETTERS or len(self._directories) > _KNOWN:
                    self._forget()
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
        if len(path) > self.longest:
            self._leave_out(entry, number, _TOO_LONG)
            return True
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
            self._delete(where + "*", number)
        elif victim in ("", ".", ".."):
            self._leave_out(entry, number, "a whiteout of nothing")
        else:
            parent = self.find(directory, follow=True)
            gone = parent.children.get(victim) if parent is not None and parent.children else None
            if gone is not None:
                self._remove(gone, number, "deleted")
            self._delete(where + victim, number)
        return True

    def _leave_out(self, entry: Entry, number: int, reason: str) -> None:
        self.unsafe.append(Unsafe(entry, number, reason, _LONGER if reason in (_TOO_LONG, _LEADS_TOO_FAR) else None))

    def _delete(self, path: str, number: int) -> None:
        self._spend(_bytes_of(path))
        self.deletions.append((path, number))

    def _add(self, entry: Entry, number: int) -> None:
        path = normal(entry.name)
        if path is None or len(path) > self.longest or (not path and entry.kind != "d"):
            reason = "'..' in its name" if path is None else _TOO_LONG if path else "no name"
            self._leave_out(entry, number, reason)
            return
        if not path:
            self.root.entry, self.root.layer = entry, number
            return
        directory, _, base = path.rpartition("/")
        parent = self._directories.get(directory) or self._through.get(directory) or self._directory(directory, number)
        if isinstance(parent, str):
            self._leave_out(entry, number, parent)
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
            self._know(self._directories, path, node)

    def _know(self, directories: Dict[str, Node], path: str, node: Node) -> None:
        """Remember where a directory is, for as long as there are not too many."""
        self._letters += len(path)
        if self._letters > _LETTERS or len(self._directories) + len(self._through) > _KNOWN:
            self._forget()
        directories[path] = node

    def _forget(self) -> None:
        self._directories.clear()
        self._through.clear()
        self._directories[""] = self.root
        self._letters = 0

    def _linked(self, entry: Entry) -> Optional[Tuple[int, Entry]]:
        """Return what a hardlink's target is at this moment: later changes of the target do not reach it."""
        path = normal(entry.target)
        node = self.find(path) if path and len(path) <= self.longest else None
        return node.content if node is not None and node.children is None else None

    def _directory(self, path: str, number: int) -> Union[Node, str]:
        """Return the directory ``path``, made where it is missing; or why there is none."""
        node = self.root
        parts = self._ahead(path)
        longest = self.longest
        links = length = 0
        while parts:
            part = parts.pop()
            if part == "..":
                length -= len(node.name) + 1 if node.parent is not None else 0
                node = node.parent or self.root
                continue
            assert node.children is not None
            child = node.children.get(part)
            target = child.leads_to if child is not None else None
            if target is not None:
                links += 1
                if links > MAX_LINKS:
                    return "a parent that is a loop of links"
                if len(target) > longest:
                    return _LEADS_TOO_FAR
                parts += self._ahead(target)
                if target.startswith("/"):
                    node, length = self.root, 0
                continue
            length += len(part) + 1
            if length > longest + 1:
                return _TOO_LONG
            node = child if child is not None and child.children is not None else self._made(node, part, number)
        self._know(self._through if links else self._directories, path, node)
        return node

    def _made(self, node: Node, name: str, number: int) -> Node:
        """Return the directory ``name`` in ``node`` that no layer mentions; what stands there goes."""
        assert node.children is not None
        old = node.children.get(name)
        if old is not None:
            self._remove(old, number, "replaced")
        self._implied += 1
        if self._implied > MAX_IMPLIED:
            raise InvalidDocument(
                "layer {} implies more than {} directories, so it is not laid out".format(number, MAX_IMPLIED)
            )
        self._spend(_IMPLIED + _bytes_of(name))
        made = node.children[name] = Node(name, node, IMPLIED_ENTRY, number)
        return made

    def _remove(self, node: Node, number: int, how: str) -> None:
        if self._keep_removed:
            for path, gone in walk(node, node.path):
                if (
                    gone.entry.offset != IMPLIED
                    and gone.layer != number
                    and (gone.children is None or how != "replaced")
                ):
                    self._spend(_REMOVAL + _bytes_of(path))
                    self.removed.append(Removal(path, gone.entry, gone.layer, number, how, gone.link))
        if node.children is None:
            self.covered.append(node.path)
            self._spend(_COVERED + _bytes_of(self.covered[-1]))
        assert node.parent is not None and node.parent.children is not None
        del node.parent.children[node.name]
        if node.children is not None or node.leads_to is not None:
            self._forget()  # some of them stand no more, or elsewhere


def _bytes_of(text: str) -> int:
    """Return how many bytes of memory its characters take at most."""
    return len(text) if text.isascii() else 4 * len(text)
