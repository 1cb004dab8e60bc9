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
from array import array
from functools import partial
from itertools import repeat
from operator import le, lt
from typing import Any, Dict, Iterable, Iterator, List, Sequence, Union

from ..formats.entry import Device, Entry
from .column_sections import (
    LONG,
    REAL,
    WORD,
    check,
    split_sections,
    split_texts,
    unpack_numbers,
)

_SECTIONS = 17
_KINDS = frozenset("-dlhcbp?")
_GREATEST_MODE = 0o7777
_NONE: Dict[str, bytes] = {}


def unpack(data: bytes, most: int = 2**31) -> List[Entry]:
    """Return the entries that were packed. Raises ValueError for other bytes, and for more than ``most``."""
    # Half of what this takes is memory touched for the first time, hence few copies and no columns of one value.
    parts = split_sections(data, _SECTIONS)
    count = len(parts[2])
    check(count <= most, "too many")
    kinds = str(parts[2], "ascii")
    names, targets = split_texts(parts[0], count), split_texts(parts[1], count)
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
        column = unpack_numbers(letter, part)
        check(len(column) == count, "columns of different lengths")
        yield column


def _owners(numbers: memoryview, names: memoryview, greatest: int) -> List[Sequence[Any]]:
    """Return what the owners' codes, the greatest of which is given, stand for: modes, uids, gids and names."""
    values = unpack_numbers(LONG, numbers)
    count = len(values) // 3
    modes, uids, gids = values[:count], values[count : 2 * count], values[2 * count :]
    check(len(values) == 3 * count and greatest < count, "owners")
    check(not count or (min(modes) >= 0 and max(modes) <= _GREATEST_MODE), "modes")
    texts = split_texts(names, 2 * count)
    return [modes, uids, gids, texts[:count], texts[count:]]


def _times(mtimes: array[int], places: memoryview, fractions: memoryview) -> Union[array[int], List[Any]]:
    indices, values = _indices(places, len(mtimes), lt), unpack_numbers(REAL, fractions)
    check(len(indices) == len(values) and all(map(math.isfinite, values)), "times")
    if not indices:
        return mtimes
    times: List[Any] = mtimes.tolist()
    for index, value in zip(indices, values):
        times[index] = value
    return times


def _devices(places: memoryview, numbers: memoryview, kinds: str) -> Iterable[Any]:
    indices, values = _indices(places, len(kinds), lt), unpack_numbers(LONG, numbers)
    count = len(indices)
    fitting = kinds.count("b") + kinds.count("c") == count and all(kinds[index] in "bc" for index in indices)
    check(fitting and len(values) == 2 * count and min(values, default=0) >= 0, "devices")
    return _column_of(dict(zip(indices, map(Device, values[:count], values[count:]))), None, len(kinds))


def _attributes(places: memoryview, keys: memoryview, contents: memoryview, count: int) -> Iterable[Any]:
    indices = _indices(places, count, le)
    names = split_texts(keys, len(indices))
    lengths = unpack_numbers(WORD, contents[: 4 * len(indices)])
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
    found = unpack_numbers(WORD, section)
    check(all(map(order, found, found[1:])) and (not found or found[-1] < count), "indices")
    return found
