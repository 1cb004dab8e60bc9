"""Files out of an image onto this machine's disk, safely.

An image's names and links are a stranger's: nothing is ever written outside of
the output folder, nor through a link, whatever stood there before. Neither
ownership nor setuid bits nor devices come over.
"""

from __future__ import annotations

import errno
import os
import re
import secrets
import stat
import sys
from typing import Optional, Union

from .errors import LocalFileError, NameRefused
from .escaping import raw_name
from .layers.bodies import Sink

_WINDOWS = sys.platform == "win32"
_CONTROLS = re.compile("[\0-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff%\ud800-\udc7f\udd00-\udfff]")
_WINDOWS_UNSAFE = re.compile(r'[<>:"|?*\\]|[. ]$|^(?=(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$))', re.IGNORECASE)
_BY_DESCRIPTOR = os.open in os.supports_dir_fd and os.mkdir in os.supports_dir_fd and hasattr(os, "O_NOFOLLOW")


def local_name(component: str) -> str:
    """Return a path's component as a name for this machine's disk; what it cannot bear becomes ``%XX``."""
    name = _CONTROLS.sub(lambda match: "".join("%{:02X}".format(byte) for byte in raw_name(match.group())), component)
    if _WINDOWS:
        name = _WINDOWS_UNSAFE.sub(lambda match: "%{:02X}".format(ord(match.group() or "_")), name)
    return name


class Folder:
    """A folder of the output, opened without following links. ``close`` it."""

    def __init__(self, path: str, handle: Optional[int]) -> None:
        self.path = path
        self._handle = handle

    def close(self) -> None:
        if self._handle is not None:
            os.close(self._handle)

    def inner(self, name: str) -> Folder:
        """Return the folder ``name`` in this one, made where it is missing. Raises LocalFileError."""
        path = os.path.join(self.path, name)
        try:
            try:
                if self._handle is None:
                    os.mkdir(path)
                else:
                    os.mkdir(name, dir_fd=self._handle)
            except FileExistsError:
                pass  # it is looked at below
            if self._handle is None:
                if not stat.S_ISDIR(os.lstat(path).st_mode):
                    raise NotADirectoryError(20, "a file or link is in the way")
                return Folder(path, None)
            flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
            return Folder(path, os.open(name, flags, dir_fd=self._handle))
        except OSError as error:
            raise _failure(path, error) from None

    def create(self, name: str) -> int:
        """Return a descriptor of the new file ``name``, open for writing. Raises OSError."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
        if self._handle is None:
            return os.open(os.path.join(self.path, name), flags, 0o644)
        return os.open(name, flags, 0o644, dir_fd=self._handle)

    def rename(self, old: str, new: str) -> None:
        """Give a file its final name; a link that bears it is replaced, not followed. Raises OSError."""
        if self._handle is None:
            os.replace(os.path.join(self.path, old), os.path.join(self.path, new))
        else:
            os.replace(old, new, src_dir_fd=self._handle, dst_dir_fd=self._handle)

    def remove(self, name: str) -> None:
        """Remove a file; it may be gone."""
        try:
            if self._handle is None:
                os.unlink(os.path.join(self.path, name))
            else:
                os.unlink(name, dir_fd=self._handle)
        except OSError:
            pass  # gone already


def open_folder(root: str, path: str) -> Folder:
    """Return the folder for the image's directory ``path`` (normalised) below ``root``, made where it is missing."""
    try:
        os.makedirs(root, exist_ok=True)
        handle = os.open(root, os.O_RDONLY | os.O_DIRECTORY) if _BY_DESCRIPTOR else None
    except OSError as error:
        raise _failure(root, error) from None
    folder = Folder(root, handle)
    for part in path.split("/") if path else ():
        try:
            inner = folder.inner(local_name(part))
        finally:
            folder.close()
        folder = inner
    return folder


class CarvedFile(Sink):
    """One file of the output; it has its name only once it is whole. ``keep`` or ``discard`` it."""

    def __init__(self, root: str, path: str, executable: bool) -> None:
        directory, _, base = path.rpartition("/")
        self._folder = open_folder(root, directory)
        self._name = local_name(base)
        self.path = os.path.join(self._folder.path, self._name)
        self._temporary = ".layerslayer-{}.part".format(secrets.token_hex(8))
        self.whole = False
        self.refused = ""
        self.size = 0
        self._over = False
        try:
            self._file: Optional[int] = self._folder.create(self._temporary)
        except OSError as error:
            self._folder.close()
            raise _failure(self.path, error) from None
        if executable and hasattr(os, "fchmod"):
            os.fchmod(self._file, 0o755 & ~_umask())

    def write(self, data: Union[bytes, memoryview]) -> None:
        view = memoryview(data)
        assert self._file is not None
        self.size += len(view)
        try:
            while view:
                view = view[os.write(self._file, view) :]
        except OSError as error:
            raise _failure(self.path, error) from None

    def end(self) -> None:
        self.whole = True

    def refuse(self, reason: str) -> None:
        self.refused = reason

    def keep(self) -> str:
        """Give the file its name; return its path. Raises LocalFileError."""
        assert self._file is not None
        try:
            os.close(self._file)
            self._file = None
            self._folder.rename(self._temporary, self._name)
        except OSError as error:
            self.discard()
            raise _failure(self.path, error) from None
        self._over = True
        self._folder.close()
        return self.path

    def discard(self) -> None:
        """Remove what was written, unless it was kept."""
        if self._over:
            return
        self._over = True
        if self._file is not None:
            os.close(self._file)
        self._folder.remove(self._temporary)
        self._folder.close()


def _umask() -> int:
    mask = os.umask(0o022)
    os.umask(mask)
    return mask


# What disks say of a name that they do not take, or that a folder has.
_NO_NAME = (errno.ENAMETOOLONG, errno.EILSEQ, errno.EINVAL, errno.EISDIR)


def _failure(path: str, error: OSError) -> LocalFileError:
    kind = NameRefused if error.errno in _NO_NAME else LocalFileError
    return kind("{} cannot be written: {}.".format(path, error.strerror or error), "Choose another folder with -o.")
