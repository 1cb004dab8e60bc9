"""What of images is held in memory at once: counted as it comes, and bounded. Pure.

Counted is what CPython takes for entries, and for the nodes of a merged view
they become, whatever their names and attributes are: some 700 bytes for an
ordinary one. Large images have many entries, hostile ones large ones: so the
bound is a sum over all that the process holds, and grows with the number of
entries.

The sum is kept once for the process, as it is the process that must not outgrow
the machine (250 MB in all, with the default limits). Who asks for more is
refused where the sum goes beyond its own limit: of two callers with different
limits the stricter one is refused first, also for what the other holds.
"""

from __future__ import annotations

import threading
from itertools import filterfalse
from operator import itemgetter
from sys import getsizeof
from typing import Mapping, Sequence, Set, Tuple

from ..limits import DEFAULT, LimitReached, Limits
from .entry import Entry

EACH = 1000  # bytes that merged views may take more for each entry beyond the free ones
FREE = 200_000  # entries
ENTRY = 285  # bytes: the tuple, its numbers, its sum, its place in a list
_NODE = 170  # the node, its place in its directory
_DIRECTORY = 300  # what a directory takes besides
_NAME = 50  # a text of no characters
_ORDINARY, _BASE = 128, 32  # characters of a path that is not long, and of its last component
_ODD = 300  # what an owner takes, or a device, that no other entry has
_ATTRIBUTE = 150  # one of no length
_OWNERS = 4096  # those that are shared
_SHARED = 64  # characters of an owner's name that is kept once
_owner_of = itemgetter(*map(Entry._fields.index, ("uid", "gid", "uname", "gname")))


class _Process:
    """All that the process holds."""

    def __init__(self) -> None:
        self.lock = threading.RLock()  # what is let go may be found while it is held, by the collector
        self.entries = 0
        self.memory = 0  # bytes
        self.viewed = 0  # entries that the views which are, or are to be, laid out may have together

    def take(self, entries: int, memory: int, limits: Limits) -> None:
        """Raises LimitReached where it is too much by these limits; nothing is taken then."""
        with self.lock:
            counted = min(self.entries + entries, self.viewed)
            most = limits.memory + EACH * max(0, counted - FREE)
            if memory > 0 and self.memory + memory > most:
                raise LimitReached("memory", limits.memory, "what is to be held takes too much memory")
            self.entries += entries
            self.memory += memory


_process = _Process()


class Holding:
    """What is held of one image; given back by ``close``, or when it is let go.

    ``merged``: it is laid out as a file system. Safe to use from several threads.
    """

    def __init__(self, merged: bool = True, limits: Limits = DEFAULT) -> None:
        self._limits = limits
        self._viewed = limits.view if merged else 0
        with _process.lock:
            _process.viewed += self._viewed
        self._each = ENTRY + (_NODE if merged else 0)
        self._owners: Set[Tuple[int, int, str, str]] = set()
        self._lock = threading.RLock()
        self.entries = 0
        self.memory = 0  # bytes

    def take(self, entries: Sequence[Entry]) -> None:
        """Record that these are held as well. Raises LimitReached where that is too much; they are not counted then."""
        self.add(len(entries), self.cost(entries))

    def cost(self, entries: Sequence[Entry]) -> int:
        """Return the bytes of memory that these take."""
        return self._each * len(entries) + self._texts(entries)

    def spend(self, memory: int) -> None:
        """Record that so many bytes are held besides. Raises LimitReached where that is too much."""
        self.add(0, memory)

    def add(self, entries: int, memory: int) -> None:
        """Count so much more, or less. Raises LimitReached where it is more than may be held."""
        with self._lock:
            if entries > 0 and self.entries + entries > self._limits.view:
                raise LimitReached("view", self._limits.view, "the image has too many entries to be held at once")
            _process.take(entries, memory, self._limits)
            self.entries += entries
            self.memory += memory

    def part(self) -> Part:
        """Return what is held for one purpose among all that is."""
        return Part(self)

    def close(self) -> None:
        """Give back all; may be called again."""
        self.add(-self.entries, -self.memory)
        with _process.lock:
            _process.viewed -= self._viewed
        self._viewed = 0

    def __del__(self) -> None:
        self.close()

    def _texts(self, entries: Sequence[Entry]) -> int:
        """Return the bytes that the texts of entries take, their attributes, and what makes them directories."""
        total, owners = _of_names([entry.name for entry in entries]), self._owners
        for owner in filterfalse(owners.__contains__, map(_owner_of, entries)):
            _, _, uname, gname = owner
            total += _ODD + 4 * (len(uname) + len(gname))
            if len(owners) < _OWNERS and len(uname) + len(gname) < _SHARED:
                owners.add(owner)
        for entry in entries:
            if entry.kind != "-":
                total += (getsizeof(entry.target) if entry.target else 0) + (_DIRECTORY if entry.kind == "d" else 0)
                total += _ODD if entry.device else 0
            if entry.xattrs:
                total += _of_attributes(entry.xattrs)
        return total


def _of_names(names: Sequence[str]) -> int:
    """Return the bytes that names take, each as a whole and its last component."""
    letters = "".join(names)
    if letters.isascii() and len(letters) <= _ORDINARY * len(names):
        return len(letters) + (_NAME + _NAME + _BASE) * len(names)
    total = 0
    for name in names:
        base = len(name) - 1 - name.rfind("/", 0, -1)
        total += getsizeof(name) + _NAME + (base if name.isascii() else 4 * base)
    return total


def _of_attributes(xattrs: Mapping[str, bytes]) -> int:
    return 100 + sum(_ATTRIBUTE + getsizeof(key) + len(value) for key, value in xattrs.items())


class Part:
    """What is held for one purpose: it can be let go by itself, else it is let go with the whole."""

    def __init__(self, holding: Holding) -> None:
        self._holding = holding
        self._entries = 0
        self._memory = 0  # bytes

    def take(self, entries: Sequence[Entry]) -> None:
        """As of Holding."""
        memory = self._holding.cost(entries)
        self._holding.add(len(entries), memory)
        self._entries += len(entries)
        self._memory += memory

    def empty(self) -> None:
        """Hold none of it any more."""
        self._holding.add(-self._entries, -self._memory)
        self._entries = self._memory = 0


class Lease:
    """Bytes that are held for a while, among all that is; ``close`` gives them back."""

    def __init__(self, limits: Limits = DEFAULT) -> None:
        self._limits = limits
        self._size = self._entries = 0

    def take(self, size: int, entries: int = 0) -> None:
        """Hold so many bytes more, for so many entries. Raises LimitReached where that is too much; none are then."""
        _process.take(entries, size, self._limits)
        self._size += size
        self._entries += entries

    def close(self) -> None:
        _process.take(-self._entries, -self._size, self._limits)
        self._size = self._entries = 0

    def __del__(self) -> None:
        self.close()
