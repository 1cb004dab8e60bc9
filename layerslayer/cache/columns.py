"""A layer's entries as a few columns of bytes: small, and loaded ten times as fast as rows. Pure.

What is read is checked as if it came from a stranger; it takes memory in
proportion to its bytes, whatever they are. ``column_writer`` makes them.

Format, version 2 (integers little endian; texts are UTF-8, other bytes as they were, joined by NUL)::

    sections   8 bytes length, then that many bytes, for each of
               names, targets                  texts
               kinds                           one letter each
               owners                          uint32 each: which of those below
               sizes, offsets, mtimes          int64 each; offsets ascend
               modes, uids, gids               of the owners: int64, all modes first
               their names                     texts: all users first
               fractions                       uint32: of which entries; then float64 each, in place of the mtime
               devices                         uint32: of which entries; then int64: all majors first
               attributes                      uint32: of which entries; keys; uint32 lengths; the values
               hidden                          uint32: which entries
"""

from __future__ import annotations

import math
import sys
from array import array
from functools import partial
from itertools import repeat
from operator import le, lt
from typing import Any, Dict, Iterable, Iterator, List, Sequence, Union

from ..formats.entry import Device, Entry

_SECTIONS = 17
ROOM = 8  # bytes of a section's length
_KINDS = frozenset("-dlhcbp?")
WORD, LONG, REAL = "I", "q", "d"  # of 4, 8 and 8 bytes
_GREATEST_MODE = 0o7777
_TEXT = 64 * 1024  # bytes of texts
MOST_ATTRIBUTES = 16 * 2**20  # bytes
_NONE: Dict[str, bytes] = {}


def unpack(data: bytes, most: int = 2**31) -> List[Entry]:
    """Return the entries that were packed. Raises ValueError for other bytes, and for more than ``most``."""
    # Half of what this takes is memory touched for the first time, hence few copies and no columns of one value.
    parts = _sections(data)
    count = len(parts[2])
    check(count <= most, "too many")
    kinds = str(parts[2], "ascii")
    names, targets = _split(parts[0], count), _split(parts[1], count)
    codes, sizes, offsets, mtimes = _columns(parts[3:7], count)
    check(set(kinds) <= _KINDS, "kinds")
    check(not count or (min(sizes) >= 0 and offsets[0] >= 0 and all(map(lt, offsets, offsets[1:]))), "sizes or places")
    modes, uids, gids, unames, gnames = (
        map(values.__getitem__, codes) for values in _owners(parts[7], parts[8], max(codes, default=-1))
    )
    rows = zip(
        names,
        kinds,
        modes,
        uids,
        gids,
        sizes,
        _times(mtimes, parts[9], parts[10]),
        targets,
        unames,
        gnames,
        _devices(parts[11], parts[12], kinds),
        _attributes(parts[13], parts[14], parts[15], count),
        offsets,
        _column_of(dict.fromkeys(_indices(parts[16], count, lt), True), False, count),
    )
    return list(map(partial(tuple.__new__, Entry), rows))


def _columns(parts: Sequence[memoryview], count: int) -> Iterator[Any]:
    """Yield the four columns of numbers, each of ``count``."""
    for letter, part in zip((WORD, LONG, LONG, LONG), parts):
        column = _array(letter, part)
        check(len(column) == count, "columns of different lengths")
        yield column


def _owners(numbers: memoryview, names: memoryview, greatest: int) -> List[Sequence[Any]]:
    """Return what the owners' codes, the greatest of which is given, stand for: modes, uids, gids and names."""
    values = _array(LONG, numbers)
    count = len(values) // 3
    modes, uids, gids = values[:count], values[count : 2 * count], values[2 * count :]
    check(len(values) == 3 * count and greatest < count, "owners")
    check(not count or (min(modes) >= 0 and max(modes) <= _GREATEST_MODE), "modes")
    texts = _split(names, 2 * count)
    return [modes, uids, gids, texts[:count], texts[count:]]


def _times(mtimes: array[int], places: memoryview, fractions: memoryview) -> Union[array[int], List[Any]]:
    indices, values = _indices(places, len(mtimes), lt), _array(REAL, fractions)
    check(len(indices) == len(values) and all(map(math.isfinite, values)), "times")
    if not indices:
        return mtimes
    times: List[Any] = mtimes.tolist()
    for index, value in zip(indices, values):
        times[index] = value
    return times


def _devices(places: memoryview, numbers: memoryview, kinds: str) -> Iterable[Any]:
    indices, values = _indices(places, len(kinds), lt), _array(LONG, numbers)
    count = len(indices)
    fitting = kinds.count("b") + kinds.count("c") == count and all(kinds[index] in "bc" for index in indices)
    check(fitting and len(values) == 2 * count and min(values, default=0) >= 0, "devices")
    return _column_of(dict(zip(indices, map(Device, values[:count], values[count:]))), None, len(kinds))


def _attributes(places: memoryview, keys: memoryview, contents: memoryview, count: int) -> Iterable[Any]:
    indices = _indices(places, count, le)
    names = _split(keys, len(indices))
    lengths = _array(WORD, contents[: 4 * len(indices)])
    at = 4 * len(lengths)
    check(len(lengths) == len(indices) and at + sum(lengths) == len(contents), "attributes")
    found: Dict[int, Dict[str, bytes]] = {}
    for index, name, length in zip(indices, names, lengths):
        found.setdefault(index, {})[name] = bytes(contents[at : at + length])
        at += length
    return _column_of(found, _NONE, count)


def _column_of(values: Dict[int, Any], default: Any, count: int) -> Iterable[Any]:
    """Return a column of ``count`` values, nearly all of them the default."""
    if not values:
        return repeat(default)
    column = [default] * count
    for index, value in values.items():
        column[index] = value
    return column


def _indices(section: memoryview, count: int, order: Any) -> array[int]:
    """Return which of ``count`` entries are meant; they stand in order."""
    found = _array(WORD, section)
    check(all(map(order, found, found[1:])) and (not found or found[-1] < count), "indices")
    return found


def _split(section: memoryview, count: int) -> List[str]:
    """Return ``count`` texts."""
    data = bytes(section)
    check(data.count(0) == count - 1 if count else not data, "texts")
    found: List[str] = []
    at = 0
    while count:
        end = data.find(b"\0", at + _TEXT)
        found += str(data[at : end if end >= 0 else len(data)], "utf-8", "surrogateescape").split("\0")
        if end < 0:
            break
        at = end + 1
    return found


def _array(letter: str, section: memoryview) -> array[Any]:
    column: array[Any] = array(letter)
    column.frombytes(section)
    if sys.byteorder == "big":
        column.byteswap()
    return column


def _sections(packed: bytes) -> List[memoryview]:
    data = memoryview(packed)
    found: List[memoryview] = []
    at = 0
    for _ in range(_SECTIONS):
        length = int.from_bytes(data[at : at + ROOM], "little")
        section = data[at + ROOM : at + ROOM + length]
        check(len(section) == length, "a section is cut short")
        found.append(section)
        at += ROOM + length
    check(at == len(data), "bytes after the last section")
    return found


def check(holds: bool, what: str) -> None:
    """Raise ValueError unless something holds."""
    if not holds:
        raise ValueError("not what was packed: {}".format(what))
