"""Folders that are written to, and the files in them, reached without passing through a link.

Whoever put files into the current folder (a cloned repository, say) may have
put links there too. What the user names leads where the user wants it; of all
that is named by this program, no component is followed if it is a link. Where
the system has them, folders are held by descriptors, so that nobody can put a
link in their place later; elsewhere (Windows) each is looked at before it is used.
"""

from __future__ import annotations

import errno
import os
import stat
from typing import List, NamedTuple, Optional, Sequence, Set, Tuple

_BY_DESCRIPTOR = (
    {os.open, os.mkdir, os.stat, os.unlink, os.rename} <= os.supports_dir_fd
    and os.listdir in os.supports_fd
    and hasattr(os, "O_NOFOLLOW")
    and hasattr(os, "O_DIRECTORY")
)
# A folder that may be written but not read is held by O_PATH, where there is that.
_FOLDER = getattr(os, "O_PATH", os.O_RDONLY) | getattr(os, "O_DIRECTORY", 0)
_FILE = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
_WITHOUT_WAITING = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0)
_REPARSE_POINT = 0x400  # Windows: a link, a mount, or a file that is kept elsewhere ...
_SURROGATE = 0x20000000  # ... of which those with this bit lead to another name
_LINK = "it is a link, and is not followed"
_NO_FILE = "it is not a file"


class Root(NamedTuple):
    """Where output goes: a path that the user ``named``, or else a name of ours in the current folder."""

    path: str
    named: bool = True


class Folder:
    """A folder that is held open. It closes itself once nobody has it any more; ``close`` does so at once.

    Whatever the system refuses is an OSError; its ``strerror`` says so of links, too.
    """

    def __init__(self, path: str, handle: Optional[int], visited: Set[Tuple[int, int]]) -> None:
        self.path = path  # for messages
        self._handle = handle  # None: by path; -1: closed
        self._visited = visited  # that were looked through, of all folders below one root

    def close(self) -> None:
        handle = self._handle
        if handle is not None and handle >= 0:
            self._handle = -1
            os.close(handle)

    def __del__(self) -> None:
        self.close()

    def place(self, name: str) -> str:
        """Return the path of ``name`` in this folder, for messages."""
        return os.path.join(self.path, name)

    def first_visit(self) -> bool:
        """Whether this folder has not been asked so before, by this name or another, since its root was opened."""
        info = os.stat(self.path or os.curdir) if self._handle is None else os.fstat(self._handle)
        key = (info.st_dev, info.st_ino)
        if key in self._visited:
            return False
        self._visited.add(key)
        return True

    # -- folders in it ----------------------------------------------------

    def inner(self, name: str, mode: int = 0o777) -> Folder:
        """Return the folder ``name``, made with ``mode`` (less the umask) where it is missing."""
        try:
            return self.existing(name)
        except FileNotFoundError:
            pass
        try:
            if self._handle is None:
                os.mkdir(self.place(name), mode)
            else:
                os.mkdir(name, mode, dir_fd=self._handle)
        except FileExistsError:
            pass  # another run was quicker, or it is a link that leads nowhere
        return self.existing(name)

    def existing(self, name: str) -> Folder:
        """Return the folder ``name``. Raises FileNotFoundError where there is nothing of that name."""
        self._check(name)
        if self._handle is None:
            info = self.status(name)
            if is_link(info):
                raise self._refusal(name, _LINK)
            if not stat.S_ISDIR(info.st_mode):
                raise self._refusal(name, os.strerror(errno.ENOTDIR))
            return Folder(self.place(name), None, self._visited)
        try:
            handle = os.open(name, _FOLDER | os.O_NOFOLLOW, dir_fd=self._handle)
        except OSError as error:
            if error.errno in (errno.ENOTDIR, errno.ELOOP, errno.EMLINK) and is_link(self.status(name)):
                raise self._refusal(name, _LINK) from None
            raise
        return Folder(self.place(name), handle, self._visited)

    # -- files in it ------------------------------------------------------

    def create(self, name: str, mode: int) -> int:
        """Return a descriptor of the new file ``name``, with ``mode`` less the umask, to read and write."""
        self._check(name)
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | _FILE
        if self._handle is None:
            return os.open(self.place(name), flags, mode)
        return os.open(name, flags, mode, dir_fd=self._handle)

    def open_file(self, name: str, flags: int = os.O_RDONLY) -> int:
        """Return a descriptor of the ordinary file ``name``; nothing else is opened, and nothing waited for."""
        info = self.status(name)
        if is_link(info):
            raise self._refusal(name, _LINK)
        if not stat.S_ISREG(info.st_mode):
            raise self._refusal(name, _NO_FILE)
        flags |= _FILE | _WITHOUT_WAITING
        at = {} if self._handle is None else {"dir_fd": self._handle}
        handle = os.open(name if at else self.place(name), flags, **at)
        if not stat.S_ISREG(os.fstat(handle).st_mode):  # it was put there in between
            os.close(handle)
            raise self._refusal(name, _NO_FILE)
        return handle

    def status(self, name: str) -> os.stat_result:
        """Return what the system has of ``name`` itself, not of what a link leads to."""
        if self._handle is None:
            return os.lstat(self.place(name))
        return os.stat(name, dir_fd=self._handle, follow_symlinks=False)

    def has(self, name: str, handle: int) -> bool:
        """Whether ``name`` is (still) the file that is open as ``handle``."""
        try:
            return os.path.samestat(self.status(name), os.fstat(handle))
        except OSError:
            return False

    def names(self) -> List[str]:
        """Return the names of all that is in it."""
        if self._handle is None:
            return os.listdir(self.path or os.curdir)
        handle = os.open(os.curdir, os.O_RDONLY | os.O_DIRECTORY, dir_fd=self._handle)
        try:
            return os.listdir(handle)
        finally:
            os.close(handle)

    def rename(self, old: str, new: str) -> None:
        """Give a file another name; what bears that is replaced, links and the like too, but for folders."""
        self._check(new)
        if self._handle is None:
            os.replace(self.place(old), self.place(new))
        else:
            os.replace(old, new, src_dir_fd=self._handle, dst_dir_fd=self._handle)

    def remove(self, name: str) -> None:
        """Remove a file."""
        if self._handle is None:
            os.unlink(self.place(name))
        else:
            os.unlink(name, dir_fd=self._handle)

    def _check(self, name: str) -> None:
        """Whoever makes the names sees to it that they are such; here nothing depends on that."""
        if name in ("", os.curdir, os.pardir) or {os.sep, os.altsep or os.sep, "\0"} & set(name):
            raise OSError(errno.EINVAL, "it cannot be the name of a file", self.place(name))

    def _refusal(self, name: str, reason: str) -> OSError:
        return NotADirectoryError(errno.ENOTDIR, reason, self.place(name))


class UnnamedLink(NotADirectoryError):
    """The folder that output goes to is a link, and the user did not name it."""


def opened(root: Root, parts: Sequence[str] = ()) -> Folder:
    """Return the folder that ``parts`` lead to below ``root``, made where it is missing. Raises OSError."""
    if root.named:
        make(root.path or os.curdir)
        folder = _held(root.path)
    else:
        try:
            folder = _held("").inner(root.path)
        except OSError as error:
            if error.strerror == _LINK:
                raise UnnamedLink(error.errno, error.strerror, error.filename) from None
            raise
    for part in parts:
        folder = folder.inner(part)
    return folder


def make(path: str) -> None:
    """Make the folder ``path``, which the user named, and those above it, where they are missing. Raises OSError."""
    try:
        os.makedirs(path, exist_ok=True)
    except RecursionError:
        raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG), path) from None


def found(root: Root, parts: Sequence[str] = ()) -> Optional[Folder]:
    """Return the folder that ``parts`` lead to below ``root``; None where there is none, or a link on the way."""
    try:
        folder = _held(root.path) if root.named else _held("").existing(root.path)
        for part in parts:
            folder = folder.existing(part)
    except OSError:
        return None
    return folder


def _held(path: str) -> Folder:
    if _BY_DESCRIPTOR:
        return Folder(path, os.open(path or os.curdir, _FOLDER), set())
    if not stat.S_ISDIR(os.stat(path or os.curdir).st_mode):
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), path)
    return Folder(path, None, set())


def is_link(info: os.stat_result) -> bool:
    """Whether a name leads to another: a symlink, or a junction of Windows."""
    if stat.S_ISLNK(info.st_mode):
        return True
    if not getattr(info, "st_file_attributes", 0) & _REPARSE_POINT:
        return False
    return bool(getattr(info, "st_reparse_tag", _SURROGATE) & _SURROGATE)
