"""A tar file read in place: one walk over its headers, then files by offset.

Wire format (POSIX.1-2001 ustar, pax, GNU): 512-byte headers, each followed by
its body padded to 512 bytes; two blocks of zeros end the archive::

    0    name 100      124  size 12 (octal, or base-256)    156  type 1
    157  link 100      257  "ustar"                          345  prefix 155

Only what image archives consist of is understood: files, hard and symbolic
links, folders; long names in pax and GNU form. Names with ``..`` cannot be
reached, and links lead to other members only, never out of the archive.
"""

from __future__ import annotations

import posixpath
import re
from typing import BinaryIO, Dict, NamedTuple, Optional, Set, cast

from ..errors import CorruptLayer, InvalidDocument, NotFound
from ..limits import DEFAULT, Limits
from .files import OpenFile, Region, Tree

_BLOCK = 512
_MAX_MEMBERS = 100_000
_MAX_NAMES = 20 * 1000 * 1000  # characters of all
_MAX_LINKS = 16  # followed for one name
_MAX_NAME = 4096  # characters; images' blobs have names of a hundred
_MAX_HEADER = 1024 * 1024  # bytes of a pax header or long name
_MAX_SIZE = 2**62
_OCTAL = re.compile(rb"[\0 ]*([0-7]*)[\0 ]*")
_RECORD = re.compile(rb"(\d{1,7}) ")
_FILES = (b"0", b"\0", b"7")
_LINKS = (b"1", b"2")
_BODILESS = (*_LINKS, b"3", b"4", b"5", b"6")  # whatever size their headers state, as Go's archive/tar reads them
_EXTENDED = (b"L", b"K", b"x")
_UNHEEDED = (b"g", b"X")  # global pax headers, and Solaris's own: passed over, as container runtimes do
_SPARSE = re.compile(rb"(?:GNU\.sparse\.|SCHILY\.realsize$|SUN\.holesdata$)")  # what is stored is not the content
_SAYS_SPARSE = re.compile(rb"\d (?:GNU\.sparse\.|SCHILY\.realsize=|SUN\.holesdata=)")
_COMPRESSED = ((b"\x1f\x8b", "gzip", "gunzip"), (b"\x28\xb5\x2f\xfd", "zstd", "unzstd"), (b"BZh", "bzip2", "bunzip2"))


class _Member(NamedTuple):
    offset: int  # of the body
    size: int
    target: Optional[str]  # another member's name, for links


class _Pending:
    """What extended headers say of the member that follows them."""

    def __init__(self) -> None:
        self.name: Optional[str] = None
        self.link: Optional[str] = None
        self.size: Optional[int] = None


class TarIndex(Tree):
    """The files of a tar. Closes ``file`` when closed, or when it is no tar.

    ``twice`` holds the names that occur more than once; the last one counts,
    as for all who extract. Raises InvalidDocument, CorruptLayer, LocalFileError.
    """

    def __init__(self, file: OpenFile) -> None:
        self.path = file.path
        self.twice: Set[str] = set()
        self._file = file
        self._members: Dict[str, _Member] = {}
        self._names = 0  # characters of them all
        try:
            self._walk()
        except BaseException:
            file.close()
            raise

    def open(self, name: str, start: int = 0, length: Optional[int] = None) -> BinaryIO:
        member = self._resolved(name)
        length = self._span(name, member.size, start, length)
        return cast(BinaryIO, Region(self._file, member.offset + start, length))

    def size(self, name: str) -> int:
        return self._resolved(name).size

    def document(self, name: str, limits: Limits = DEFAULT) -> bytes:
        if _normal(name) in self.twice:
            raise InvalidDocument(
                "'{}' holds the file {} twice, which readers understand differently".format(self.path, name)
            )
        return super().document(name, limits)

    def close(self) -> None:
        self._file.close()

    def _resolved(self, name: str) -> _Member:
        normal = _normal(name)
        for _ in range(_MAX_LINKS):
            member = self._members.get(normal or "")
            if member is None:
                raise NotFound("'{}' has no {}.".format(self.path, name))
            if member.target is None:
                return member
            normal = member.target
        raise InvalidDocument("'{}' of {} is a link that leads nowhere".format(name, self.path))

    def _walk(self) -> None:
        self._refuse_compressed()
        at = 0
        pending = _Pending()
        while True:
            header = self._file.read_at(at, _BLOCK)
            if not header.strip(b"\0"):  # the end marker, or the end of a tar that lacks it
                break
            if len(header) < _BLOCK or not _checksum_holds(header):
                raise CorruptLayer("tar", at, "no tar header is there in " + self.path)
            body, size = at + _BLOCK, _size(header, at, pending)
            if body + size > self._file.size:
                raise CorruptLayer("tar", at, "the member there is longer than " + self.path)
            pending = self._take(header, body, size, pending)
            at = body + (size + _BLOCK - 1) // _BLOCK * _BLOCK

    def _refuse_compressed(self) -> None:
        head = self._file.read_at(0, 4)
        for magic, name, tool in _COMPRESSED:
            if head.startswith(magic):
                raise InvalidDocument(
                    "'{}' is compressed with {}, so nothing can be read in place".format(self.path, name),
                    "Decompress it with {} first.".format(tool),
                )

    def _take(self, header: bytes, body: int, size: int, pending: _Pending) -> _Pending:
        """Take note of one member; return what is known of the next."""
        kind = header[156:157]
        if kind in _EXTENDED:
            if size > _MAX_HEADER:
                raise CorruptLayer("tar", body, "an extended header is larger than {} bytes".format(_MAX_HEADER))
            _extend(pending, kind, self._file.read_at(body, size), body)
            return pending
        if kind in _UNHEEDED and _SAYS_SPARSE.search(self._file.read_at(body, min(size, _MAX_HEADER))):
            raise CorruptLayer("tar", body, "sparse files follow, which are not supported here")
        if kind in _FILES or kind in _LINKS:
            self._keep(header, kind, body, size, pending)
        return _Pending()

    def _keep(self, header: bytes, kind: bytes, body: int, size: int, pending: _Pending) -> None:
        name = _normal(pending.name if pending.name is not None else _header_name(header))
        if not name or len(name) > _MAX_NAME:
            return  # it leads out of the archive, or nobody writes such: it cannot be asked for
        target = None
        if kind in _LINKS:
            link = pending.link if pending.link is not None else _text(header[157:257])
            base = posixpath.dirname(name) if kind == b"2" else ""
            target = _normal(posixpath.join(base, link)) or "" if len(link) <= _MAX_NAME else ""
        if name in self._members:
            self.twice.add(name)
        elif len(self._members) >= _MAX_MEMBERS:
            raise InvalidDocument("'{}' holds more than {} files".format(self.path, _MAX_MEMBERS))
        self._names += len(name) + len(target or "")
        if self._names > _MAX_NAMES:
            raise InvalidDocument("the names of the files in '{}' are too long".format(self.path))
        self._members[name] = _Member(body, size, target)


def _size(header: bytes, at: int, pending: _Pending) -> int:
    """Return how many bytes follow a header as the member's body."""
    kind = header[156:157]
    if kind == b"S":
        raise CorruptLayer("tar", at, "the member there is a sparse file, which is not supported here")
    if kind in _BODILESS:
        return 0
    return _number(header[124:136], at) if pending.size is None or kind in _EXTENDED else pending.size


def _normal(name: str) -> Optional[str]:
    """Return a relative name without ``.`` parts; None for one that begins at the root or leads out."""
    if name.startswith("/"):
        return None
    normal = posixpath.normpath(name)
    return None if normal == ".." or normal.startswith("../") else normal


def _text(field: bytes) -> str:
    return field.partition(b"\0")[0].decode("utf-8", "surrogateescape")


def _header_name(header: bytes) -> str:
    name = _text(header[:100])
    prefix = _text(header[345:500]) if header[257:263] == b"ustar\0" else ""
    return prefix + "/" + name if prefix else name


def _number(field: bytes, at: int) -> int:
    if field[0] & 0x80:
        value = int.from_bytes(field, "big") & (1 << (8 * len(field) - 1)) - 1
        if field[0] & 0x40 or value > _MAX_SIZE:
            raise CorruptLayer("tar", at, "the size of the member there is impossible")
        return value
    match = _OCTAL.fullmatch(field)
    if not match:
        raise CorruptLayer("tar", at, "the size of the member there is unreadable")
    return int(match.group(1) or b"0", 8)


def _checksum_holds(header: bytes) -> bool:
    match = _OCTAL.fullmatch(header[148:156])
    if not match or not match.group(1):
        return False
    return int(match.group(1), 8) == sum(header[:148]) + 8 * 0x20 + sum(header[156:])


def _extend(pending: _Pending, kind: bytes, body: bytes, at: int) -> None:
    if kind == b"L":
        pending.name = _text(body)
    elif kind == b"K":
        pending.link = _text(body)
    else:
        _extend_by_records(pending, body, at)


def _extend_by_records(pending: _Pending, body: bytes, at: int) -> None:
    """Take the records ``"%d %s=%s\\n"`` of a pax header."""
    position = 0
    while position < len(body) and body[position]:
        match = _RECORD.match(body, position)
        end = position + (int(match.group(1)) if match else 0)
        if not match or not match.end() < end <= len(body) or body[end - 1 : end] != b"\n":
            raise CorruptLayer("tar", at + position, "a pax record is malformed")
        key, _, value = body[match.end() : end - 1].partition(b"=")
        if key == b"path" and value:
            pending.name = value.decode("utf-8", "surrogateescape")
        elif key == b"linkpath" and value:
            pending.link = value.decode("utf-8", "surrogateescape")
        elif key == b"size" and value:
            if not re.fullmatch(rb"\d{1,18}", value):
                raise CorruptLayer("tar", at + position, "the size of the next member is unreadable")
            pending.size = int(value)
        elif _SPARSE.match(key):
            raise CorruptLayer("tar", at + position, "the next member is a sparse file, which is not supported here")
        position = end
