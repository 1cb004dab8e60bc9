"""Peek: list what is in layers, read in parallel, shown in order."""

from __future__ import annotations

from functools import partial
from sys import getsizeof
from typing import TYPE_CHECKING, List, Optional, Sequence

from ...layers.access import LayerAccess
from ...layers.outcome import Report
from ...oci.image import Image, Layer, Opening
from ...oci.layer_selection import select_layers
from ...oci.source import Source
from ...parallel import at_once, in_order
from ...render.summary import image_summary
from ..exit_codes import ExitCode, answer, code_of, combined
from ..remedies import spell, with_hint
from ..results import summarize
from ..session import Session
from .peek_layer import layer_text, special

if TYPE_CHECKING:
    from ...layers.toc.discovery import Claims

_TEXT_AHEAD = 2 * 1024 * 1024  # bytes of one layer's listing that wait for their turn
_ALL_AHEAD = 16 * 1024 * 1024  # the same of all layers together
_LARGE = 16 * 1024 * 1024  # bytes of a layer that keep a processor and a line busy; many at once only cost memory
_LARGE_COST = 2  # jobs: with three or four at once the last one seldom runs alone, and memory allows no more
_LARGE_ZSTD_COST = 3  # the same where each holds a window of 8 MiB


def peek_all(session: Session) -> ExitCode:
    """``--peek-all``: list the contents of every (chosen) layer; asks nothing."""
    reference = session.reference()
    source = session.open_remembering()

    def soon(opening: Opening) -> Sequence[Layer]:
        chosen = select_layers(opening.layers, session.options.layers)
        if session.options.fast:
            from ...layers.toc.discovery import foresee_claims

            foresee_claims(source, opening, chosen)
            return ()  # what will be read is not known before the indexes were looked for
        fresh = [layer for layer in chosen if session.options.verify or not session.knows([layer])]
        fresh = fresh[: at_once([_cost(layer) for layer in fresh], session.options.jobs)]
        readable = {layer.descriptor.digest: layer for layer in fresh if not special(layer)}
        return list(readable.values())

    reports: List[Report] = []
    try:
        code = combined(
            [peek_image(session, source, image, reports) for image in session.images(source, reference, soon)]
        )
        if session.options.verify:
            code = answer(code, reports)
        return summarize(session, source.requests_made(), reports, code)
    finally:
        source.close()


def peek_image(session: Session, source: Source, image: Image, reports: List[Report]) -> ExitCode:
    """List one image's layers, as ``--layer`` narrows them; how each went is added to ``reports``."""
    session.console.out(session.renderer.image(image))
    layers = select_layers(image.layers, session.options.layers)
    session.console.say(image_summary(image))
    if not layers:
        session.console.say("The image has no layers.")
    access = session.access(source, image)
    return peek_layers(session, access, layers, reports, _checked(session, source, image))


def _checked(session: Session, source: Source, image: Image) -> Optional[Claims]:
    """Return the publishers' indexes that ``--fast --verify`` holds against the layers; None without that."""
    if not (session.options.fast and session.options.verify):
        return None
    from ...layers.toc.discovery import Claims

    return Claims(source, image)


def peek_layers(
    session: Session,
    access: LayerAccess,
    layers: Sequence[Layer],
    told: Optional[List[Report]] = None,
    claims: Optional[Claims] = None,
) -> ExitCode:
    """List ``layers`` one after the other while later ones are being read; reports are added to ``told``.

    ``claims`` are held against the layers, where there are any.
    Returns DONE, FAILED when none could be read whole, PARTIAL when some could.
    """
    console = session.console
    reports = [Report(layer.descriptor) for layer in layers]
    makers = [partial(layer_text, session, access, claims, layer, report) for layer, report in zip(layers, reports)]
    # What is known comes at once, with all its entries: several would take their memory, and no less time.
    costs = [session.options.jobs if access.known.has(layer) else _cost(layer) for layer in layers]
    listings = in_order(makers, session.options.jobs, _TEXT_AHEAD, getsizeof, costs, _ALL_AHEAD)
    for layer, report, texts in zip(layers, reports, listings):
        console.out(session.renderer.layer(layer))
        for text in texts:
            console.out(text)
        spell(report)
        console.out(session.renderer.layer_end(layer, report))
        console.flush()
        if report.problem:
            console.warn(f"layer {layer.number} is not listed completely: {with_hint(report.problem)}")
    if told is not None:
        told += reports
    return combined([code_of(report) for report in reports])


def _cost(layer: Layer) -> int:
    if 0 <= layer.descriptor.size <= _LARGE:  # an unknown size may be large
        return 1
    return _LARGE_ZSTD_COST if "zstd" in layer.descriptor.media_type else _LARGE_COST
