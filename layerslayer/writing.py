"""Files that appear under their final name only when they are whole and right.

A download that breaks off leaves its beginning in ``.layerslayer-<hex>.part``,
named after the digest, for a later run to go on with.
"""

from __future__ import annotations

import os
import secrets
import stat
from typing import BinaryIO, Iterator, Set, TypeVar

from .descriptors import Descriptor
from .errors import LocalFileError
from .locks import lock

Self = TypeVar("Self", bound="NewFile")

_PIECE = 512 * 1024  # bytes
_NAMED_BY = 32  # digits of the digest in the name of a file that is not finished


class NewFile:
    """A file written beside its final place; ``keep`` puts it there, leaving without drops it.

    Raises LocalFileError for whatever the disk refuses.
    """

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._path = os.path.join(folder, ".layerslayer-{}.part".format(secrets.token_hex(8)))
        self._kept = False
        self._worthless = False  # nothing that a later run could use
        try:
            self._file = self._open()
        except OSError as error:
            raise self._failure(error) from None
        _unfinished.add(self)

    def _open(self) -> BinaryIO:
        return open(self._path, "x+b", buffering=0)

    def __enter__(self: Self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        self.discard()

    def discard(self) -> None:
        """Remove the file unless it was kept. May be called from any thread."""
        _unfinished.discard(self)
        if not self._kept:
            try:
                os.unlink(self._path)
            except OSError:
                pass  # gone already

    def write(self, piece: bytes) -> None:
        view = memoryview(piece)
        try:
            while view:
                view = view[self._file.write(view) :]
        except OSError as error:
            raise self._failure(error) from None

    def rewrite(self, offset: int, piece: bytes) -> None:
        """Write ``piece`` over what was written at ``offset`` before; writing goes on at the end."""
        try:
            self._file.seek(offset)
            self.write(piece)
            self._file.seek(0, os.SEEK_END)
        except OSError as error:
            raise self._failure(error) from None

    def keep(self, name: str) -> str:
        """Give the file the name ``name``; return the final path.

        The disk is not waited for: what a power failure spoils is found by the
        next run, which trusts no file whose digest it has not computed.
        """
        path = os.path.join(self._folder, name)
        try:
            if os.name == "nt":
                self._file.close()  # Windows does not rename open files
            os.replace(self._path, path)
            self._kept = True
            self._file.close()
        except OSError as error:
            self._worthless = True
            raise self._failure(error) from None
        return path

    def _failure(self, error: OSError) -> LocalFileError:
        return LocalFileError(
            "nothing can be written to {}: {}.".format(self._folder, error.strerror or error),
            "Choose another folder with -o.",
        )


class PartialFile(NewFile):
    """The file of a download, which a later run goes on with where this one broke off.

    ``size`` bytes of it were there. Where another process is writing that very
    file, or nobody could go on with it (not ``resumable``), this is one of its own.
    """

    def __init__(self, folder: str, descriptor: Descriptor, resumable: bool = True) -> None:
        self._resumable = resumable
        self._name = ".layerslayer-{}.part".format(descriptor.hex[:_NAMED_BY])
        self._shared = False
        super().__init__(folder)
        self.size = os.fstat(self._file.fileno()).st_size

    def _open(self) -> BinaryIO:
        if not self._resumable:
            return super()._open()
        path = os.path.join(self._folder, self._name)
        flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0)
        try:
            file = open(os.open(path, flags | getattr(os, "O_NONBLOCK", 0), 0o666), "r+b", buffering=0)
        except OSError:
            return super()._open()  # something else of that name is in the way
        try:
            here = os.fstat(file.fileno())
            lock(file)
            if stat.S_ISREG(here.st_mode) and here.st_nlink == 1 and os.path.samestat(here, os.stat(path)):
                self._path, self._shared = path, True
                return file
        except OSError:
            pass  # another process has it, or had it
        file.close()
        return super()._open()

    def beginning(self) -> Iterator[bytes]:
        """Yield what was there; what is written goes behind."""
        try:
            self._file.seek(0)
            yield from iter(lambda: self._file.read(_PIECE), b"")
        except OSError as error:
            raise self._failure(error) from None

    def restart(self) -> None:
        """Forget what was there, and what was written."""
        try:
            self._file.seek(0)
            self._file.truncate()
        except OSError as error:
            raise self._failure(error) from None
        self.size = 0

    def discard(self) -> None:
        """Leave the file to the next run, unless there is nothing in it."""
        if self._shared and not self._kept and not self._worthless:
            try:
                if os.path.getsize(self._path):
                    _unfinished.discard(self)
                    return
            except OSError:
                pass  # gone already
        super().discard()


_unfinished: Set[NewFile] = set()  # being written now, by whatever thread


def discard_unfinished() -> None:
    """Remove the files being written; for an end that does not wait for their threads."""
    for file in list(_unfinished):
        file.discard()
