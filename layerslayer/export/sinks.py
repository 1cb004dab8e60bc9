"""Where the bytes of files that are got go: standard output, or one or several files of this machine."""

from __future__ import annotations

from typing import Callable, List, Optional, Tuple, Union

from ..cli.console import Console
from ..errors import LocalFileError, NameRefused
from ..escaping import ContentText
from ..formats.tar.bodies import Sink
from ..layers.spooled_file import TemporaryBytes
from .extracted_file import CarvedFile

_IN_MEMORY = 4 * 1024 * 1024  # bytes
_PIECE = 256 * 1024


class Printed(Sink):
    """Writes a body to standard output."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._text = ContentText()
        self.whole = False
        self.refused = ""
        self.size = 0

    def write(self, data: Union[bytes, memoryview]) -> None:
        self.size += len(data)
        self._console.raw(bytes(data), self._text, ends=False)

    def end(self) -> None:
        self._console.raw(b"", self._text)
        self.whole = True

    def refuse(self, reason: str) -> None:
        self.refused = reason


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
                "Set TMPDIR to a folder with room, or use --no-cache.",
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
            raise _unreadable(error.strerror or error) from None
        if len(piece) != wanted:
            raise _unreadable("it is shorter than it was")
        return piece

    def refuse(self, reason: str) -> None:
        self._open_sink().refuse(reason)


def _unreadable(reason: object) -> LocalFileError:
    return LocalFileError("a temporary file cannot be read: {}.".format(reason), "Set TMPDIR to another folder.")


Target = Union[CarvedFile, Printed]


class Fan(Sink):
    """One body into the files of several paths (hardlinks), opened only when it comes.

    A name that this machine's disk does not take is told to ``failed``; the others are written all the same.
    """

    def __init__(self, written: Callable[[str, Target], None], failed: Callable[[str, NameRefused], None]) -> None:
        self.paths: List[Tuple[str, Callable[[], Target]]] = []
        self._written = written
        self._failed = failed
        self._targets: Optional[List[Tuple[str, Target]]] = None
        self.done = False

    def _opened(self) -> List[Tuple[str, Target]]:
        if self._targets is None:
            self._targets = []
            for path, make in self.paths:
                try:
                    self._targets.append((path, make()))
                except NameRefused as error:
                    self._failed(path, error)
        return self._targets

    def write(self, data: Union[bytes, memoryview]) -> None:
        for _, target in self._opened():
            target.write(data)

    def end(self) -> None:
        for path, target in self._opened():
            target.end()
            self._written(path, target)
        self.done = True

    def refuse(self, reason: str) -> None:
        for path, target in self._opened():
            target.refuse(reason)
            self._written(path, target)
        self.done = True

    def drop(self) -> None:
        for _, target in self._targets or ():
            drop(target)
        self._targets = None


def drop(target: Target) -> None:
    if isinstance(target, CarvedFile):
        target.discard()
