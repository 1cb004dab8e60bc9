"""Bytes kept for a while: in memory as long as they are few, then in a file without a name.

Nothing is held back on the way to the disk: what it refuses is known at once,
and what it took before is there still.
"""

from __future__ import annotations

import io
import tempfile
from typing import IO, Union


class TemporaryBytes:
    """Keeps up to ``most`` bytes in memory. Whatever the disk refuses is an OSError. For one thread at a time."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._file: IO[bytes] = io.BytesIO()
        self._in_memory = True

    def write(self, place: int, data: Union[bytes, memoryview]) -> None:
        """Write ``data`` at ``place``; what was there is written over. Where that fails, all else stays as it is."""
        if place + len(data) > self._most:
            self.leave_memory()
        _put(self._file, place, data)

    def read(self, place: int, length: int) -> bytes:
        """Return the bytes at ``place``, fewer where there are no more."""
        self._file.seek(place)
        pieces = []
        while length:
            piece = self._file.read(length)
            if not piece:
                break
            pieces.append(piece)
            length -= len(piece)
        return b"".join(pieces)

    def leave_memory(self) -> None:
        """Move all to the file. Where that fails it stays where it is."""
        if not self._in_memory:
            return
        self._file.seek(0)
        file = tempfile.TemporaryFile(buffering=0)
        try:
            _put(file, 0, self._file.read())
        except BaseException:
            file.close()
            raise
        self._file, self._in_memory = file, False

    def close(self) -> None:
        self._file.close()

    def __del__(self) -> None:
        self.close()


def _put(file: IO[bytes], place: int, data: Union[bytes, memoryview]) -> None:
    file.seek(place)
    view = memoryview(data)
    while view:
        view = view[file.write(view) :]
