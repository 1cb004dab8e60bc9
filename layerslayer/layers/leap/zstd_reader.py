"""zstd layers with ``--fast``: leapt through frame by frame, or read on from where they were looked at."""

from __future__ import annotations

import io
from typing import BinaryIO, Generator, List, cast

from ...errors import RangeIgnored
from ...formats.entry import Entry
from ...oci.descriptor import Descriptor
from ...oci.source import Source
from ..outcome import Report
from ..stream import layer_notes
from .zstd_walk import ZstdWalk


def framewise(walk: ZstdWalk, report: Report) -> Generator[List[Entry], None, None]:
    """Yield the entries of a walk, and report how it ended. Raises what the walk does."""
    for batch in walk.run():
        report.entries += len(batch)
        yield batch
    last = walk.last
    report.compression, report.uncompressed = "zstd", last.position
    report.verified, report.leapt = walk.verifier.verified, not walk.verifier.verified
    report.ended, report.hidden = True, last.walker.hidden
    report.notes += [*walk.notes, *layer_notes(last.walker, last.stream.trailing)]


class Begun:
    """A blob whose first bytes were read already: a readable once it was opened.

    ``taken``: how many bytes were not asked for again, as the head took their place.
    """

    def __init__(self, source: Source, descriptor: Descriptor, head: bytes) -> None:
        self.taken = 0
        self._source = source
        self._descriptor = descriptor
        self._size = len(head)
        self._head = io.BytesIO(head)
        self._rest: BinaryIO = self._head

    def open(self) -> BinaryIO:
        """Ask for the rest; return the readable of all, or another one of it. Raises what the source raises."""
        self._head.seek(0)
        self.taken = 0
        try:
            self._rest = self._source.blob_range(self._descriptor, self._size, self._descriptor.size - self._size)
        except RangeIgnored:
            return self._source.blob(self._descriptor)
        self.taken = self._size
        return cast(BinaryIO, self)

    def read(self, count: int) -> bytes:
        return self._head.read(count) or self._rest.read(count)

    def close(self) -> None:
        self._rest.close()
