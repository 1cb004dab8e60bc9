"""A tar written in one pass over what goes in: the same bytes for the same files, whoever writes them."""

from __future__ import annotations

import tarfile
from typing import Iterable

from .atomic_file import NewFile

_BLOCK = 512


class TarWriter:
    """Adds files to a tar in ``file``, which stays the caller's."""

    def __init__(self, file: NewFile) -> None:
        self._file = file
        self._at = 0

    def add(self, name: str, body: bytes) -> None:
        self.stream(name, (body,), len(body))

    def stream(self, name: str, pieces: Iterable[bytes], size: int) -> None:
        """Add a file of exactly ``size`` bytes."""
        self._write(_header(name, size))
        start = self._at
        for piece in pieces:
            self._write(piece)
        assert self._at - start == size  # verified by whoever gives the pieces
        self._pad(size)

    def stream_unsized(self, name: str, pieces: Iterable[bytes]) -> int:
        """Add a file, its size not known before; return that. ``name`` has at most 100 characters."""
        at = self._at
        self._write(bytes(_BLOCK))
        for piece in pieces:
            self._write(piece)
        size = self._at - at - _BLOCK
        header = _header(name, size)
        assert len(header) == _BLOCK
        self._file.rewrite(at, header)
        self._pad(size)
        return size

    def close(self) -> None:
        """Write the end marker."""
        self._write(bytes(2 * _BLOCK))

    def _pad(self, size: int) -> None:
        self._write(bytes(-size % _BLOCK))

    def _write(self, piece: bytes) -> None:
        self._file.write(piece)
        self._at += len(piece)


def _header(name: str, size: int) -> bytes:
    info = tarfile.TarInfo(name)
    info.size = size
    return info.tobuf(tarfile.GNU_FORMAT)
