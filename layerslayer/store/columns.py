"""A layer's entries as a few columns of bytes: small, and loaded ten times as fast as rows. Pure.

Format, version 1 (integers little endian)::

    sections   8 bytes length, then that many bytes, for each of
               names, targets      texts joined by NUL, UTF-8 with surrogates passed
               kinds               one letter each
               owners              uint32 each: which of the "owners" below
               sizes, offsets      int64 each
               mtimes              int64 each; 0 where "mtimes" below has it
               rest                JSON: owners (mode, uid, gid, uname, gname),
                                   mtimes, devices, xattrs (base64), hidden, by index
"""

from __future__ import annotations

import base64
import json
import sys
from array import array
from functools import partial
from itertools import repeat
from typing import Any, Dict, Iterable, Iterator, List, Sequence, Union

from ..entries import Device, Entry

_SECTIONS = 8
_ROOM = 8  # bytes of a section's length
_BLOCK = 1000  # texts
_TEXT = 64 * 1024  # bytes of texts
_MOST_OWNERS = 65536
_MOST_ATTRIBUTES = 16 * 2**20  # bytes


def pack(entries: Sequence[Entry]) -> bytes:
    """Return entries as bytes. Raises ValueError for what the format cannot hold."""
    return b"".join(packed(entries))


def packed(entries: Sequence[Entry]) -> Iterator[bytes]:
    """Yield entries as bytes, of which only a part is held at a time. Raises as ``pack``."""
    owners: Dict[Any, int] = {}
    codes = array("I")
    mtimes, rest_times = array("q"), {}
    devices: Dict[int, List[int]] = {}
    xattrs: Dict[int, Dict[str, str]] = {}
    hidden: List[int] = []
    large = 0  # bytes of attributes
    for index, entry in enumerate(entries):
        codes.append(owners.setdefault((entry.mode, entry.uid, entry.gid, entry.uname, entry.gname), len(owners)))
        if len(owners) > _MOST_OWNERS:
            raise ValueError("too many owners to be worth it")
        if isinstance(entry.mtime, int) and -(2**63) <= entry.mtime < 2**63:
            mtimes.append(entry.mtime)
        else:
            mtimes.append(0)
            rest_times[index] = entry.mtime
        if entry.device:
            devices[index] = list(entry.device)
        if entry.xattrs:
            large += sum(map(len, entry.xattrs.values()))
            if large > _MOST_ATTRIBUTES:
                raise ValueError("too large attributes to be worth it")
            xattrs[index] = {key: base64.b64encode(value).decode() for key, value in entry.xattrs.items()}
        if entry.hidden:
            hidden.append(index)
    try:
        sizes, offsets = array("q", [item.size for item in entries]), array("q", [item.offset for item in entries])
    except OverflowError:
        raise ValueError("a number beyond 64 bits") from None
    rest = {"owners": list(owners), "mtimes": rest_times, "devices": devices, "xattrs": xattrs, "hidden": hidden}
    yield from _section(_joined([item.name for item in entries]))
    yield from _section(_joined([item.target for item in entries]))
    yield from _section("".join([item.kind for item in entries]).encode("ascii"))
    for column in (codes, sizes, offsets, mtimes):
        yield from _section(_little(column))
    # Not escaped: JSON would read two escaped surrogates that stand side by side as one character.
    yield from _section(json.dumps(rest, ensure_ascii=False).encode("utf-8", "surrogatepass"))


def _section(section: bytes) -> Iterator[bytes]:
    yield len(section).to_bytes(_ROOM, "little")
    yield section


def unpack(data: bytes) -> List[Entry]:
    """Return the entries that ``pack`` was given. Raises ValueError for other bytes."""
    try:
        return _unpacked(_sections(data))
    except (KeyError, IndexError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError("not what was packed: {}".format(error)) from None


def _unpacked(sections: List[memoryview]) -> List[Entry]:
    # Half of what this takes is memory touched for the first time, hence few copies and no columns of one value.
    rest = json.loads(str(sections[7], "utf-8", "surrogatepass"))
    kinds = str(sections[2], "ascii")
    count = len(kinds)
    codes, sizes, offsets, mtimes = (
        _column(letter, section) for letter, section in zip("Iqqq", (sections[3], *sections[4:7]))
    )
    names, targets = _split(sections[0], count), _split(sections[1], count)
    if not all(len(column) == count for column in (names, targets, codes, sizes, offsets, mtimes)):
        raise ValueError("columns of different lengths")
    owners = [tuple(owner) for owner in rest["owners"]]
    columns = [[owner[place] for owner in owners] for place in range(5)]
    modes, uids, gids, unames, gnames = (map(values.__getitem__, codes) for values in columns)
    times: Union[array[int], List[Any]] = mtimes
    if rest["mtimes"]:
        times = mtimes.tolist()
        for index, value in rest["mtimes"].items():
            times[int(index)] = value
    devices = _sparse({int(index): Device(*value) for index, value in rest["devices"].items()}, None, count)
    xattrs = _sparse(
        {
            int(index): {key: base64.b64decode(text) for key, text in value.items()}
            for index, value in rest["xattrs"].items()
        },
        _NONE,
        count,
    )
    hidden = _sparse(dict.fromkeys(rest["hidden"], True), False, count)
    rows = zip(names, kinds, modes, uids, gids, sizes, times, targets, unames, gnames, devices, xattrs, offsets, hidden)
    return list(map(partial(tuple.__new__, Entry), rows))


_NONE: Dict[str, bytes] = {}


def _sparse(values: Dict[int, Any], default: Any, count: int) -> Iterable[Any]:
    """Return a column of ``count`` values, nearly all of them the default. Raises IndexError."""
    if not values:
        return repeat(default)
    column = [default] * count
    for index, value in values.items():
        column[index] = value
    return column


def _joined(texts: List[str]) -> bytes:
    # Block by block: one wide character makes all of a text take four times as much.
    blocks = (texts[at : at + _BLOCK] for at in range(0, len(texts), _BLOCK))
    joined = b"\0".join(["\0".join(block).encode("utf-8", "surrogatepass") for block in blocks])
    if joined.count(b"\0") != max(len(texts) - 1, 0):
        raise ValueError("a NUL in a name")
    return joined


def _split(section: memoryview, count: int) -> List[str]:
    if not count:
        return []
    data, found, at = bytes(section), [], 0
    while True:
        end = data.find(b"\0", at + _TEXT)
        found += str(data[at : end if end >= 0 else len(data)], "utf-8", "surrogatepass").split("\0")
        if end < 0:
            return found
        at = end + 1


def _little(column: Any) -> bytes:
    if sys.byteorder == "big":
        column.byteswap()
    return bytes(column.tobytes())


def _column(letter: str, section: memoryview) -> array[int]:
    column = array(letter)
    column.frombytes(section)
    if sys.byteorder == "big":
        column.byteswap()
    return column


def _sections(packed: bytes) -> List[memoryview]:
    data = memoryview(packed)
    found: List[memoryview] = []
    at = 0
    for _ in range(_SECTIONS):
        length = int.from_bytes(data[at : at + _ROOM], "little")
        section = data[at + _ROOM : at + _ROOM + length]
        if len(section) != length:
            raise ValueError("a section is cut short")
        found.append(section)
        at += _ROOM + length
    if at != len(data):
        raise ValueError("bytes after the last section")
    return found
