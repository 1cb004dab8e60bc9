"""A layer's entries put into columns, batch by batch: see ``columns`` for the format. Pure."""

from __future__ import annotations

from array import array
from typing import Any, Dict, Iterator, List, Sequence, Tuple

from ..formats.entry import Device, Entry
from .column_sections import LONG, REAL, WORD, check, join_texts, length_of, little_endian, pack_numbers

_MOST_OWNERS = 65536
_MOST_ATTRIBUTES = 16 * 2**20  # bytes
_BLOCK = 1000  # entries
# Bytes of memory: what each entry takes besides its texts, an owner, and something that few entries have.
_ENTRY, _OWNER, _ODD = 36, 400, 120


def pack(entries: Sequence[Entry]) -> bytes:
    """Return entries as bytes. Raises ValueError for what the format cannot hold."""
    writer = ColumnWriter()
    writer.add(entries)
    return b"".join(writer.packed())


class ColumnWriter:
    """Takes entries as they come; some 110 bytes of each are held."""

    def __init__(self) -> None:
        self.count = 0
        self._texts = bytearray(), bytearray()  # names and targets
        self._kinds = bytearray()
        self._codes = array(WORD)
        self._numbers = array(LONG), array(LONG), array(LONG)  # sizes, offsets, mtimes
        self._owners: Dict[Tuple[int, int, int, str, str], int] = {}
        self._rare = _Rare()

    def add(self, entries: Sequence[Entry]) -> None:
        """Take the next entries. Raises ValueError for what the format cannot hold."""
        # Block by block: one wide character makes all of a text take four times as much.
        for start in range(0, len(entries), _BLOCK):
            self._add(entries[start : start + _BLOCK])

    def _add(self, entries: Sequence[Entry]) -> None:
        names, kinds, modes, uids, gids, sizes, mtimes, targets, unames, gnames, *rare, offsets, hidden = zip(*entries)
        for texts, column in zip(self._texts, (names, targets)):
            texts += b"\0" if self.count else b""
            texts += join_texts(column)
        self._kinds += "".join(kinds).encode("ascii")
        owners, codes = self._owners, self._codes
        for owner in zip(modes, uids, gids, unames, gnames):
            codes.append(owners.setdefault(owner, len(owners)))
        check(len(owners) <= _MOST_OWNERS, "too many owners to be worth it")
        whole = mtimes
        if float in set(map(type, mtimes)):
            whole = tuple(0 if isinstance(mtime, float) else mtime for mtime in mtimes)
        try:
            for numbers, column in zip(self._numbers, (sizes, offsets, whole)):
                numbers.extend(column)
        except OverflowError:
            raise ValueError("a number beyond 64 bits") from None
        if whole is not mtimes or any(hidden) or any(map(any, rare)):
            self._rare.add(self.count, entries)
        self.count += len(entries)

    @property
    def size(self) -> int:
        """Bytes of memory that it takes, about."""
        return self.texts + _ENTRY * self.count + _OWNER * len(self._owners) + self._rare.size

    @property
    def texts(self) -> int:
        """Bytes of names and targets so far."""
        return sum(map(len, self._texts))

    def packed(self) -> Iterator[bytes]:
        """Yield all as bytes, of which only a part is made at a time. Raises ValueError as ``add`` does."""
        owners = list(self._owners)
        try:
            numbers = pack_numbers(LONG, [owner[place] for place in range(3) for owner in owners])
            named = join_texts([str(owner[place]) for place in (3, 4) for owner in owners])
            columns = [*self._texts, self._kinds, self._codes, *self._numbers, numbers, named, *self._rare.sections()]
        except OverflowError:
            raise ValueError("a number beyond 64 bits") from None
        for column in columns:
            section = little_endian(column[:]) if isinstance(column, array) else column
            yield length_of(section)
            yield section


class _Rare:
    """What few entries have, by the numbers of those."""

    def __init__(self) -> None:
        self._fractions: List[Tuple[int, float]] = []
        self._devices: List[Tuple[int, Device]] = []
        self._attributes: List[Tuple[int, str, bytes]] = []
        self._room = _MOST_ATTRIBUTES  # bytes
        self._hidden = array(WORD)
        self.size = 0  # bytes of memory, about

    def add(self, count: int, entries: Sequence[Entry]) -> None:
        for index, item in enumerate(entries, count):
            if isinstance(item.mtime, float):
                self._fractions.append((index, item.mtime))
                self.size += _ODD
            if item.device is not None:
                self._devices.append((index, item.device))
                self.size += _ODD
            if item.hidden:
                self._hidden.append(index)
            for key, value in item.xattrs.items():
                self._attributes.append((index, key, value))
                self._room -= len(value)
                self.size += _ODD + len(key) + len(value)
                check(self._room >= 0, "too large attributes to be worth it")

    def sections(self) -> Iterator[Any]:
        """Yield the last of the sections. Raises OverflowError, and ValueError for a NUL in a name."""
        yield array(WORD, [index for index, _ in self._fractions])
        yield array(REAL, [mtime for _, mtime in self._fractions])
        yield array(WORD, [index for index, _ in self._devices])
        yield array(LONG, [numbers[place] for place in range(2) for _, numbers in self._devices])
        attributes = self._attributes
        yield array(WORD, [index for index, _, _ in attributes])
        yield join_texts([key for _, key, _ in attributes])
        values = [value for *_, value in attributes]
        yield pack_numbers(WORD, map(len, values)) + b"".join(values)
        yield self._hidden
