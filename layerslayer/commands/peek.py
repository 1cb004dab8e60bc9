"""Peek: list what is in layers, read in parallel, shown in order."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, Callable, Iterator, List, Optional, Sequence

from ..ahead import at_once, in_order
from ..entries import Entry
from ..errors import ExitCode, LayerslayerError, in_full
from ..image import Image, Layer, select_layers
from ..layers.kinds import special_kind
from ..layers.reading import read_entries
from ..layers.report import Report
from ..sources.base import Source
from ..views import json_lines
from ..views.listing import Listing, layer_footer, layer_header
from ..views.steps import image_summary
from .again import with_a_second_try
from .session import Session, code_of, combined

if TYPE_CHECKING:
    from ..claims import Claims
    from ..shortcuts import Shortcuts

_LINES_AT_ONCE = 1000  # waking the main thread for each handful costs more than making them
_PATIENCE = 0.2  # seconds that lines are held back at most while bytes keep coming
_TEXT_AHEAD = 2 * 1024 * 1024  # characters of one layer's listing that wait for their turn
_LARGE = 16 * 1024 * 1024  # bytes of a layer that keep a processor and a line busy; many at once only cost memory
_LARGE_COST = 3  # jobs


def peek_all(session: Session) -> ExitCode:
    """``--peek-all``: list the contents of every (chosen) layer; asks nothing."""
    reference = session.reference()
    source = session.open_source(reference)

    def soon(layers: Sequence[Layer]) -> Sequence[Layer]:
        if session.options.fast:
            return ()  # what will be read is not known before the indexes were looked for
        chosen = select_layers(layers, session.options.layers)
        chosen = chosen[: at_once([_cost(layer) for layer in chosen], session.options.jobs)]
        readable = {layer.descriptor.digest: layer for layer in chosen if not _special(layer)}
        return list(readable.values())

    reports: List[Report] = []
    try:
        code = combined(
            [peek_image(session, source, image, reports) for image in session.images(source, reference, soon)]
        )
        if session.options.verify:
            from .index_check import answer

            code = answer(code, reports)
        if session.options.json:
            session.console.out(
                json_lines.line(
                    json_lines.summary_object(
                        "peek", reports, source.requests_made(), int(code), session.options.target
                    )
                )
            )
        return code
    finally:
        source.close()


def peek_image(session: Session, source: Source, image: Image, reports: List[Report]) -> ExitCode:
    """List one image's layers, as ``--layer`` narrows them; how each went is added to ``reports``."""
    if session.options.json:
        session.console.out(json_lines.line(json_lines.image_object(image)))
    layers = select_layers(image.layers, session.options.layers)
    session.console.say(image_summary(image))
    if not layers:
        session.console.say("The image has no layers.")
    return peek_layers(
        session, source, layers, reports, session.shortcuts(source, image), _checked(session, source, image)
    )


def _checked(session: Session, source: Source, image: Image) -> Optional[Claims]:
    """Return the publishers' indexes that ``--fast --verify`` holds against the layers; None without that."""
    if not (session.options.fast and session.options.verify):
        return None
    from ..claims import Claims

    return Claims(source, image)


def peek_layers(
    session: Session,
    source: Source,
    layers: Sequence[Layer],
    told: Optional[List[Report]] = None,
    shortcuts: Optional[Shortcuts] = None,
    claims: Optional[Claims] = None,
) -> ExitCode:
    """List ``layers`` one after the other while later ones are being read; reports are added to ``told``.

    ``shortcuts`` are taken where there are any; ``claims`` are held against the layers.
    Returns DONE, FAILED when none could be read whole, PARTIAL when some could.
    """
    console = session.console
    reports = [Report(layer.descriptor) for layer in layers]
    makers = [_maker(session, source, layer, report, shortcuts, claims) for layer, report in zip(layers, reports)]
    costs = [_cost(layer) for layer in layers]
    listings = in_order(makers, session.options.jobs, _TEXT_AHEAD, len, costs)
    for layer, report, texts in zip(layers, reports, listings):
        console.out(_header(session, layer))
        for text in texts:
            console.out(text)
        console.out(_footer(session, layer, report))
        console.flush()
        if report.problem:
            console.warn("layer {} is not listed completely: {}".format(layer.number, in_full(report.problem)))
    if told is not None:
        told += reports
    return combined([code_of(report) for report in reports])


def _header(session: Session, layer: Layer) -> str:
    if session.options.json:
        return json_lines.line(json_lines.layer_object(layer))
    return layer_header(layer, session.style) + "\n"


def _footer(session: Session, layer: Layer, report: Report) -> str:
    if session.options.json:
        return json_lines.line(json_lines.layer_end_object(layer.number, report))
    return layer_footer(report, session.style) + "\n\n"


def _special(layer: Layer) -> str:
    return special_kind(layer.descriptor.media_type, layer.descriptor.annotations)


def _cost(layer: Layer) -> int:
    return 1 if 0 <= layer.descriptor.size <= _LARGE else _LARGE_COST  # an unknown size may be large


def _maker(
    session: Session,
    source: Source,
    layer: Layer,
    report: Report,
    shortcuts: Optional[Shortcuts],
    claims: Optional[Claims],
) -> Callable[[], Iterator[str]]:
    """Return what reads one layer in a thread of its own and yields its listing as text."""

    def read() -> Iterator[str]:
        special = _special(layer)
        if special:
            report.problem = LayerslayerError("it is {}".format(special))
            return
        listing = Listing(session.style)

        def as_lines(batch: List[Entry]) -> List[str]:
            return json_lines.entry_lines(batch, layer.number) if session.options.json else listing.lines(batch)

        checking = None
        if claims:
            from .index_check import Checking

            checking = Checking(session, claims, layer)
        index = shortcuts.claims.index_of(layer, report) if shortcuts else None
        if index is not None:
            for start in range(0, len(index.entries), _LINES_AT_ONCE):
                yield "\n".join(as_lines(index.entries[start : start + _LINES_AT_ONCE])) + "\n"
            return

        batches = checking.entries if checking else partial(read_entries, layer.descriptor)

        def texts(into: Report) -> Iterator[str]:
            lines: List[str] = []
            due = time.monotonic() + _PATIENCE
            leaps = shortcuts.leaps if shortcuts and shortcuts.leaps.worth(layer) else None
            read = batches(lambda: source.blob(layer.descriptor), into)
            for batch in leaps.entries(layer, into) if leaps else read:
                lines += as_lines(batch)
                if len(lines) >= _LINES_AT_ONCE or time.monotonic() >= due:
                    yield "\n".join(lines) + "\n"
                    lines = []
                    due = time.monotonic() + _PATIENCE
            if lines:
                yield "\n".join(lines) + "\n"

        yield from with_a_second_try(texts, report)
        if checking:
            yield from checking.ends(report)

    return read
