"""How the contents of a layer are read: from the cache, by its publisher's table, by leaping, or by streaming it.

``open_layer`` returns a reader that holds these ways in order, and goes on with
the next one where one is of no more use.
"""

from __future__ import annotations

from typing import (
    TYPE_CHECKING,
    BinaryIO,
    Callable,
    Generator,
    Iterator,
    List,
    Mapping,
    NamedTuple,
    Optional,
    Sequence,
    cast,
)

from ..errors import DigestMismatch, LayerslayerError
from ..formats.entry import Entry
from ..formats.magic import special_kind
from ..oci.image import Layer
from .access import LayerAccess
from .cached import CachedReader
from .outcome import Report
from .reader import Advance, CannotContinue, CountingReader, GivenOut, LayerReader, OpenSink

if TYPE_CHECKING:  # loaded where a layer is read by that way
    from ..formats.tar.bodies import Bodies


class Reading(NamedTuple):
    """How a layer is to be read.

    ``digests``: those of its files are wanted. ``anew``: what is known of it is
    not. ``again``: read it once more where it arrives damaged, and go on behind
    what was given out. ``seeking``: not to its end, probably; who reads takes
    back what was given out where another way begins. ``advance`` hears how many
    bytes came.
    """

    digests: bool = False
    anew: bool = False
    again: bool = False
    seeking: bool = False
    advance: Optional[Advance] = None


def open_layer(
    access: LayerAccess, layer: Layer, report: Optional[Report] = None, reading: Optional[Reading] = None
) -> OpenedLayer:
    """Return the reader of a layer, which asks for nothing before its entries are asked for."""
    return OpenedLayer(access, layer, report or Report(layer.descriptor), reading or Reading())


class OpenedLayer(LayerReader):
    """The ways to read a layer, one after the other.

    ``sought``, where it is set, is asked whether one of some entries may decide
    what is sought.
    """

    def __init__(self, access: LayerAccess, layer: Layer, report: Report, reading: Reading) -> None:
        super().__init__(layer, report)
        self._access = access
        self._reading = reading
        self._way: Optional[LayerReader] = None
        self._ways = self._in_order()
        self.sought: Callable[[Sequence[Entry]], bool] = lambda entries: False

    def _in_order(self) -> Iterator[LayerReader]:
        access, layer, seeking = self._access, self.layer, self._reading.seeking
        known = None if self._reading.anew else access.known.of(layer, stay=seeking)
        if known is not None:
            yield CachedReader(access, layer, self.report, known)
        index = access.claims.index_of(layer, self.report) if access.claims is not None else None
        if access.claims is not None and index is not None:
            from .toc.reader import TocReader

            yield TocReader(access.claims, layer, self.report, index, access.printed)
        if access.leaps is not None and access.leaps.applies_to(layer):
            from .leap.layer_readers import BegunReader, LeapReader, PassageReader

            if seeking:
                yield PassageReader(access.leaps, layer, lambda entries: self.sought(entries))
            else:
                leaping = LeapReader(access.leaps, layer, self.report)
                yield leaping
                if leaping.begun is not None:
                    yield BegunReader(self._stream(leaping.begun.open), leaping.begun)
        while True:
            yield self._stream(lambda: access.source.blob(layer.descriptor))

    def _stream(self, open_blob: Callable[[], BinaryIO]) -> LayerReader:
        from .layer_record import LayerRecord  # what reads layers is loaded where one must be read
        from .stream_reader import StreamReader

        store, advance = self._access.known.open_store(), self._reading.advance

        def opened() -> BinaryIO:
            return cast(BinaryIO, CountingReader(open_blob(), advance)) if advance else open_blob()

        def record() -> Optional[LayerRecord]:
            return LayerRecord(store) if store is not None or self._reading.digests else None

        return StreamReader(self._access, self.layer, self.report, opened, record, self._reading.seeking)

    @property
    def may_leap(self) -> bool:
        """Whether what comes may have to be taken back."""
        return self._access.leaps is not None and self._access.leaps.applies_to(self.layer)

    @property
    def streams(self) -> bool:  # type: ignore[override]
        return self._way is not None and self._way.streams

    @property
    def rest_is_free(self) -> bool:
        return self._way is not None and self._way.rest_is_free

    def entries(self, bodies: Optional[Bodies] = None) -> Generator[List[Entry], None, None]:
        """Yield the entries by the first way that has them; may be called again.

        Where one is of no more use the next goes on behind what was given out, if
        it begins with just that. Where the layer is sought in, CannotContinue is
        raised instead, and the next call takes the next way.
        """
        special = special_kind(self.layer.descriptor.media_type, self.layer.descriptor.annotations)
        if self._reading.seeking:
            yield from self._by(self._current(), bodies)
        elif special:
            self.report.problem = LayerslayerError("it is {}".format(special))
        else:
            yield from self._replayed(bodies)

    def close(self) -> None:
        """Let go of what is known of the layer, rather than when the collector does; nothing can be had any more."""
        self._way, self._ways, self.digests = None, iter(()), {}

    def _current(self) -> LayerReader:
        if self._way is None:
            self._way = next(self._ways)
        return self._way

    def _by(self, way: LayerReader, bodies: Optional[Bodies]) -> Generator[List[Entry], None, None]:
        """Yield what a way has. Raises CannotContinue once the next one is the current."""
        batches = way.entries(bodies)
        self.report = way.report
        try:
            yield from batches
        except CannotContinue as error:
            self._leave(error)
            raise
        finally:
            batches.close()
            self.digests = way.digests

    def _leave(self, error: CannotContinue) -> None:
        """Take the next way from now on. What this one cost, and why it is of no use, is reported with that."""
        assert self._way is not None
        way, self._way = self._way, None
        error.left = way.report
        if way.keeps_report:
            self.report = Report(self.layer.descriptor)
            self.report.bytes_read = error.spent
        self.report.notes += [error.note] if error.note else []

    def _replayed(self, bodies: Optional[Bodies]) -> Generator[List[Entry], None, None]:
        given = GivenOut() if self._reading.again or self._access.leaps is not None else None
        while True:
            try:
                yield from self._behind(given, bodies)
                break
            except CannotContinue:
                if bodies:
                    bodies.restart()
        if given is not None and self._reading.again and self.report.is_damaged:
            yield from self._once_more(given, bodies)

    def _behind(self, given: Optional[GivenOut], bodies: Optional[Bodies]) -> Generator[List[Entry], None, None]:
        """Yield what the current way has behind what was given out, as long as it begins with that."""
        if given is None:
            yield from self._by(self._current(), bodies)
            return
        shown, state, seen = given.count, given.state(), GivenOut()
        batches = self._by(self._current(), bodies)
        for batch in batches:
            known = batch[: shown - seen.count]
            seen.add(known)
            if known and seen.count == shown and seen.state() != state:
                break
            fresh = batch[len(known) :]
            given.add(fresh)
            if fresh or not known:
                yield fresh
        batches.close()
        if self.report.problem is None and seen.state() != state:  # fewer than were given out, or others
            self.report.problem = DigestMismatch("the parts of the layer that the server sent are not the layer's.")

    def _once_more(self, given: GivenOut, bodies: Optional[Bodies]) -> Generator[List[Entry], None, None]:
        """Read a layer that arrived damaged once more; the first reading's problem stands unless this one is right."""
        first, digests = self.report, self.digests
        self.report = second = Report(self.layer.descriptor)
        self._way = self._stream(lambda: self._access.source.blob(self.layer.descriptor))
        if bodies:
            bodies.restart()
        try:
            yield from self._behind(given, bodies)
        finally:
            self.report = first
        if second.complete:
            second.notes.append("it arrived damaged and was read twice")
            first.__dict__.update(second.__dict__)
        else:
            self.digests = digests

    def read(self, files: Mapping[int, Entry], open_sink: OpenSink) -> Report:
        """Give files to sinks by the way that the entries came by. Raises CannotContinue once the next is the current.

        Entries that a publisher's table named are asked for anew then.
        """
        current = way = self._current()
        known = self._access.known.of(self.layer, stay=True) if current.streams else None
        if known is not None:  # it was read whole just now
            way = CachedReader(self._access, self.layer, Report(self.layer.descriptor), known)
        hold = self._access.printed and not way.streams and not way.report.claimed
        try:
            return way.read(files, _held(open_sink) if hold else open_sink)
        except CannotContinue as error:
            if way is not current:
                return current.read(files, open_sink)
            self._leave(error)
            raise


def _held(open_sink: OpenSink) -> OpenSink:
    """Return sinks for what may turn out wrong before its end, which hold it back."""
    from .buffered_sink import Held

    return lambda entry: Held(lambda: open_sink(entry))
