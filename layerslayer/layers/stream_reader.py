"""A layer read as one stream from its beginning, and files out of it."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, BinaryIO, Callable, Generator, List, Mapping, Optional, Union

from ..errors import DigestMismatch
from ..formats.entry import Entry
from ..formats.tar.bodies import Bodies, Sink
from ..oci.image import Layer
from .layer_record import LayerRecord
from .outcome import Report
from .reader import AHEAD, LayerReader, OpenSink
from .stream import READ_AHEAD, read_entries

if TYPE_CHECKING:
    from .access import LayerAccess


class StreamReader(LayerReader):
    """The whole blob, read from its beginning, once for each call.

    ``record`` makes what gathers the files' digests, and puts the layer into the
    cache, if any. ``seeking``: the reading may stop at any moment, so little is
    fetched ahead.
    """

    streams = True

    def __init__(
        self,
        access: LayerAccess,
        layer: Layer,
        report: Report,
        open_blob: Callable[[], BinaryIO],
        record: Callable[[], Optional[LayerRecord]],
        seeking: bool,
    ) -> None:
        super().__init__(layer, report)
        self._open_blob = open_blob
        self._record = record
        self._access = access
        self._ahead = AHEAD if seeking else READ_AHEAD
        self._used = False

    def entries(self, bodies: Optional[Bodies] = None) -> Generator[List[Entry], None, None]:
        if self._used:
            self.report = Report(self.layer.descriptor)
        self._used = True
        record = self._record()
        self.digests = record.digests if record else {}
        descriptor, limits = self.layer.descriptor, self._access.limits
        return read_entries(descriptor, self._open_blob, self.report, bodies, self._ahead, record, limits)

    def read(self, files: Mapping[int, Entry], open_sink: OpenSink) -> Report:
        """Read the layer up to the last of the files; check those whose digests are known."""
        report = Report(self.layer.descriptor)
        known = self.digests if self.report.verified else {}
        waiting = {offset: _Awaited(open_sink(entry), known.get(offset)) for offset, entry in files.items()}
        bodies = Bodies(lambda entry: waiting.get(entry.offset))
        batches = read_entries(self.layer.descriptor, self._open_blob, report, bodies, AHEAD, None, self._access.limits)
        try:
            for _ in batches:
                if not self._access.whole and all(sink.ended for sink in waiting.values()):
                    break
        finally:
            batches.close()
        if known and report.problem is None:
            report.checked = len(waiting)
        return report


class _Awaited(Sink):
    """Knows whether its body has ended, and holds it against a digest, if there is one."""

    def __init__(self, sink: Sink, digest: Optional[bytes]) -> None:
        self._sink = sink
        self._digest = digest
        self._hash = hashlib.sha256()
        self.ended = False

    def write(self, data: Union[bytes, memoryview]) -> None:
        if self._digest is not None:
            self._hash.update(data)
        self._sink.write(data)

    def end(self) -> None:
        if self._digest not in (None, self._hash.digest()):
            raise DigestMismatch("the contents of a file are not those of the first reading")
        self.ended = True
        self._sink.end()

    def refuse(self, reason: str) -> None:
        self.ended = True
        self._sink.refuse(reason)
