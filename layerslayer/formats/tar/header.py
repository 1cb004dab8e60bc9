"""A tar header block becomes an entry: carefully, or fast where nothing is unusual. Pure.

Where two readers could disagree this one follows Go's archive/tar, which
container runtimes use: pax records go before header fields (CVE-2025-62518),
GNU long names before both.
"""

from __future__ import annotations

import struct
from typing import Dict, List, Mapping, NamedTuple, Optional, Tuple, TypeVar, Union
from zlib import adler32

from ..entry import Device, Entry, too_long
from .fields import number, sum_expected, text
from .pax import Overrides

BLOCK = 512
# Distinct field values remembered, so that a hostile layer cannot fill memory.
_VALUES = 8192
_OWNERS = 16  # and for each of them
_MODES = 256

_KINDS = {b"0": "-", b"\0": "-", b"7": "-", b"S": "-", b"1": "h", b"2": "l", b"3": "c", b"4": "b", b"5": "d", b"6": "p"}
_ORDINARY = {b"0": "-", b"1": "h", b"2": "l", b"5": "d"}  # no device, no map, nothing implied
_BODILESS = frozenset("hlcbdp")
# name, mode+uid+gid, size, mtime, checksum, typeflag, linkname, magic+uname+gname, devices, prefix and rest
_FIELDS = struct.Struct("100s24s12s12s8sc100s72s16s167s")
_ORDINARY_FIELDS = struct.Struct("100s24s12s12s8sc100x72s16x167s")
_NO_XATTRS: Mapping[str, bytes] = {}
Value = TypeVar("Value")
_V7, _USTAR, _GNU = 0, 1, 2  # the older two have no prefix; of V7 the fields from the magic on are not there at all
_Owner = Tuple[int, int, int, str, str, int]  # mode, uid, gid, uname, gname, which of these formats


class Pending:
    """What extension headers have said about the member that follows them."""

    __slots__ = ("name", "pax", "sparse", "start", "target")

    def __init__(self, start: int) -> None:
        self.start = start
        self.pax: Dict[str, bytes] = {}
        self.sparse = False  # any of them, also one that a later one replaces
        self.name = ""
        self.target = ""


class Member(NamedTuple):
    """An entry, the length of its body, whether sparse map blocks come before that, and whether it is the content."""

    entry: Entry
    body: int
    mapped: bool
    plain: bool


def padding(length: int) -> int:
    """Return how many bytes fill a body's last block."""
    return -length % BLOCK


class MemberReader:
    """Makes entries of header blocks; remembers the values that recur."""

    def __init__(self) -> None:
        self._owners: Dict[bytes, Dict[bytes, _Owner]] = {}  # by magic and names, then by mode and ids
        self._numbers: Dict[bytes, int] = {}
        self._sums: Dict[bytes, int] = {}

    def ordinary(self, data: bytes, start: int, base: int, entries: List[Entry]) -> Tuple[int, int]:
        """Walk over files, directories and links from ``data[start]``, appending entries.

        Stop before a block that needs care (extensions, odd types, the end, damage) or is not all there. ``data[0]``
        stands at ``base`` of the tar. Return where that is, perhaps beyond ``data``, and the last body's length.
        """
        # Nearly every header of every layer passes here, hence the local names and the few calls.
        numbers, sums, new = self._numbers, self._sums, tuple.__new__
        unpack, append = _ORDINARY_FIELDS.unpack_from, entries.append
        body, last_names, by_perms = 0, b"", self._of(b"")
        try:
            while start <= len(data) - BLOCK:
                raw_name, perms, raw_size, raw_mtime, raw_sum, flag, names, prefix = unpack(data, start)
                kind = _ORDINARY.get(flag)
                expected = sums.get(raw_sum) or self._sum(raw_sum)
                if kind is None or adler32(data[start : start + BLOCK]) & 0xFFFF != expected:
                    break
                if names != last_names:
                    last_names, by_perms = names, self._of(names)
                mode, uid, gid, uname, gname, prefixed = by_perms.get(perms) or self._owner(perms, names)
                size, mtime = numbers.get(raw_size, -1), numbers.get(raw_mtime)
                if size < 0:  # a time may be negative, a size may not
                    size = self._number(raw_size, "size")
                if mtime is None:
                    mtime = self._number(raw_mtime, "mtime", True)
                name = raw_name.partition(b"\0")[0].decode("utf-8", "surrogateescape")
                if prefix[0] and prefixed == _GNU:
                    break  # times, or what a writer that knew no better put there
                if prefix[0] and prefixed == _USTAR:
                    name = _prefix(prefix) + "/" + name
                target, body = "", size
                if kind != "-":
                    target, body = text(data[start + 157 : start + 257]) if kind != "d" else "", 0
                where = base + start
                values = (name, kind, mode, uid, gid, size, mtime, target, uname, gname, None, _NO_XATTRS, where, False)
                append(new(Entry, values))
                start += BLOCK + (body + BLOCK - 1) // BLOCK * BLOCK
        except ValueError:
            pass  # a field that cannot be read; the careful way says which
        return start, body

    def member(self, header: bytes, pending: Optional[Pending], offset: int, hidden: bool) -> Member:
        """Read any member's header, with what extensions said of it. Raises ValueError."""
        raw_name, perms, raw_size, raw_mtime, _, flag, raw_target, names, devices, prefix = _FIELDS.unpack(header)
        mode, uid, gid, uname, gname, format_ = self._owner(perms, names)
        size = body = self._number(raw_size, "size")
        mtime: Union[int, float] = self._number(raw_mtime, "mtime", True)
        kind = _KINDS.get(flag, "?")
        name = _prefixed(prefix, text(raw_name), format_)
        target = text(raw_target) if kind in "hl" else ""
        xattrs = _NO_XATTRS
        if pending is not None:
            offset = pending.start
            if pending.pax:
                pax = Overrides(pending.pax)
                body = pax.number("size", body)
                size = pax.full_size(body)
                name = pax.sparse_name(pax.text("path", name))
                target = pax.text("linkpath", target) if kind in "hl" else ""
                mtime = pax.time("mtime", mtime)
                uid, gid = pax.number("uid", uid, signed=True), pax.number("gid", gid, signed=True)
                uname, gname = pax.text("uname", uname), pax.text("gname", gname)
                xattrs = pax.xattrs()
            name = pending.name or name
            target = pending.target or target if kind in "hl" else ""
            odd = too_long(name, target, uname, gname)
            if odd:
                raise ValueError(odd)
        mapped, plain = False, pending is None or not pending.sparse
        if kind in _BODILESS:
            body = 0
        elif flag == b"\0" and name.endswith("/"):
            kind, body = "d", 0  # how tar said "directory" before there was a type for it
        elif flag == b"S":
            size, mapped = self._number(header[483:495], "sparse size"), bool(header[482])
            plain = plain and format_ == _GNU and not mapped and size == body and _without_holes(header[386:482], size)
        device = _device(devices, format_) if kind in "bc" else None
        entry = Entry(name, kind, mode, uid, gid, size, mtime, target, uname, gname, device, xattrs, offset, hidden)
        return Member(entry, body, mapped, plain and size == body)

    # -- values that recur ------------------------------------------------

    def _sum(self, field: bytes) -> int:
        expected = sum_expected(field)
        if expected >= 0:
            _remember(self._sums, field, expected)
        return expected

    def _of(self, names: bytes) -> Dict[bytes, _Owner]:
        by_perms = self._owners.get(names)
        if by_perms is None:
            by_perms = {}
            _remember(self._owners, names, by_perms, _OWNERS)
        return by_perms

    def _owner(self, perms: bytes, names: bytes) -> _Owner:
        by_perms = self._of(names)
        owner = by_perms.get(perms)
        if owner is None:
            mode = number(perms[:8], "mode") & 0o7777
            uid, gid = number(perms[8:16], "uid", signed=True), number(perms[16:], "gid", signed=True)
            format_ = _USTAR if names.startswith(b"ustar\0") else _GNU if names.startswith(b"ustar  \0") else _V7
            uname, gname = (text(names[8:40]), text(names[40:])) if format_ else ("", "")
            owner = (mode, uid, gid, uname, gname, format_)
            _remember(by_perms, perms, owner, _MODES)
        return owner

    def _number(self, field: bytes, what: str, signed: bool = False) -> int:
        value = self._numbers.get(field)
        if value is None or value < 0:
            value = number(field, what, signed)
            _remember(self._numbers, field, value)
        return value


def _remember(cache: Dict[bytes, Value], key: bytes, value: Value, limit: int = _VALUES) -> None:
    if len(cache) >= limit:
        cache.clear()
    cache[key] = value


def _without_holes(table: bytes, size: int) -> bool:
    """Whether an old GNU sparse map says that all ``size`` bytes stand there in order, as it does where no hole was.

    Raises ValueError.
    """
    at = 0
    for place in range(0, len(table), 24):
        if not table[place]:
            break
        if number(table[place : place + 12], "sparse map") != at:
            return False
        at += number(table[place + 12 : place + 24], "sparse map")
    return at == size


def _device(fields: bytes, format_: int) -> Device:
    """Return the numbers of a device; 0 in a format that has none. Raises ValueError."""
    return Device(*(number(part, "device") if format_ else 0 for part in (fields[:8], fields[8:])))


def _prefixed(prefix: bytes, name: str, format_: int) -> str:
    """Return a name with what the prefix field puts before it, as this format has one."""
    if prefix[0] and format_ == _USTAR:
        return _prefix(prefix) + "/" + name
    return _gnu_prefix(prefix) + name if prefix[0] and format_ == _GNU else name


def _prefix(field: bytes) -> str:
    """Return what a ustar prefix field, with the header's last 12 bytes, puts before a name."""
    return text(field[:131] if field.endswith(b"tar\0") else field[:155])  # star keeps times in its end


def _gnu_prefix(field: bytes) -> str:
    """Return what Go takes for a prefix in a GNU header: where its two times should stand and cannot be read.

    Go itself wrote long names so before its version 1.8, and container runtimes take them as they were meant.
    """
    try:
        for time in (field[:12], field[12:24]):
            if time[0]:
                number(time, "time", signed=True)
        return ""
    except ValueError:
        name = text(field[:155])
        return name + "/" if name and name.isascii() else ""
