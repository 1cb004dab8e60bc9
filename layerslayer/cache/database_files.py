"""The files of the cache on disk: the user's own, of bounded size, removed as one."""

from __future__ import annotations

import os
import threading
from typing import Callable

from .private_folder import NotOurs, own_file, own_folder

FILE = "layers.sqlite"
_FILES = tuple(FILE + ending for ending in ("", "-wal", "-shm", "-journal"))
_MOST = 1024 * 1024 * 1024  # bytes of all of them: twice what is kept
_CREATING = threading.Lock()


class DatabaseFiles:
    """The files in a folder. ``ours`` says that they were claimed, and that no other process is at work on them."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.path = os.path.join(folder, FILE)
        self.ours = False

    def claim(self, warn: Callable[[str], None]) -> None:
        """Make folder and files the user's own; ``warn`` where they had to be removed. Raises NotOurs and OSError."""
        if not self.folder:
            raise NotOurs("no home is known to keep a cache in")
        folder = _real(self.folder)
        self.path = os.path.join(folder, FILE)
        own_folder(folder, _FILES)
        foreign = [own_file(os.path.join(folder, name)) for name in _FILES]
        if any(foreign):
            warn(f"the cache in {self.folder} could be changed by others and is made anew.")
            self.remove()
        elif sum(_length(os.path.join(folder, name)) for name in _FILES) > _MOST:
            warn(f"the cache in {self.folder} is larger than any and is made anew.")
            self.remove()
        self.ours = True

    def create(self) -> None:
        """Create an empty file, unless there is one; SQLite gives its permissions to those beside it, too.

        One that is there is never opened but by SQLite: a process that closes a file
        loses all its locks on it, those of its other connections as well.
        """
        with _CREATING:
            try:
                os.close(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
            except FileExistsError:
                pass

    def remove(self) -> None:
        """Remove the files that are there. Raises OSError."""
        for name in _FILES:
            path = os.path.join(os.path.dirname(self.path), name)
            if os.path.lexists(path):
                os.unlink(path)

    def remove_ours(self) -> bool:
        """Remove the files if they are ours; return whether they were, and could be."""
        try:
            if self.ours:
                self.remove()
        except OSError:
            self.ours = False
        return self.ours


def _real(folder: str) -> str:
    """Return the folder's path, free of links down to its own name."""
    head, tail = os.path.split(folder.rstrip("/") or "/") if os.sep == "/" else os.path.split(os.path.abspath(folder))
    if tail in ("", os.curdir, os.pardir):
        return os.path.realpath(folder)
    return os.path.join(os.path.realpath(head or os.curdir), tail)


def _length(path: str) -> int:
    try:
        return os.lstat(path).st_size
    except OSError:
        return 0
