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
does, and what follows a zero block is reported as hidden. Global pax headers
do not change members, as in Go's archive/tar, which container runtimes use.
"""

from __future__ import annotations

from typing import Dict, List, Optional, Tuple

from ...errors import Action, CorruptLayer, Remedy
from ...limits import DEFAULT, Limits
from ..entry import Entry
from .fields import checksum_holds, number, text
from .header import BLOCK, MemberReader, Pending, padding
from .pax import is_sparse, parse_records

_EXTENSIONS = frozenset((b"x", b"X", b"g", b"L", b"K"))
_ZERO_BLOCK = bytes(BLOCK)


class _TooLong(ValueError):
    """An extension is longer than the limit."""


class NoHeader(CorruptLayer):
    """Something else stands where a tar header must."""

    def __init__(self, offset: int, reason: str = "this is not a tar header (its checksum is wrong)") -> None:
        super().__init__("tar", offset, reason)


class TarWalker:
    """Walks one tar stream: ``feed`` pieces of any length in order, then ``close``.

    ``position`` is where in the tar the first piece begins, which must be at a header.
    Both raise CorruptLayer with the offset of the header at fault; entries that
    stood before it then wait in ``entries``.
    """

    def __init__(self, position: int = 0, limits: Limits = DEFAULT) -> None:
        self.limits = limits
        self.position = position  # where in the tar the bytes consumed, headers and bodies, end
        self.entries: List[Entry] = []  # made, not yet returned
        self.hidden = 0  # entries after the end marker
        self.end: Optional[int] = None  # where the first zero block stands
        self.foreign: Optional[int] = None  # where, after the end, bytes begin that are no tar
        self.last_ignored_global = -1  # where the last global header ends that tried to change members
        self._buffer = bytearray()  # the start of a block or extension yet incomplete
        self._skip = 0  # bytes of body and padding still to pass over
        self._last_padding = 0  # how many of them are padding
        self._pending: Optional[Pending] = None
        self._extension: Optional[Tuple[bytes, int]] = None  # type and length of the one being gathered
        self._sparse_body: Optional[int] = None  # body length, while sparse map blocks come first
        self._members = MemberReader()
        self.bodies: Optional[Dict[int, Tuple[int, int]]] = None  # see bodies.Starts; only filled where it is set
        self.extensions: Optional[List[bytes]] = None  # what extended headers held; only filled where it is set

    def feed(self, data: bytes) -> List[Entry]:
        """Read the next bytes of the tar; return the entries they complete."""
        start = 0
        if self._buffer:  # it grows in place: pieces may be a byte long, and an extension a megabyte
            wanted = max(self._extension[1], BLOCK) if self._extension else BLOCK
            start = min(wanted - len(self._buffer), len(data))
            self._buffer += data[:start]
            if len(self._buffer) < wanted:
                return self._take()
            whole = bytes(self._buffer)
            self._buffer.clear()
            self._walk(whole, 0)
        if self._skip:
            passed = min(self._skip, len(data) - start)
            self._skip -= passed
            self.position += passed
            start += passed
            if start == len(data):
                return self._take()
        stopped = self._walk(data, start)
        if stopped < len(data):
            self._buffer += data[stopped:]
        return self._take()

    def close(self) -> List[Entry]:
        """End the stream. Raises CorruptLayer when it comes too early."""
        if self.foreign is None:
            missing = self._skip - self._last_padding
            if missing > 0:
                raise CorruptLayer("tar", self.position, f"the archive ends {missing} bytes before a file does")
            if self._pending or self._extension or self._sparse_body is not None:
                raise CorruptLayer("tar", self.position, "the archive ends within an extended header")
            if self._buffer.strip(b"\0"):
                if self.end is None:
                    raise NoHeader(self.position, "the archive ends within a header")
                self.foreign = self.position
        return self._take()

    @property
    def ignored_globals(self) -> bool:
        """Whether a global header tried to change members."""
        return self.last_ignored_global >= 0

    def agrees_with(self, other: TarWalker) -> bool:
        """Whether two that were made to keep ``extensions`` read the same so far, and are at the same place."""
        return (self.position, self.owed, self.extensions, self._buffer) == (
            other.position, other.owed, other.extensions, other._buffer
        )  # fmt: skip

    @property
    def owed(self) -> int:
        """Bytes of a body and its padding that come next; 0 between two members, -1 within a header."""
        if self._buffer or self._pending or self._extension or self._sparse_body is not None:
            return -1
        return self._skip

    @property
    def padding(self) -> int:
        """How many of the bytes that are owed fill up the last block of the body; they are zeros."""
        return min(self._skip, self._last_padding)

    def skip_body(self) -> int:
        """Count the rest of a body and its padding as read. Return how many bytes that are."""
        passed, self._skip = self._skip, 0
        self.position += passed
        return passed

    def shift(self, by: int) -> None:
        """Move all positions so many bytes further on."""
        self.position += by
        self.end = self.end + by if self.end is not None else None
        self.foreign = self.foreign + by if self.foreign is not None else None
        self.last_ignored_global += by if self.ignored_globals else 0

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
                    start += length + padding(length)
                elif self._sparse_body is not None:
                    start += BLOCK
                    if not data[start - 8]:  # byte 504: no more map blocks
                        start += self._sparse_body
                        self._sparse_body = None
                else:
                    if self._pending is None and self.end is None:
                        start = self._ordinary(data, start, base)
                        if start + BLOCK > size:
                            continue
                    header = data[start : start + BLOCK]
                    if header == _ZERO_BLOCK:
                        self._zero_block(base + start)
                        start += BLOCK
                    elif self.foreign is not None:
                        start = size
                    else:
                        start += self._header(header, base + start)
        finally:
            if start > size:
                self._skip = start - size
                start = size
            self.position = base + start
        return start

    def _ordinary(self, data: bytes, start: int, base: int) -> int:
        stopped, body = self._members.ordinary(data, start, base, self.entries)
        if stopped > start:
            self._last_padding = padding(body)
        return stopped

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
            raise NoHeader(offset)
        kind = header[156:157]
        try:
            if kind in _EXTENSIONS:
                self._begin_extension(kind, header[124:136], offset)
                return BLOCK
            member = self._members.member(header, self._pending, offset, self.end is not None)
        except ValueError as error:
            within = Remedy(Action.ALLOW_LONGER, "extension") if isinstance(error, _TooLong) else None
            raise CorruptLayer("tar", offset, f"the header has {error}", within) from None
        if self.bodies is not None and member.entry.kind == "-":
            self.bodies[member.entry.offset] = (offset + BLOCK, member.body if member.plain else -1)
        self._pending = None
        self.hidden += member.entry.hidden
        self.entries.append(member.entry)
        self._last_padding = padding(member.body)
        if member.mapped:
            self._sparse_body = member.body + self._last_padding
            return BLOCK
        return BLOCK + member.body + self._last_padding

    # -- extended headers -------------------------------------------------

    def _begin_extension(self, kind: bytes, size: bytes, offset: int) -> None:
        length = number(size, "size")
        most = self.limits.extension
        if length > most:
            raise _TooLong(f"an extension of {length} bytes, more than {most}")
        if self._pending is None and kind != b"g":
            self._pending = Pending(offset)
        if length:
            self._extension = (kind, length)

    def _end_extension(self, body: bytes, offset: int) -> None:
        kind = self._extension[0] if self._extension else b""
        self._extension = None
        if self.extensions is not None:
            self.extensions.append(kind + body)
        pending = self._pending
        if kind == b"g":
            records = parse_records(body, offset)
            if is_sparse(records):
                raise CorruptLayer("tar", offset, "a global header calls files sparse, which readers take differently")
            if set(records) - {"comment"}:
                self.last_ignored_global = offset
        elif pending is None:
            raise CorruptLayer("tar", offset, "an extended header belongs to no member")
        elif kind == b"L":
            pending.name = text(body)
        elif kind == b"K":
            pending.target = text(body)
        else:
            pending.pax = parse_records(body, offset)  # a second one replaces the first
            pending.sparse = pending.sparse or is_sparse(pending.pax)
