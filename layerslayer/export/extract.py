"""Many files of an image, the layers they are in taken one by one from the top."""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import partial
from typing import Dict, List, Mapping, Optional, Sequence, Tuple

from ..errors import LayerslayerError, LocalFileError, NameRefused
from ..filesystem.node import IMPLIED
from ..formats.entry import Entry
from ..formats.tar.bodies import Sink
from ..layers.held_files import HeldFiles
from ..layers.outcome import Report
from ..layers.reader import CannotContinue, LayerReader
from ..oci.image import Layer
from .sinks import Fan, Target, drop

Files = Sequence[Tuple[str, Entry]]  # the path to write to, and the regular file's entry


class Output(ABC):
    """Where files go, and who hears what came of each."""

    @abstractmethod
    def target(self, path: str, entry: Entry) -> Target:
        """Return where the bytes of a file go. Raises LocalFileError."""

    @abstractmethod
    def written(self, path: str, target: Target, layer: Layer, report: Optional[Report]) -> None:
        """Keep the file that ``target`` got of ``layer``, if it is what it should be. Raises LocalFileError.

        ``report``: of the layer, where that was read as far as it will be.
        """

    @abstractmethod
    def refused(self, path: str, error: NameRefused) -> None:
        """Hear of a name that this machine's disk does not take."""

    @abstractmethod
    def failed(self, asked: str, error: Exception) -> None:
        """Hear what kept something from being got."""


class Layerwise:
    """Gets files whose entries are known, by the ``readers`` of their layers; some are ``held`` already.

    ``reports`` get what each reading cost.
    """

    def __init__(
        self, readers: Mapping[int, LayerReader], held: HeldFiles, output: Output, reports: List[Report]
    ) -> None:
        self._readers = readers
        self._held = held
        self._output = output
        self._reports = reports

    def get(self, files: Mapping[int, Files]) -> List[str]:
        """Get files, by the numbers of their layers; return the paths of those whose layer's table was of no use.

        What else keeps one from being had is told. Raises LocalFileError.
        """
        again: List[str] = []
        for number in sorted(files, reverse=True):
            reader = self._readers[number]
            if any(entry.offset < IMPLIED for _, entry in files[number]):
                again += self._by_table(reader, files[number])
            else:
                self._of_layer(reader, files[number])
        return again

    def _by_table(self, reader: LayerReader, files: Files) -> List[str]:
        """Get files by their publisher's table; return the paths of those that it does not help to."""
        left = sorted(files, key=lambda item: -item[1].offset)  # as they stand in the tar
        while left:
            path, entry = left[0]
            try:
                self._one(reader, path, entry)
            except CannotContinue as error:
                self._reports += [error.report] if error.report is not None else []
                return [path for path, _ in left]
            del left[0]
        return []

    def _one(self, reader: LayerReader, path: str, entry: Entry) -> None:
        """Get one file; tell what keeps it from being had. Raises CannotContinue and LocalFileError."""
        made: List[Target] = []

        def new_sink(entry: Entry) -> Sink:
            made.append(self._output.target(path, entry))
            return made[-1]

        try:
            report = reader.read({entry.offset: entry}, new_sink)
            self._reports.append(report)
            self._output.written(path, made[-1], reader.layer, report)
        except LocalFileError as error:
            if not isinstance(error, NameRefused):
                raise  # the disk's trouble, and the next file's too
            self._output.refused(path, error)
        except LayerslayerError as error:
            self._output.failed(path, error)
        finally:
            for target in made:
                drop(target)

    def _of_layer(self, reader: LayerReader, files: Files) -> None:
        """Get files of a layer: those that were held while it was read, and the others by its reader."""
        fans: Dict[int, Fan] = {}
        entries = {entry.offset: entry for _, entry in files}
        for path, entry in files:
            if entry.offset not in fans:
                fans[entry.offset] = Fan(partial(self._written, reader.layer), self._output.refused)
            fans[entry.offset].paths.append((path, partial(self._output.target, path, entry)))
        problem: Optional[LayerslayerError] = None
        try:
            self._held.give(reader, fans)
            left = {offset: entries[offset] for offset, fan in fans.items() if not fan.done}
            if left:
                problem = self._read(reader, left, fans).problem
        finally:
            for fan in fans.values():
                fan.drop()
        missing = sum(not fan.done for fan in fans.values())
        if missing:
            what = "{} files of layer {}".format(missing, reader.layer.number)
            self._output.failed(what, problem or LayerslayerError("gone"))

    def _read(self, reader: LayerReader, left: Dict[int, Entry], fans: Mapping[int, Fan]) -> Report:
        """Read the files that are left by the first way that does."""

        def anew(entry: Entry) -> Sink:
            fans[entry.offset].drop()  # what an earlier try got
            return fans[entry.offset]

        while True:
            try:
                report = reader.read(left, anew)
            except CannotContinue as error:
                self._reports += [error.report] if error.report is not None else []
                left = {offset: entry for offset, entry in left.items() if not fans[offset].done}
            else:
                self._reports.append(report)
                return report

    def _written(self, layer: Layer, path: str, target: Target) -> None:
        self._output.written(path, target, layer, None)
