"""A body held back until it is whole, in memory or in a temporary file."""

from __future__ import annotations

from typing import Callable, Union

from ..errors import Action, LocalFileError, Remedy
from ..formats.tar.bodies import Sink
from .spooled_file import TemporaryBytes

_IN_MEMORY = 4 * 1024 * 1024  # bytes
_PIECE = 256 * 1024


class Held(Sink):
    """Holds a body back until it is whole, and then gives it to the sink that ``open_sink`` makes.

    Small ones in memory, others in a temporary file. Without ``end`` nothing is given.
    """

    def __init__(self, open_sink: Callable[[], Sink]) -> None:
        self._open_sink = open_sink
        self._held = TemporaryBytes(_IN_MEMORY)
        self._size = 0

    def write(self, data: Union[bytes, memoryview]) -> None:
        try:
            self._held.write(self._size, data)
        except OSError as error:
            raise LocalFileError(
                "a temporary file cannot be written: {}.".format(error.strerror or error),
                Remedy(Action.NO_CACHE),
            ) from None
        self._size += len(data)

    def end(self) -> None:
        sink = self._open_sink()
        for at in range(0, self._size, _PIECE):
            sink.write(self._piece(at))
        self._held.close()
        sink.end()

    def _piece(self, at: int) -> bytes:
        wanted = min(_PIECE, self._size - at)
        try:
            piece = self._held.read(at, wanted)
        except OSError as error:
            raise unreadable(error.strerror or error) from None
        if len(piece) != wanted:
            raise unreadable("it is shorter than it was")
        return piece

    def refuse(self, reason: str) -> None:
        self._open_sink().refuse(reason)


def unreadable(reason: object) -> LocalFileError:
    """Return what to raise for a temporary file that does not give back what it got."""
    return LocalFileError("a temporary file cannot be read: {}.".format(reason), "Set TMPDIR to another folder.")
