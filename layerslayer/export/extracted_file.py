"""Files out of an image onto this machine's disk, safely.

An image's names and links are a stranger's: nothing is ever written outside of
the output folder, nor through a link, whatever stood there before. Permissions
are never wider than the image's; neither ownership nor setuid bits nor devices
come over.
"""

from __future__ import annotations

import errno
import os
import re
import sys
from typing import Callable, Optional, Sequence, Union

from ..errors import Action, LocalFileError, NameRefused, Remedy
from ..escaping import raw_name
from ..formats.tar.bodies import Sink
from .atomic_file import OURS, NewFile
from .output_folder import Folder, Root, opened

_WINDOWS = sys.platform == "win32"
_CONTROLS = re.compile("[\0-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff%\ud800-\udc7f\udd00-\udfff]")
_WINDOWS_UNSAFE = re.compile(r'[<>:"|?*\\]|[. ]$|^(?=(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$))', re.IGNORECASE)
_OWNER = 0o700  # what it takes to write files into a directory, whatever the image states


def local_name(component: str) -> str:
    """Return a path's component as a name for this machine's disk; what it cannot bear becomes ``%XX``."""
    name = _CONTROLS.sub(lambda match: "".join("%{:02X}".format(byte) for byte in raw_name(match.group())), component)
    if _WINDOWS:
        name = _WINDOWS_UNSAFE.sub(lambda match: "%{:02X}".format(ord(match.group() or "_")), name)
    return "%2E" + name[1:] if name.startswith(OURS) else name


class Carver:
    """The folder that files of one image are written below; made when the first of them comes. ``close`` it."""

    def __init__(self, root: Root, parts: Sequence[str] = ()) -> None:
        self._root = root
        self._parts = parts
        self._base: Optional[Folder] = None
        # The permissions that the image states for a directory, as far as they are known.
        self.mode_of: Callable[[str], Optional[int]] = lambda path: None

    def close(self) -> None:
        if self._base is not None:
            self._base.close()

    def folder(self, path: str) -> Folder:
        """Return the folder for the image's directory ``path`` (normalised), made where it is missing.

        Nobody but the owner gets more permissions than the image states, and
        the owner those that it takes to write there. Raises LocalFileError.
        """
        shown = os.path.join(self._root.path, *self._parts)
        try:
            if self._base is None:
                self._base = opened(self._root, self._parts)
            folder, above = self._base, ""
            for part in path.split("/") if path else ():
                above = above + "/" + part if above else part
                name = local_name(part)
                shown = folder.place(name)
                mode = self.mode_of(above)
                folder = folder.inner(name, 0o777 if mode is None else _OWNER | mode & 0o777)
        except OSError as error:
            raise _failure(shown, error) from None
        return folder

    def file(self, path: str, mode: int) -> CarvedFile:
        """Return a new file for the image's ``path``, with permissions that are no wider. Raises LocalFileError."""
        directory, _, base = path.rpartition("/")
        return CarvedFile(self.folder(directory), local_name(base), mode & 0o777)


class CarvedFile(Sink):
    """One file of the output; it has its name only once it is whole. ``keep`` or ``discard`` it."""

    def __init__(self, folder: Folder, name: str, mode: int) -> None:
        self._name = name
        self.path = folder.place(name)
        self.whole = False
        self.refused = ""
        self.size = 0
        self._file: Optional[_Carving] = _Carving(folder, self.path, mode)

    def write(self, data: Union[bytes, memoryview]) -> None:
        assert self._file is not None
        self.size += len(data)
        self._file.write(data)

    def end(self) -> None:
        self.whole = True

    def refuse(self, reason: str) -> None:
        self.refused = reason

    def keep(self) -> str:
        """Give the file its name; return its path. Raises LocalFileError."""
        assert self._file is not None
        try:
            return self._file.keep(self._name)
        finally:
            self.discard()

    def discard(self) -> None:
        """Remove what was written, unless it was kept."""
        if self._file is not None:
            self._file.close()
            self._file = None  # which holds its folder open


class _Carving(NewFile):
    """Tells of what the disk refuses by the name that the file will have."""

    def __init__(self, folder: Folder, path: str, mode: int) -> None:
        self._shown = path
        super().__init__(folder, mode)

    def _failure(self, error: OSError) -> LocalFileError:
        return _failure(self._shown, error)


# What disks say of a name that they do not take, or that a folder has.
_NO_NAME = (errno.ENAMETOOLONG, errno.EILSEQ, errno.EINVAL, errno.EISDIR)


def _failure(path: str, error: OSError) -> LocalFileError:
    kind = NameRefused if error.errno in _NO_NAME else LocalFileError
    told = "the path {} cannot be written: {}.".format(path, error.strerror or error)
    return kind(told, Remedy(Action.CHOOSE_FOLDER, "Choose another folder"))
