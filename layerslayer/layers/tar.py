"""The tar header walk: push bytes in, entries out. No I/O, bodies never copied.

Wire format (POSIX.1-1988 ustar and pax, GNU tar; one block is 512 bytes)::

    offset length  field            offset length  field
         0    100  name                257      6  magic "ustar\\0" or "ustar "
       100      8  mode                263      2  version "00" or " \\0"
       108      8  uid                 265     32  uname
       116      8  gid                 297     32  gname
       124     12  size                329      8  devmajor
       136     12  mtime               337      8  devminor
       148      8  checksum            345    155  prefix (ustar only)
       156      1  typeflag            386     96  GNU sparse: 4 x (offset, length)
       157    100  linkname            482      1  GNU sparse: more blocks follow
                                       483     12  GNU sparse: the file's full size

A header is followed by ceil(size / 512) blocks of body, unless its type has
none. Two zero blocks end the archive; a missing end is accepted, as everyone
does, and what follows a zero block is reported as hidden. Where two readers
could disagree this one follows Go's archive/tar, which container runtimes
use: pax records go before header fields (CVE-2025-62518), GNU long names
before both, and global pax headers do not change members.
"""

from __future__ import annotations

import struct
from typing import Dict, List, Mapping, Optional, Tuple, Union

from ..entries import Device, Entry
from ..errors import CorruptLayer
from .fields import checksum_holds, number, text
from .pax import Overrides, parse_records

BLOCK = 512
MAX_EXTENSION = 1024 * 1024  # bytes of one pax header or long name
_CACHE_LIMIT = 8192  # distinct field values remembered, so that a hostile layer cannot fill memory

_KINDS = {b"0": "-", b"\0": "-", b"7": "-", b"S": "-", b"1": "h", b"2": "l", b"3": "c", b"4": "b", b"5": "d", b"6": "p"}
_BODILESS = frozenset("hlcbdp")
_EXTENSIONS = frozenset((b"x", b"X", b"g", b"L", b"K"))
# name, mode+uid+gid, size, mtime, checksum, typeflag, linkname, magic, uname+gname, devices, prefix, rest
_FIELDS = struct.Struct("100s24s12s12s8sc100s8s64s16s155s12s")
_ZERO_BLOCK = bytes(BLOCK)
_NO_XATTRS: Mapping[str, bytes] = {}
_Owner = Tuple[int, int, int, str, str]  # mode, uid, gid, uname, gname


def _padding(length: int) -> int:
    return -length % BLOCK


class _Pending:
    """What extension headers have said about the member that follows them."""

    __slots__ = ("name", "pax", "start", "target")

    def __init__(self, start: int) -> None:
        self.start = start
        self.pax: Dict[str, bytes] = {}
        self.name = ""
        self.target = ""


class TarWalker:
    """Walks one tar stream: ``feed`` pieces of any length in order, then ``close``.

    Both raise CorruptLayer with the offset of the header at fault; entries that
    stood before it then wait in ``entries``.
    """

    def __init__(self) -> None:
        self.position = 0  # bytes consumed, headers and bodies
        self.entries: List[Entry] = []  # made, not yet returned
        self.hidden = 0  # entries after the end marker
        self.end: Optional[int] = None  # where the first zero block stands
        self.foreign: Optional[int] = None  # where, after the end, bytes begin that are no tar
        self.ignored_globals = False  # a global header tried to change members
        self._buffer = b""  # the start of a block or extension yet incomplete
        self._skip = 0  # bytes of body and padding still to pass over
        self._last_padding = 0  # how many of them are padding
        self._pending: Optional[_Pending] = None
        self._extension: Optional[Tuple[bytes, int]] = None  # type and length of the one being gathered
        self._sparse_body: Optional[int] = None  # body length, while sparse map blocks come first
        self._owners: Dict[bytes, _Owner] = {}
        self._numbers: Dict[bytes, int] = {}

    def feed(self, data: bytes) -> List[Entry]:
        """Take the next bytes of the tar; return the entries they complete."""
        start = 0
        if self._skip:
            passed = min(self._skip, len(data))
            self._skip -= passed
            self.position += passed
            if passed == len(data):
                return self._take()
            start = passed
        if self._buffer:
            data = self._buffer + data[start:]
            start = 0
        self._buffer = b""
        stopped = self._walk(data, start)
        if stopped < len(data):
            self._buffer = data[stopped:]
        return self._take()

    def close(self) -> List[Entry]:
        """Take the end of the stream. Raises CorruptLayer when it comes too early."""
        if self.foreign is None:
            missing = self._skip - self._last_padding
            if missing > 0:
                raise CorruptLayer("tar", self.position, "the archive ends {} bytes before a file does".format(missing))
            if self._pending or self._extension or self._sparse_body is not None:
                raise CorruptLayer("tar", self.position, "the archive ends within an extended header")
            if self._buffer.strip(b"\0"):
                if self.end is None:
                    raise CorruptLayer("tar", self.position, "the archive ends within a header")
                self.foreign = self.position
        return self._take()

    def _take(self) -> List[Entry]:
        entries = self.entries
        if entries:
            self.entries = []
        return entries

    def _walk(self, data: bytes, start: int) -> int:
        """Consume whole blocks of ``data`` from ``start``; return where that stopped."""
        base = self.position - start  # where data[0] stands in the stream
        size = len(data)
        try:
            while start + BLOCK <= size:
                if self._extension is not None:
                    length = self._extension[1]
                    if start + length > size:
                        break
                    self._end_extension(data[start : start + length], base + start)
                    start += length + _padding(length)
                elif self._sparse_body is not None:
                    start += BLOCK
                    if not data[start - 8]:  # byte 504: no more map blocks
                        start += self._sparse_body
                        self._sparse_body = None
                else:
                    header = data[start : start + BLOCK]
                    if header == _ZERO_BLOCK:
                        self._zero_block(base + start)
                        start += BLOCK
                    elif self.foreign is not None:
                        start = size
                    else:
                        start += self._header(header, base + start)
                if start > size:
                    self._skip = start - size
                    start = size
        finally:
            self.position = base + start
        return start

    def _zero_block(self, offset: int) -> None:
        if self._pending:
            raise CorruptLayer("tar", offset, "an extended header is followed by no member")
        if self.end is None:
            self.end = offset

    def _header(self, header: bytes, offset: int) -> int:
        """Read the header at ``offset``; return how many bytes it and its body take."""
        if not checksum_holds(header):
            if self.end is not None:
                self.foreign = offset
                return BLOCK
            raise CorruptLayer("tar", offset, "this is not a tar header (its checksum is wrong)")
        fields = _FIELDS.unpack(header)
        try:
            if fields[5] in _EXTENSIONS:
                self._begin_extension(fields[5], fields[2], offset)
                return BLOCK
            body = self._member(header, fields, offset)
        except ValueError as error:
            raise CorruptLayer("tar", offset, "the header has {}".format(error)) from None
        self._last_padding = _padding(body)
        if self._sparse_body is not None:
            self._sparse_body = body + self._last_padding
            return BLOCK
        return BLOCK + body + self._last_padding

    # -- extended headers -------------------------------------------------

    def _begin_extension(self, kind: bytes, size: bytes, offset: int) -> None:
        length = number(size, "size")
        if length > MAX_EXTENSION:
            raise ValueError("an extension of {} bytes, more than the {} allowed".format(length, MAX_EXTENSION))
        if self._pending is None and kind != b"g":
            self._pending = _Pending(offset)
        if length:
            self._extension = (kind, length)

    def _end_extension(self, body: bytes, offset: int) -> None:
        kind = self._extension[0] if self._extension else b""
        self._extension = None
        pending = self._pending
        if kind == b"g":
            if set(parse_records(body, offset)) - {"comment"}:
                self.ignored_globals = True
        elif pending is None:
            raise CorruptLayer("tar", offset, "an extended header belongs to no member")
        elif kind == b"L":
            pending.name = text(body)
        elif kind == b"K":
            pending.target = text(body)
        else:
            pending.pax = parse_records(body, offset)  # a second one replaces the first

    # -- members ----------------------------------------------------------

    def _owner(self, perms: bytes, names: bytes) -> _Owner:
        # Few distinct ones occur in a layer, so reading them once is worth a look-up.
        key = perms + names
        owner = self._owners.get(key)
        if owner is None:
            if len(self._owners) >= _CACHE_LIMIT:
                self._owners.clear()
            mode = number(perms[:8], "mode") & 0o7777
            uid, gid = number(perms[8:16], "uid", signed=True), number(perms[16:], "gid", signed=True)
            owner = self._owners[key] = (mode, uid, gid, text(names[:32]), text(names[32:]))
        return owner

    def _number(self, field: bytes, what: str, signed: bool = False) -> int:
        value = self._numbers.get(field)
        if value is None or value < 0:
            if len(self._numbers) >= _CACHE_LIMIT:
                self._numbers.clear()
            value = self._numbers[field] = number(field, what, signed)
        return value

    def _member(self, header: bytes, fields: Tuple[bytes, ...], offset: int) -> int:
        """Make a member's entry; return the length of the body that follows."""
        raw_name, perms, raw_size, raw_mtime, _, typeflag, raw_target, magic, owners, devices, prefix, rest = fields
        mode, uid, gid, uname, gname = self._owner(perms, owners)
        size = body = self._number(raw_size, "size")
        mtime: Union[int, float] = self._number(raw_mtime, "mtime", True)
        kind = _KINDS.get(typeflag, "?")
        name = raw_name.partition(b"\0")[0].decode("utf-8", "surrogateescape")
        if prefix[0] and magic.startswith(b"ustar\0"):
            name = text(prefix[:131] if rest.endswith(b"tar\0") else prefix) + "/" + name
        target = text(raw_target) if kind in "hl" else ""
        xattrs = _NO_XATTRS
        pending = self._pending
        if pending is not None:
            self._pending = None
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
            if pending.name:
                name = pending.name
            if pending.target and kind in "hl":
                target = pending.target
        if kind in _BODILESS:
            body = 0
        elif typeflag == b"\0" and name.endswith("/"):
            kind, body = "d", 0  # how tar said "directory" before there was a type for it
        elif typeflag == b"S":
            size = self._number(header[483:495], "sparse size")
            if header[482]:
                self._sparse_body = 0
        hidden = self.end is not None
        self.hidden += hidden
        device = Device(number(devices[:8], "device"), number(devices[8:], "device")) if kind in "bc" else None
        self.entries.append(
            Entry(name, kind, mode, uid, gid, size, mtime, target, uname, gname, device, xattrs, offset, hidden)
        )
        return body
