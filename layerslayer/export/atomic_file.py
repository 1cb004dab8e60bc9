"""Files that appear under their final name only when they are whole and right.

Until then a file is called ``.layerslayer-new-<hex>.part`` and locked; what a
run that was killed left of such is removed by the next one.
"""

from __future__ import annotations

import os
import re
import secrets
import stat
import time
from typing import AbstractSet, BinaryIO, Optional, Set, TypeVar, Union

from ..errors import Action, LocalFileError, Remedy
from .file_lock import is_held, lock
from .output_folder import Folder

Self = TypeVar("Self", bound="NewFile")

OURS = ".layerslayer-"  # how the names begin of what is not finished
_NEW = re.compile(r"\.layerslayer-new-[0-9a-f]{16}\.part")
_BEGUN = re.compile(r"\.layerslayer-(?:[0-9a-f]{16}){1,2}\.part")  # of earlier versions new files, too
_LONG_AGO = 7 * 24 * 3600  # seconds after which nobody is expected to go on with a beginning
_OWNER = 0o600  # permissions that it takes to write a file, and to remove what is left of it
TRIES = 8


class NewFile:
    """A file written beside its final place; ``keep`` puts it there, leaving without drops it.

    ``mode`` are its permissions, less the umask. Raises LocalFileError for whatever the disk refuses.
    """

    def __init__(self, folder: Folder, mode: int = 0o666) -> None:
        self._folder = folder
        self._mode = mode
        self._name = ""  # the one it has now
        self._over = False  # it has its final name, or is gone
        self._worthless = False  # nothing that a later run could use
        try:
            self._file = self._open()
            unfinished.add(self)
            if folder.first_visit():
                clear(folder, self.owner)
        except OSError as error:
            raise self._failure(error) from None

    @property
    def owner(self) -> int:
        """Whose files are that are made here: on some disks somebody else's than the user's."""
        return os.fstat(self._file.fileno()).st_uid

    def _open(self) -> BinaryIO:
        for _ in range(TRIES):
            self._name = OURS + "new-{}.part".format(secrets.token_hex(8))
            file = os.fdopen(self._folder.create(self._name, self._mode | _OWNER), "r+b", buffering=0)
            try:
                lock(file)
                gone = not self._folder.has(self._name, file.fileno())
            except OSError as error:
                gone = is_held(error)
            if not gone:
                return file  # locked, where locks are to be had
            file.close()  # another run took it for what was left behind
        raise FileNotFoundError(2, "other runs remove what is written")

    def __enter__(self: Self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file, and remove it unless it was kept. May be repeated."""
        if os.name != "nt":  # which does not remove open files; elsewhere nobody else takes it up in between
            self.discard()
        self._file.close()
        self.discard()

    def discard(self) -> None:
        """Remove the file unless it was kept. May be called from any thread, and repeated."""
        unfinished.discard(self)
        if self._over:
            return
        try:
            if self._file.closed or self._folder.has(self._name, self._file.fileno()):
                self._folder.remove(self._name)
            self._over = True
        except FileNotFoundError:
            self._over = True
        except (OSError, ValueError):
            pass  # another thread has just closed it, or this system does not remove open files

    def write(self, piece: Union[bytes, memoryview]) -> None:
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
        try:
            self._finish()
            if os.name == "nt":
                self._file.close()  # Windows does not rename open files
            self._folder.rename(self._name, name)
            self._over = True
            self._file.close()
        except OSError as error:
            self._worthless = True
            raise self._failure(error) from None
        return self._folder.place(name)

    def _finish(self) -> None:
        """Do what is left to do before the file gets its name."""
        if ~self._mode & _OWNER:
            permit(self._file, stat.S_IMODE(os.fstat(self._file.fileno()).st_mode) & (self._mode | ~_OWNER))

    def _failure(self, error: OSError) -> LocalFileError:
        return LocalFileError(
            "nothing can be written to {}: {}.".format(self._folder.path, error.strerror or error),
            Remedy(Action.CHOOSE_FOLDER, "Choose another folder"),
        )


def permit(file: BinaryIO, mode: int) -> None:
    if hasattr(os, "fchmod"):
        try:
            os.fchmod(file.fileno(), mode)
        except OSError:
            pass  # the disk knows no permissions


def clear(folder: Folder, owner: int, wanted: Optional[AbstractSet[str]] = None) -> None:
    """Remove the ``owner``'s files that runs left here which were killed; not what a living one has locked.

    With ``wanted``, the names of those that will be gone on with, other
    beginnings of downloads too, if they are a week old.
    """
    try:
        names = folder.names()
    except OSError:
        return  # it may be written, but not read
    mine = {file._name for file in list(unfinished)}  # which some disks would let this process lock once more
    for name in set(names) - mine:
        if _NEW.fullmatch(name):
            _remove_left(folder, name, owner, before=None)
        elif wanted is not None and name not in wanted and _BEGUN.fullmatch(name):
            _remove_left(folder, name, owner, before=time.time() - _LONG_AGO)


def _remove_left(folder: Folder, name: str, owner: int, before: Optional[float]) -> None:
    try:
        with os.fdopen(folder.open_file(name, os.O_RDWR), "r+b", buffering=0) as file:
            info = os.fstat(file.fileno())
            if info.st_uid != owner or info.st_nlink != 1 or (before is not None and info.st_mtime > before):
                return
            lock(file)  # fails where a living run has it, or it cannot be told
            if not folder.has(name, file.fileno()):
                return
            if os.name != "nt":
                folder.remove(name)
        if os.name == "nt":  # which does not remove open files, nor those that others have open
            folder.remove(name)
    except OSError:
        pass


unfinished: Set[NewFile] = set()  # being written now, by whatever thread


def discard_unfinished() -> None:
    """Remove the files being written; for an end that does not wait for their threads."""
    for file in list(unfinished):
        file.discard()
