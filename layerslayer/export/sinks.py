"""Where the bytes of files that are got go: standard output, or one or several files of this machine."""

from __future__ import annotations

from typing import Callable, List, Optional, Tuple, Union

from ..errors import NameRefused
from ..escaping import ContentText
from ..formats.tar.bodies import Sink
from .extracted_file import CarvedFile


class Printed(Sink):
    """Writes a body to standard output."""

    def __init__(self, raw: Callable[[bytes, ContentText, bool], None]) -> None:
        """``raw`` is that of the console: it writes bytes, to a terminal as the text they make."""
        self._raw = raw
        self._text = ContentText()
        self.whole = False
        self.refused = ""
        self.size = 0

    def write(self, data: Union[bytes, memoryview]) -> None:
        self.size += len(data)
        self._raw(bytes(data), self._text, False)

    def end(self) -> None:
        self._raw(b"", self._text, True)
        self.whole = True

    def refuse(self, reason: str) -> None:
        self.refused = reason


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
