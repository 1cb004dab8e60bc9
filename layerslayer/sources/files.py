"""Files of this machine that hold blobs: folders and tars looked into, never out of."""

from __future__ import annotations

import os
import stat
import threading
from abc import ABC, abstractmethod
from typing import BinaryIO, Optional, cast

from ..errors import InvalidDocument, LocalFileError, NotFound
from ..limits import DEFAULT, Limits, raising


class OpenFile:
    """An open file that several threads read, each where it likes. ``size`` is in bytes.

    ``file`` is unbuffered and belongs to this object.
    """

    def __init__(self, file: BinaryIO, path: str) -> None:
        self._file = file
        self._lock = threading.Lock()
        self.path = path
        self.size = os.fstat(file.fileno()).st_size

    def read_at(self, offset: int, count: int) -> bytes:
        """Return up to ``count`` bytes; fewer only at the end of the file. Raises LocalFileError."""
        pieces = []
        try:
            with self._lock:
                self._file.seek(offset)
                while count > 0:
                    piece = self._file.read(count)
                    if not piece:
                        break
                    pieces.append(piece)
                    count -= len(piece)
        except (OSError, ValueError) as error:
            raise unreadable(self.path, error) from None
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def close(self) -> None:
        self._file.close()


class Region:
    """The bytes [start, start + length) of a file, as a file-like object with ``read`` and ``close``."""

    def __init__(self, file: OpenFile, start: int, length: int, owned: bool = False) -> None:
        self._file = file
        self._at = start
        self._left = length
        self._owned = owned  # closing the region closes the file

    def read(self, count: int = -1) -> bytes:
        wanted = self._left if count < 0 else min(count, self._left)
        piece = self._file.read_at(self._at, wanted) if wanted else b""
        self._at += len(piece)
        self._left -= len(piece)
        return piece

    def close(self) -> None:
        self._left = 0
        if self._owned:
            self._file.close()


class Tree(ABC):
    """Files by their name with slashes. Safe to use from several threads."""

    path: str  # of the folder or archive, for messages

    @abstractmethod
    def open(self, name: str, start: int = 0, length: Optional[int] = None) -> BinaryIO:
        """Return a readable of a file, or of exactly ``length`` bytes of it from ``start``.

        Raises NotFound for a file that is not there, or too short; InvalidDocument
        for one that leads out of the tree, or is no file; LocalFileError.
        """

    @abstractmethod
    def size(self, name: str) -> int:
        """Return a file's size in bytes. Raises as ``open``."""

    def document(self, name: str, limits: Limits = DEFAULT) -> bytes:
        """Return a small file whole. Raises as ``open``, and InvalidDocument for a large one."""
        file = self.open(name)
        try:
            body = file.read(limits.document + 1)
        finally:
            file.close()
        if len(body) > limits.document:
            raise InvalidDocument(
                f"the file {name} of {self.path} is larger than {limits.document} bytes",
                raising("document"),
            )
        return body

    def close(self) -> None:
        """Give back what is open."""
        return

    def _span(self, name: str, size: int, start: int, length: Optional[int]) -> int:
        """Return how many bytes of a file of ``size`` bytes were asked for. Raises NotFound."""
        length = size - start if length is None else length
        if not 0 <= start <= start + length <= size:
            raise NotFound(f"'{name}' of {self.path} has {size} bytes, fewer than were asked for.")
        return length


class Folder(Tree):
    """A folder. Symlinks in it are followed only while they stay inside."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._root = os.path.realpath(path)
        if not os.path.isdir(self._root):
            reason = "it is not a folder" if os.path.lexists(path) else "it does not exist"
            raise LocalFileError(f"the folder {path} cannot be read: {reason}.", "Check the path.")

    def open(self, name: str, start: int = 0, length: Optional[int] = None) -> BinaryIO:
        path = self._inside(name)
        file = OpenFile(open_regular(path), path)
        try:
            return cast(BinaryIO, Region(file, start, self._span(name, file.size, start, length), owned=True))
        except NotFound:
            file.close()
            raise

    def size(self, name: str) -> int:
        try:
            return os.stat(self._inside(name)).st_size
        except OSError as error:
            raise unreadable(self.path, error) from None

    def _inside(self, name: str) -> str:
        real = os.path.realpath(os.path.join(self._root, *name.split("/")))
        if not real.startswith(os.path.join(self._root, "")):
            raise InvalidDocument(f"'{name}' of {self.path} leads out of that folder, and is refused")
        if not os.path.exists(real):
            raise NotFound(f"'{self.path}' has no {name}.")
        if not os.path.isfile(real):
            raise InvalidDocument(f"'{name}' of {self.path} is not a file")
        return real


def open_regular(path: str) -> BinaryIO:
    """Open an ordinary file unbuffered. Raises LocalFileError, for folders and devices too."""
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            raise LocalFileError(f"'{path}' cannot be read: it is not a file.", "Check the path.")
        return cast(BinaryIO, open(path, "rb", buffering=0))
    except (OSError, ValueError) as error:
        raise unreadable(path, error) from None


def unreadable(path: str, error: Exception) -> LocalFileError:
    """Return the error that says why a path cannot be read."""
    reason = getattr(error, "strerror", None) or str(error) or "it is closed"
    return LocalFileError(f"'{path}' cannot be read: {reason}.", "Check the path.")
