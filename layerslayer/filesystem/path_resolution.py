"""What the layers of an image say about one path, entry by entry. Pure.

See ``lookup`` for how the layers are asked, and for what only all of them together can tell.
"""

from __future__ import annotations

from sys import getsizeof
from typing import TYPE_CHECKING, Callable, Dict, FrozenSet, NamedTuple, Optional, Sequence, Tuple, Union

from ..formats.entry import OPAQUE, WHITEOUT_PREFIX, Entry
from ..limits import DEFAULT, Limits
from ..oci.image import Layer
from .node import normal

if TYPE_CHECKING:
    from ..errors import Told

_STATED = 220  # bytes of memory that a name takes, besides its text
_TOLD_AT_ONCE = 256 * 1024  # bytes
_MOST_LETTERS = 5 * 10**8  # of parents looked up for one file; an image that takes more is asked as a whole


class Directory(NamedTuple):
    """The path is a directory."""

    path: str


class Absent(NamedTuple):
    """The path is not there; ``by`` is the layer that removed it, ``reason`` why else."""

    path: str
    by: Optional[int]
    reason: Told = ""


class Unclear(NamedTuple):
    """Only the merged view of all layers can tell what stands there."""

    path: str


class Link(NamedTuple):
    path: Optional[str]  # None when it cannot be told from names alone
    hard: bool


class Stated:
    """Which names are directories and which symlinks, by the top-most layer seen so far that says so.

    ``room`` is told the bytes of memory that they take, and may say that there
    is none left: then no more is known, and an image for which that matters is
    asked as a whole.
    """

    def __init__(self, room: Callable[[int], bool] = lambda memory: True, limits: Limits = DEFAULT) -> None:
        self.limits = limits
        self._room = room
        self._taken = 0  # bytes, since the room was told
        self._full = False
        self._found: Dict[str, Tuple[int, bool]] = {}  # layer, and whether it is a directory there
        self._modes: Dict[str, int] = {}  # permissions of some of those that are
        self._letters = 0  # of the names that were looked up

    def copy(self) -> Stated:
        twin = Stated(self._room, self.limits)
        twin._full = self._full
        twin._found = dict(self._found)
        twin._modes = dict(self._modes)
        return twin

    def add(self, name: str, number: int, directory: bool, mode: Optional[int] = None) -> None:
        known = self._found.get(name)
        if known is None and mode is None and not self._is_room_for(name):
            return
        if known is None or number >= known[0]:
            self._found[name] = (number, directory)
            if mode is not None:
                self._modes[name] = mode

    def _is_room_for(self, name: str) -> bool:
        self._taken += _STATED + getsizeof(name)
        if self._taken > _TOLD_AT_ONCE and not self._full:
            self._full = not self._room(self._taken)
            self._taken = 0
        return not self._full

    def replace(self, other: Stated) -> None:
        self._found = other._found
        self._modes = other._modes
        self._full = self._full or other._full

    def is_link(self, name: str) -> bool:
        return not self._found.get(name, (0, True))[1]

    def mode_of(self, name: str) -> Optional[int]:
        """Return the permissions of a directory; None where they are not known."""
        return self._modes.get(name) if self.is_directory(name) else None

    def is_directory(self, name: str) -> bool:
        self._letters += len(name)
        return self._tells and self._found.get(name, (0, False))[1]

    def above(self, name: str, number: int, highest: Optional[int]) -> bool:
        """Whether a layer above ``number`` (and not above ``highest``) has it as a directory."""
        layer, directory = self._found.get(name, (-1, False))
        return directory and layer > number and (highest is None or layer <= highest)

    def all_above(self, path: str, unless_stated: bool = False) -> bool:
        """Whether all it leads through are directories; of unknown ones ``unless_stated``, if it takes long False."""
        parent = path.rpartition("/")[0]
        while parent and self._tells and self._found.get(parent, (0, unless_stated))[1]:
            self._letters += len(parent)
            parent = parent.rpartition("/")[0]
        return not parent

    @property
    def _tells(self) -> bool:
        return not self._full and self._letters <= _MOST_LETTERS


class Watch:
    """What a layer's entries say about one path; ``stands_at`` is where a symlink there counts its way from.

    ``stated`` collects the directories that layers state, ``linked`` is the layer
    with the hardlink that led here: its whiteouts do not reach what is linked.
    ``ends`` are the first and the last layer that are asked.
    """

    def __init__(
        self, path: str, stands_at: str, stated: Stated, linked: Optional[Layer], ends: Tuple[int, ...]
    ) -> None:
        self.path = path
        self._stands_at = stands_at
        self._stated = stated
        self._linked = linked.number if linked else None
        self._ends = ends
        self.directory = False  # some layer has it as one
        self.unclear = False  # it may have, or have lost, another name
        parts = path.split("/")
        self._parents: FrozenSet[str] = frozenset("/".join(parts[:end]) for end in range(1, len(parts)))
        self._removers = {_sibling(name, WHITEOUT_PREFIX + name.rpartition("/")[2]) for name in (*self._parents, path)}
        self._removers |= {name + "/" + OPAQUE for name in self._parents} | {OPAQUE}
        self._base = parts[-1]
        self._inside = path + "/"
        self._aliases = ("/" + parts[-1], "/" + WHITEOUT_PREFIX + parts[-1])
        self.begin(0)

    def begin(self, number: int) -> None:
        """Layer ``number`` begins."""
        self._number = number
        self.file: Optional[Entry] = None
        self._link: Optional[Link] = None
        self._symlink: Optional[Tuple[str, str, str]] = None  # where one stands, its target, what of the path is behind
        self._latest = -1  # offset of the last entry noted that stands at the path
        self._removed = False
        self._blocked = False
        # Parents that a layer above has as directories: what else they are from here on is gone.
        self._replaced = {name for name in self._parents if self._stated.above(name, number, self._linked)}

    def saved(self) -> Tuple[Stated, bool, bool]:
        """Return what ``restore`` takes this layer's entries back by, those that came and those to come."""
        return self._stated.copy(), self.directory, self.unclear

    def restore(self, saved: Tuple[Stated, bool, bool]) -> None:
        """Be as it was, and begin the layer anew."""
        stated, self.directory, self.unclear = saved
        self._stated.replace(stated)
        self.begin(self._number)

    def note(self, entries: Sequence[Entry]) -> None:
        """Take note of the next entries' directories, before ``wants`` and ``see``."""
        for entry in entries:
            if self._base in entry.name and not entry.hidden and normal(entry.name) == self.path:
                self._latest = entry.offset
            if entry.kind in "dl" and not entry.hidden:
                clean = normal(entry.name)
                if clean is not None:
                    mode = entry.mode if clean in self._parents else None
                    self._stated.add(clean, self._number, entry.kind == "d", mode)

    @property
    def link(self) -> Optional[Link]:
        """Where the last link there leads, as far as the layer is known."""
        if self._symlink is not None:
            self._link, self._symlink = Link(_joined(*self._symlink, self._stated), False), None
        return self._link

    @property
    def decided(self) -> bool:
        """Whether a stream of the layer may end here, but for a file's bytes."""
        return self.file is not None or self.link is not None or self.unclear

    def may_decide(self, entries: Sequence[Entry]) -> bool:
        """Whether one of the next entries probably decides; nothing is taken of them."""
        for entry in entries:
            if entry.kind != "d" and not entry.hidden:
                clean = normal(entry.name)
                if clean == self.path or clean in self._parents:
                    return True
        return False

    def wants(self, entry: Entry) -> bool:
        """Whether a regular file's bytes are what is sought, for sure."""
        if entry.offset != self._latest or (self.file is not None and self.file.offset != entry.offset):
            return False  # another of that name is known to be the last
        return normal(entry.name) == self.path and self._is_sure(self.path)

    def _is_sure(self, path: str) -> bool:
        """Whether the path is no other one too: no directory above it can be a symlink of a layer further down."""
        return self._stated.all_above(path, self._number in self._ends)  # nor, in those, one of the same layer

    def see(self, entries: Sequence[Entry]) -> None:
        """Take the next entries of the layer."""
        path, parents = self.path, self._parents
        for entry in entries:
            name = entry.name
            if entry.hidden:
                continue
            clean = normal(name)
            if clean is None:
                continue
            if clean == path:
                self._here(entry)
                self.unclear = self.unclear or not self._is_sure(clean)
            elif clean in parents:
                if clean in self._replaced:
                    self._blocked |= entry.kind != "d"
                elif entry.kind == "l":
                    self._symlink = (clean, entry.target, path[len(clean) + 1 :])
                    self.unclear = self.unclear or not self._is_sure(clean)
                elif entry.kind != "d":
                    self._blocked = True
            elif clean in self._removers:
                self._removed = True
                self.unclear = self.unclear or not self._is_sure(clean)
            elif clean.startswith(self._inside) and WHITEOUT_PREFIX not in clean:
                self.directory = True
            elif clean.endswith(self._aliases):
                self.unclear = self.unclear or not self._stated.all_above(clean, self._number in self._ends[-1:])

    def _here(self, entry: Entry) -> None:
        self.file = self._link = self._symlink = None
        if entry.kind == "d":
            self.directory = True
        elif entry.kind == "l":
            self._symlink = (self._stands_at, entry.target, "")
        elif entry.kind == "h":
            target = normal(entry.target) if len(entry.target) <= self._stated.limits.path else None
            self._link = Link(target, True) if target else None
            self._blocked = not target
        elif entry.kind == "-":
            self.file = entry
        else:
            self._blocked = True

    def outcome(self, layer: Layer) -> Union[Directory, Absent, Unclear, Link, None]:
        """Say, once the layer has ended, what that means; None: look further down."""
        if self.unclear:
            return Unclear(self.path)
        if self.link:
            return self.link
        if self.directory:
            return Directory(self.path)
        if self._blocked:
            return Absent(self.path, None, "it is no regular file")
        if self._removed and layer.number != self._linked:
            return Absent(self.path, layer.number)
        return None


def _sibling(path: str, name: str) -> str:
    directory = path.rpartition("/")[0]
    return directory + "/" + name if directory else name


def _joined(link: str, target: str, rest: str, stated: Stated) -> Optional[str]:
    """Return where a symlink at ``link`` leads, with ``rest`` behind; ``..`` stops at the root.

    None for paths too long, and when a ``..`` comes after what is not known to be a directory.
    """
    if len(target) > stated.limits.path:
        return None
    parts = [] if target.startswith("/") else link.split("/")[:-1]
    for part in (target + "/" + rest).split("/"):
        if part == "..":
            if parts and not stated.is_directory("/".join(parts)):
                return None
            del parts[-1:]
        elif part not in ("", "."):
            parts.append(part)
    path = "/".join(parts)
    return path if len(path) <= stated.limits.path else None
