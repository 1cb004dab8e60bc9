"""The ``-l`` log: what the user saw and typed, in order, as plain text."""

from __future__ import annotations

import os
import re
import stat
import threading
from typing import Optional, TextIO

from ..errors import LocalFileError
from ..export.output_folder import make

_STYLE = re.compile(r"\x1b\[[0-9;]*m")
_MODE = 0o600  # what a user is shown of an image may be nobody else's business
_SYSTEMS = ("/dev", "/dev/fd", "/proc/self/fd")  # where links are the system's: /dev/stderr and the like


class Tee:
    """A fresh UTF-8 file, the user's alone, that is flushed with every write.

    A pipe or device is written as it is. A link to a file is not followed:
    whoever put it there would choose what is overwritten. Colour codes are left
    out. When the disk fails the log stops, once said through ``failed``, and
    the program goes on.
    """

    def __init__(self, path: str) -> None:
        """Create the file and its parent folders. Raises LocalFileError."""
        self.path = path
        self.failed: Optional[str] = None
        self._lock = threading.Lock()
        try:
            parent = os.path.dirname(path)
            if parent:
                make(parent)
            handle = _opened(path)
            self._file: Optional[TextIO] = open(handle, "w", encoding="utf-8", errors="backslashreplace")
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            raise LocalFileError(
                f"the log file {path} cannot be written: {reason}.", "Choose another with -l."
            ) from None

    def write(self, text: str) -> None:
        """Append ``text``."""
        with self._lock:
            if self._file is None:
                return
            try:
                self._file.write(_STYLE.sub("", text))
                self._file.flush()
            except OSError as error:
                self.failed = f"the log file {self.path} is incomplete: {error.strerror or error}."
                self._file = None

    def close(self) -> None:
        with self._lock:
            if self._file is not None:
                try:
                    self._file.close()
                except OSError as error:
                    self.failed = f"the log file {self.path} is incomplete: {error.strerror or error}."
                self._file = None


def _opened(path: str) -> int:
    """Return a descriptor of the file at ``path``, empty, or of the pipe or device there. Raises OSError."""
    try:
        there = os.lstat(path)
    except FileNotFoundError:
        return _create(path)
    if stat.S_ISLNK(there.st_mode):
        if not _leads_to_file(path) or os.path.dirname(os.path.abspath(path)) in _SYSTEMS:
            return os.open(path, os.O_WRONLY | os.O_TRUNC)
        raise OSError(0, "it is a link to a file; name that file itself")
    if not stat.S_ISREG(there.st_mode):
        return os.open(path, os.O_WRONLY)
    if there.st_nlink > 1 or there.st_uid != getattr(os, "geteuid", lambda: there.st_uid)():
        os.unlink(path)  # another user's, or it has another name too: what that is stays as it is
        return _create(path)
    handle = os.open(path, os.O_WRONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0))
    try:
        if not os.path.samestat(there, os.fstat(handle)):
            raise OSError(0, "another file was put in its place")
        _make_private(handle)
        os.ftruncate(handle, 0)
    except BaseException:
        os.close(handle)
        raise
    return handle


def _make_private(handle: int) -> None:
    if hasattr(os, "fchmod"):
        try:
            os.fchmod(handle, _MODE)
        except OSError:
            pass  # the disk knows no permissions


def _create(path: str) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), _MODE)


def _leads_to_file(path: str) -> bool:
    """Whether a link leads to an ordinary file, or to nothing, so that one would be made there."""
    try:
        return stat.S_ISREG(os.stat(path).st_mode)
    except FileNotFoundError:
        return True
