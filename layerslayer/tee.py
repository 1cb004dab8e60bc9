"""The ``-l`` log: what the user saw and typed, in order, as plain text."""

from __future__ import annotations

import os
import re
import threading
from typing import Optional, TextIO

from .errors import LocalFileError

_STYLE = re.compile(r"\x1b\[[0-9;]*m")


class Tee:
    """A fresh UTF-8 file that is flushed with every write.

    Colour codes are left out. When the disk fails the log stops, once said
    through ``failed``, and the program goes on.
    """

    def __init__(self, path: str) -> None:
        """Create the file and its parent folders. Raises LocalFileError."""
        self.path = path
        self.failed: Optional[str] = None
        self._lock = threading.Lock()
        try:
            parent = os.path.dirname(path)
            if parent:
                os.makedirs(parent, exist_ok=True)
            self._file: Optional[TextIO] = open(path, "w", encoding="utf-8", errors="backslashreplace")
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            raise LocalFileError(
                "the log file {} cannot be written: {}.".format(path, reason), "Choose another with -l."
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
                self.failed = "the log file {} is incomplete: {}.".format(self.path, error.strerror or error)
                self._file = None

    def close(self) -> None:
        with self._lock:
            if self._file is not None:
                try:
                    self._file.close()
                except OSError as error:
                    self.failed = "the log file {} is incomplete: {}.".format(self.path, error.strerror or error)
                self._file = None
