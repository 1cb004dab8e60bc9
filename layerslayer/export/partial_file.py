"""The files of downloads: what one that broke off leaves is gone on with by a later run.

It is called ``.layerslayer-<hex>.part``, after the digest, and is the user's
alone: another could change it once it was verified.
"""

from __future__ import annotations

import os
import stat
from typing import BinaryIO, Iterator, Optional

from ..oci.descriptor import Descriptor
from .atomic_file import OURS, TRIES, NewFile, permit, unfinished
from .file_lock import is_held, lock
from .output_folder import Folder

_PIECE = 512 * 1024  # bytes
_NAMED_BY = 32  # digits of the digest in the name of a file that is not finished
_WRITABLE_BY_OTHERS = stat.S_IWGRP | stat.S_IWOTH


class PartialFile(NewFile):
    """The file of a download, which a later run goes on with where this one broke off.

    ``size`` bytes of it were there. Where another process is writing that very
    file, or nobody could go on with it (not ``resumable``), this is one of its own.
    """

    def __init__(self, folder: Folder, descriptor: Descriptor, resumable: bool = True) -> None:
        self._resumable = resumable
        self._shared_name = beginning_of(descriptor)
        self._shared = False
        self._final: Optional[int] = None  # permissions that it gets in the end
        super().__init__(folder)
        self.size = os.fstat(self._file.fileno()).st_size

    def _open(self) -> BinaryIO:
        own = super()._open()
        if not self._resumable:
            return own
        self._final = stat.S_IMODE(os.fstat(own.fileno()).st_mode)
        permit(own, 0o600)
        shared = self._begun(os.fstat(own.fileno()))
        if shared is None:
            return own
        own.close()
        self._folder.remove(self._name)
        self._name, self._shared = self._shared_name, True
        return shared

    def _begun(self, own: os.stat_result) -> Optional[BinaryIO]:
        """Return the shared file, locked, where it can be had and is surely the user's own.

        ``own`` is what a file is like which the user alone may write, as this disk shows it.
        """
        for _ in range(TRIES):
            try:
                file = self._shared_file()
            except OSError:
                return None  # something else of that name is in the way
            usable = self._usable(file, own)
            if usable:
                return file
            file.close()
            if usable is None:
                return None
        return None

    def _usable(self, file: BinaryIO, own: os.stat_result) -> Optional[bool]:
        """Whether the shared file, now locked, is the user's alone; None where somebody else has it.

        False: it was the user's, but not alone, and is removed. Whoever could
        write it may have it open: it would change after it was verified.
        """
        here = os.fstat(file.fileno())
        try:
            lock(file)
        except OSError as error:
            if not is_held(error) and not here.st_size and here.st_uid == own.st_uid:
                self._remove_shared()  # no locks on this disk, so nobody will go on with it
            return None
        if not self._folder.has(self._shared_name, file.fileno()) or here.st_uid != own.st_uid:
            return None
        if here.st_nlink == 1 and not here.st_mode & _WRITABLE_BY_OTHERS & ~own.st_mode:
            return True
        return False if self._remove_shared() else None

    def _remove_shared(self) -> bool:
        try:
            self._folder.remove(self._shared_name)
        except OSError:
            return False
        return True

    def _shared_file(self) -> BinaryIO:
        try:
            handle = self._folder.create(self._shared_name, 0o600)
        except FileExistsError:
            handle = self._folder.open_file(self._shared_name, os.O_RDWR)
        return os.fdopen(handle, "r+b", buffering=0)

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
        if self._shared and not self._over and not self._worthless:
            try:
                if self._folder.status(self._name).st_size:
                    unfinished.discard(self)
                    self._over = True  # from here on it is another run's
                    return
            except OSError:
                pass  # gone already
        super().discard()

    def _finish(self) -> None:
        if self._final is not None:
            permit(self._file, self._final)


def beginning_of(descriptor: Descriptor) -> str:
    """Return what the beginning of a download is called."""
    return OURS + "{}.part".format(descriptor.hex[:_NAMED_BY])
