"""A tar file read in place: one walk over its headers, then files by offset.

``formats.tar`` reads the headers, exactly as those of layers; bodies are stepped
over. Of the members, files and links are known by their names. Names with
``..`` cannot be reached, and links lead to other members only, never out of
the archive. Sparse files are refused: what is stored is not their content.
"""

from __future__ import annotations

import posixpath
from typing import BinaryIO, Dict, NamedTuple, Optional, Set, cast

from ..errors import CorruptLayer, InvalidDocument, NotFound
from ..formats.entry import Entry
from ..formats.tar.bodies import Starts
from ..formats.tar.header import BLOCK
from ..formats.tar.reader import NoHeader, TarWalker
from ..limits import DEFAULT, Limits
from .files import OpenFile, Region, Tree

_MAX_MEMBERS = 100_000
_MAX_NAMES = 20 * 1000 * 1000  # characters of all
_MAX_LINKS = 16  # followed for one name
_MAX_NAME = 4096  # characters; images' blobs have names of a hundred
_COMPRESSED = ((b"\x1f\x8b", "gzip", "gunzip"), (b"\x28\xb5\x2f\xfd", "zstd", "unzstd"), (b"BZh", "bzip2", "bunzip2"))


class _Member(NamedTuple):
    offset: int  # of the body
    size: int
    target: Optional[str]  # another member's name, for links


class TarFile(Tree):
    """The files of a tar. Closes ``file`` when closed, or when it is no tar.

    ``twice`` holds the names that occur more than once; the last one counts,
    as for all who extract. Raises InvalidDocument, CorruptLayer, LocalFileError.
    """

    def __init__(self, file: OpenFile, limits: Limits = DEFAULT) -> None:
        self.path = file.path
        self.twice: Set[str] = set()
        self._file = file
        self._members: Dict[str, _Member] = {}
        self._names = 0  # characters of them all
        try:
            self._walk(limits)
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
            raise InvalidDocument(f"'{self.path}' holds the file {name} twice, which readers understand differently")
        return super().document(name, limits)

    def close(self) -> None:
        self._file.close()

    def _resolved(self, name: str) -> _Member:
        normal = _normal(name)
        for _ in range(_MAX_LINKS):
            member = self._members.get(normal or "")
            if member is None:
                raise NotFound(f"'{self.path}' has no {name}.")
            if member.target is None:
                return member
            normal = member.target
        raise InvalidDocument(f"'{name}' of {self.path} is a link that leads nowhere")

    def _walk(self, limits: Limits) -> None:
        self._refuse_compressed()
        walker, at, block = TarWalker(limits=limits), 0, bytes(BLOCK)
        starts: Starts = {}
        walker.bodies = starts
        try:
            while walker.end is None and len(block) == BLOCK:  # what stands behind the end marker does not count
                block = self._file.read_at(at, BLOCK)
                for entry in walker.feed(block):
                    begin, length = starts.pop(entry.offset, (entry.offset + BLOCK, entry.size))
                    self._keep(entry, begin, length)
                at += len(block)
                body = walker.owed - walker.padding
                if body > 0 and at + body > self._file.size:
                    raise CorruptLayer("tar", at - BLOCK, "the member there is longer than " + self.path)
                at += walker.skip_body()
            walker.close()
        except NoHeader as error:
            raise CorruptLayer("tar", error.offset, "no tar header is there in " + self.path) from None

    def _refuse_compressed(self) -> None:
        head = self._file.read_at(0, 4)
        for magic, name, tool in _COMPRESSED:
            if head.startswith(magic):
                raise InvalidDocument(
                    f"'{self.path}' is compressed with {name}, so nothing can be read in place",
                    f"Decompress it with {tool} first.",
                )

    def _keep(self, entry: Entry, begin: int, length: int) -> None:
        """Record a file, whose body of ``length`` bytes stands at ``begin``, or a link."""
        if length < 0:
            raise CorruptLayer("tar", entry.offset, "the member there is a sparse file, which is not supported here")
        name = _normal(entry.name)
        if entry.kind not in "-hl" or not name or len(name) > _MAX_NAME:
            return  # it is no file, leads out of the archive, or has a name that nobody writes: it cannot be asked for
        target = None
        if entry.kind != "-":
            base = posixpath.dirname(name) if entry.kind == "l" else ""
            link = entry.target
            target = _normal(posixpath.join(base, link)) or "" if len(link) <= _MAX_NAME else ""
        if name in self._members:
            self.twice.add(name)
        elif len(self._members) >= _MAX_MEMBERS:
            raise InvalidDocument(f"'{self.path}' holds more than {_MAX_MEMBERS} files")
        self._names += len(name) + len(target or "")
        if self._names > _MAX_NAMES:
            raise InvalidDocument(f"the names of the files in '{self.path}' are too long")
        self._members[name] = _Member(begin, length, target)


def _normal(name: str) -> Optional[str]:
    """Return a relative name without ``.`` parts; None for one that begins at the root or leads out."""
    if name.startswith("/"):
        return None
    normal = posixpath.normpath(name)
    return None if normal == ".." or normal.startswith("../") else normal
