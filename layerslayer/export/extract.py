"""Many files of an image, the layers they are in taken one by one from the top."""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import partial
from typing import Dict, List, Mapping, Optional, Sequence, Tuple

from ..errors import LayerslayerError, LocalFileError, NameRefused
from ..filesystem.node import IMPLIED
from ..formats.entry import Entry
from ..formats.tar.bodies import Sink
from ..layers.outcome import Report
from ..layers.stream_bodies import fetch_bodies
from ..layers.ways import Ways
from ..oci.image import Image, Layer
from ..oci.source import Source
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
    """Gets files whose entries are known. ``verify``: layers that are read are read to their end."""

    def __init__(
        self, source: Source, image: Image, ways: Ways, output: Output, reports: List[Report], verify: bool
    ) -> None:
        self._source = source
        self._image = image
        self._ways = ways
        self._output = output
        self._reports = reports
        self._verify = verify

    def get(self, files: Mapping[int, Files]) -> List[str]:
        """Get files, by the numbers of their layers; return the paths of those whose layer's index was of no use.

        What else keeps one from being had is told. Raises LocalFileError.
        """
        again: List[str] = []
        for number in sorted(files, reverse=True):
            layer = self._image.layers[number]
            if any(entry.offset < IMPLIED for _, entry in files[number]):
                again += self._by_index(layer, files[number])
            else:
                self._of_layer(layer, files[number])
        return again

    def _by_index(self, layer: Layer, files: Files) -> List[str]:
        """Get files by their layer's index; return the paths of those that it does not help to."""
        self._ways.claimed(layer)
        again: List[str] = []
        for path, entry in sorted(files, key=lambda item: -item[1].offset):  # as they stand in the tar
            made: List[Target] = []

            def new_sink(entry: Entry, path: str = path, made: List[Target] = made) -> Sink:
                made.append(self._output.target(path, entry))
                return made[-1]

            try:
                report = self._ways.by_index(layer, entry, new_sink)
                if report is None:
                    again.append(path)
                else:
                    self._reports.append(report)
                    self._output.written(path, made[-1], layer, report)
            except LocalFileError as error:
                if not isinstance(error, NameRefused):
                    raise  # the disk's trouble, and the next file's too
                self._output.refused(path, error)
            except LayerslayerError as error:
                self._output.failed(path, error)
            finally:
                for target in made:
                    drop(target)
        return again

    def _of_layer(self, layer: Layer, files: Files) -> None:
        """Get files of a layer, which is read for those that no shorter way leads to."""
        fans: Dict[int, Fan] = {}
        for path, entry in files:
            if entry.offset not in fans:
                fans[entry.offset] = Fan(partial(self._written, layer), self._output.refused)
            fans[entry.offset].paths.append((path, partial(self._output.target, path, entry)))

        def anew(entry: Entry) -> Sink:
            fans[entry.offset].drop()  # what an earlier try got
            return fans[entry.offset]

        try:
            report = self._ways.several(layer, {entry.offset: entry for _, entry in files}, anew)
            if report is None:
                left = {offset: fan for offset, fan in fans.items() if not fan.done}
                for fan in left.values():
                    fan.drop()  # what was begun by leaping
                report = fetch_bodies(self._source, layer, left, self._verify)
        finally:
            for fan in fans.values():
                fan.drop()
        self._reports.append(report)
        missing = sum(not fan.done for fan in fans.values())
        if missing:
            what = "{} files of layer {}".format(missing, layer.number)
            self._output.failed(what, report.problem or LayerslayerError("gone"))

    def _written(self, layer: Layer, path: str, target: Target) -> None:
        self._output.written(path, target, layer, None)
