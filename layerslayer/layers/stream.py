"""One blob -> its entries, and a report of how far they can be trusted."""

from __future__ import annotations

from typing import BinaryIO, Callable, Generator, Iterator, List, Optional

from ..errors import CorruptLayer, LayerslayerError, LocalFileError
from ..formats.checkpoints import Recorder
from ..formats.decompress import Decompressor
from ..formats.decompression_bombs import Beyond
from ..formats.entry import Entry
from ..formats.magic import is_tar_type, unread_compression
from ..formats.tar.bodies import Bodies
from ..formats.tar.reader import TarWalker
from ..limits import DEFAULT, Limits
from ..oci.descriptor import Descriptor
from ..oci.verify import PIECE, Verifier, verified_pieces
from ..parallel import Ahead
from .outcome import Report

_AHEAD = 1024 * 1024  # bytes of a blob fetched before they are inflated


def read_entries(
    descriptor: Descriptor,
    open_blob: Callable[[], BinaryIO],
    report: Report,
    bodies: Optional[Bodies] = None,
    ahead: int = _AHEAD,
    record: bool = False,
    limits: Limits = DEFAULT,
) -> Generator[List[Entry], None, None]:
    """Yield the entries of a layer in batches, as its bytes arrive.

    ``open_blob`` gives a readable of the blob, which is closed here. The blob is
    always read to its end, so that size and digest are checked, except when it
    turns out to be opaque. ``bodies`` get the files' contents as they pass; a
    batch, perhaps an empty one, then comes for every piece, so that the caller
    can stop once it has what it wants. ``ahead`` bytes are fetched before they
    are needed. ``record``: the report gets the layer's points. What goes wrong
    ends the iteration and stands in ``report.problem``; entries before it have
    been yielded. Raises LocalFileError where ``bodies`` cannot be kept.
    """
    reading = _Reading(descriptor, report, bodies, record, limits)
    verifier = reading.verifier
    fetched = Ahead(lambda: verified_pieces(open_blob(), verifier, min(PIECE, ahead // 4)), ahead, len)
    try:
        yield from reading.batches(iter(fetched))
    except CorruptLayer as error:
        reading.broken(error)
        if reading.walker.entries:
            report.entries += len(reading.walker.entries)
            yield reading.walker.entries
    except LayerslayerError as error:
        if reading.keeping and isinstance(error, LocalFileError):
            raise  # the disk's trouble, not the layer's
        report.problem = error
    finally:
        fetched.close()
        reading.tell()


class _Reading:
    """One layer on its way from compressed bytes to entries. ``keeping``: its files' contents are being handed on."""

    def __init__(
        self, descriptor: Descriptor, report: Report, bodies: Optional[Bodies], record: bool, limits: Limits
    ) -> None:
        self._descriptor = descriptor
        self._report = report
        self._bodies = bodies
        self._recorder = Recorder() if record else None
        self._decompressor = Decompressor(self._recorder, limits)
        self.verifier = Verifier(descriptor)
        self.walker = TarWalker(limits=limits)
        self.keeping = False
        self._limits = limits
        self._beyond = Beyond(limits)
        if bodies:
            self.walker.bodies = bodies.starts

    def batches(self, pieces: Iterator[bytes]) -> Iterator[List[Entry]]:
        """Yield the entries of a blob that comes in ``pieces``, all of which are taken. Raises all that goes wrong."""
        report, bodies, walker = self._report, self._bodies, self.walker
        for piece in self._decompressor.run(_counted(pieces, report)):
            batch = walker.feed(piece)
            if bodies:
                self.keeping = True
                bodies.take(report.uncompressed, piece, batch)
                self.keeping = False
            report.uncompressed += len(piece)
            self._beyond.check(report.uncompressed, self.verifier.count)
            if batch or bodies:
                report.entries += len(batch)
                self._limits.check_entries(report.entries)
                yield batch
        batch = walker.close()
        if batch:
            report.entries += len(batch)
            yield batch
        for _ in pieces:  # what follows the compressed stream counts for the digest
            pass
        report.ended = True

    def broken(self, error: CorruptLayer) -> None:
        """Say what a layer is that cannot be read on."""
        if error.where == "tar" and error.offset == 0 and not is_tar_type(self._descriptor.media_type):
            self._report.opaque = True
        else:
            self._report.problem = _unread(error, self._decompressor) or error

    def tell(self) -> None:
        """Fill in how far it came."""
        report, walker = self._report, self.walker
        report.bytes_read = self.verifier.count
        report.verified = self.verifier.verified
        report.compression = self._decompressor.kind
        report.points = self._recorder.points if self._recorder else None
        report.hidden = walker.hidden
        report.notes += layer_notes(walker, self._decompressor.trailing)


def _unread(error: CorruptLayer, decompressor: Decompressor) -> Optional[LayerslayerError]:
    """Return what is wrong where a layer is whole, but compressed in a way that is not read; else None."""
    name = unread_compression(decompressor.head) if error.where == "tar" and error.offset == 0 else ""
    if not name or decompressor.kind != "none":
        return None
    return LayerslayerError(
        "the layer is compressed with {}, which is not read here.".format(name), "Download and decompress it yourself."
    )


def _counted(pieces: Iterator[bytes], report: Report) -> Iterator[bytes]:
    """Count in the report what was taken so far; what was fetched ahead of that varies from run to run."""
    for piece in pieces:
        report.bytes_read += len(piece)
        yield piece


def layer_notes(walker: TarWalker, trailing: int) -> List[str]:
    """Say what was odd about a layer; ``trailing`` bytes came after the compressed stream."""
    notes = []
    if walker.hidden:
        notes.append(
            "{} {} after the end marker at offset {}, which most readers do not see".format(
                walker.hidden, "entry" if walker.hidden == 1 else "entries", walker.end
            )
        )
    if walker.foreign is not None:
        notes.append("data that is no tar begins at offset {}, after the end marker".format(walker.foreign))
    if trailing:
        notes.append(
            "{} byte{} after the compressed stream belong{} to no gzip member".format(
                trailing, *(("", "s") if trailing == 1 else ("s", ""))
            )
        )
    if walker.ignored_globals:
        notes.append("global pax headers were ignored, as container runtimes do")
    return notes
