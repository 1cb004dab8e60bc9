"""One blob -> its entries, and a report of how far they can be trusted."""

from __future__ import annotations

from typing import BinaryIO, Callable, Generator, Iterator, List, Optional

from ..errors import CorruptLayer, LayerslayerError, LocalFileError
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
from .layer_record import LayerRecord
from .outcome import Report

READ_AHEAD = 1024 * 1024  # bytes of a blob fetched before they are inflated


def read_entries(
    descriptor: Descriptor,
    open_blob: Callable[[], BinaryIO],
    report: Report,
    bodies: Optional[Bodies] = None,
    ahead: int = READ_AHEAD,
    record: Optional[LayerRecord] = None,
    limits: Limits = DEFAULT,
) -> Generator[List[Entry], None, None]:
    """Yield the entries of a layer in batches, as its bytes arrive.

    ``open_blob`` gives a readable of the blob, which is closed here. The blob is
    always read to its end, so that size and digest are checked, except when it
    turns out to be opaque. ``bodies`` get the files' contents as they pass; a
    batch, perhaps an empty one, then comes for every piece, so that the caller
    can stop once it has what it wants. ``ahead`` bytes are fetched before they
    are needed. ``record`` gathers what is worth keeping, and keeps it at the
    end. What goes wrong ends the iteration and stands in ``report.problem``;
    entries before it have been yielded. What the report has already, of what was
    read before, is added to. Raises LocalFileError where ``bodies`` cannot be kept.
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
        reading.end()


class _Reading:
    """One layer on its way from compressed bytes to entries. ``keeping``: its files' contents are being handed on."""

    def __init__(
        self,
        descriptor: Descriptor,
        report: Report,
        bodies: Optional[Bodies],
        record: Optional[LayerRecord],
        limits: Limits,
    ) -> None:
        self._descriptor = descriptor
        self._report = report
        self._bodies = bodies
        self._record = record
        self._decompressor = Decompressor(record.recorder if record else None, limits)
        self._spent = report.bytes_read  # before this
        self.verifier = Verifier(descriptor)
        self.walker = TarWalker(limits=limits)
        self._limits = limits
        self.keeping = False
        self._beyond = Beyond(limits)
        report.entries = report.uncompressed = 0
        if bodies or record:
            self.walker.bodies = {}

    def batches(self, pieces: Iterator[bytes]) -> Iterator[List[Entry]]:
        """Yield the entries of a blob that comes in ``pieces``, all of which are taken. Raises all that goes wrong."""
        report, bodies, walker = self._report, self._bodies, self.walker
        for piece in self._decompressor.run(_counted(pieces, report)):
            batch = walker.feed(piece)
            self._hand_on(piece, batch)
            report.uncompressed += len(piece)
            self._beyond.check(report.uncompressed, self.verifier.count)
            if batch or bodies:
                report.entries += len(batch)
                self._limits.check_entries(report.entries)
                yield batch
        batch = walker.close()
        if batch:
            if self._record:
                self._record.take(report.uncompressed, b"", batch, {})
            report.entries += len(batch)
            yield batch
        for _ in pieces:  # what follows the compressed stream counts for the digest
            pass
        report.ended = True
        if self._record:
            self._record.finish()

    def _hand_on(self, piece: bytes, batch: List[Entry]) -> None:
        """Give a piece of the tar, and what ends in it, to those who want the files' contents."""
        starts = self.walker.bodies
        if starts:
            self.walker.bodies = {}
        if self._record:
            self._record.take(self._report.uncompressed, piece, batch, starts or {})
        if self._bodies:
            self._bodies.starts.update(starts or {})
            self.keeping = True
            self._bodies.take(self._report.uncompressed, piece, batch)
            self.keeping = False

    def broken(self, error: CorruptLayer) -> None:
        """Say what a layer is that cannot be read on."""
        if error.where == "tar" and error.offset == 0 and not is_tar_type(self._descriptor.media_type):
            self._report.opaque = True
        else:
            self._report.problem = _unread(error, self._decompressor) or error

    def end(self) -> None:
        """Fill in how far it came, and keep what is worth it."""
        report, walker = self._report, self.walker
        report.bytes_read = self._spent + self.verifier.count
        report.verified = self.verifier.verified
        report.compression = self._decompressor.kind
        report.hidden = walker.hidden
        notes = layer_notes(walker, self._decompressor.trailing)
        report.notes += notes
        if self._record:
            self._record.close()
            self._record.keep(report, self.verifier.count, notes)


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
