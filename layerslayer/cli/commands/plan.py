"""--plan: what a verb would fetch of each layer at most, by manifests and configs alone."""

from __future__ import annotations

from typing import Iterator, List, Optional, Sequence, Tuple

from ...analysis.cost import Cost, cheapest_order, fast, first_beyond, in_full
from ...export.download import present
from ...export.names import image_parts, layer_stem
from ...export.output_folder import found
from ...formats.magic import special_kind
from ...oci.image import Image, Layer
from ...oci.layer_selection import select_layers
from ...oci.source import Source
from ...render.plan import ALL_OR_NOTHING, EACH_WHOLE, IN_ORDER, TOP_DOWN, Plan
from ...render.summary import image_summary
from ..exit_codes import ExitCode
from ..merged_view import single_image
from ..results import summarize
from ..session import Session
from .diff import layers_compared


def plan(session: Session) -> ExitCode:
    """``--plan`` with any verb that reads layers: a table of them, the cheapest first; fetches none."""
    options = session.options
    if options.verb == "save" and options.format != "layers":
        from .export import check_options

        check_options(session)
    sources: List[Source] = []
    try:
        costs: List[Cost] = []
        for image, found in _diffed(session, sources) if options.row.second_image else _planned(session, sources):
            session.console.out(session.renderer.image(image))
            session.console.say(image_summary(image))
            costs += found
        _show(session, costs)
        return summarize(session, sum(source.requests_made() for source in sources), (), ExitCode.DONE)
    finally:
        for source in sources:
            source.close()


def _planned(session: Session, sources: List[Source]) -> Iterator[Tuple[Image, List[Cost]]]:
    reference = session.reference()
    if session.options.row.all_platforms:
        source = session.open_source(reference)
        sources.append(source)
        images = session.images(source, reference)
    else:
        source = session.open_remembering()
        sources.append(source)
        images = iter([single_image(session, source, soon=False)])
    for image in images:
        layers = select_layers(image.layers, session.options.layers)
        yield image, (_to_save if session.options.verb == "save" else _to_read)(session, source, image, layers)


def _diffed(session: Session, sources: List[Source]) -> Iterator[Tuple[Image, List[Cost]]]:
    sessions = [session, session.with_target(session.options.words[0])]
    images = []
    for each in sessions:
        sources.append(each.open_remembering())
        images.append(single_image(each, sources[-1], soon=False))
    chosen, skipped = layers_compared(session, images)
    for image, layers, source in zip(images, chosen, sources):
        free = [Cost(image, layer, 0, "", "the same in both, not read") for layer in layers[:skipped]]
        yield image, free + _to_read(session, source, image, layers[skipped:])


def _to_read(session: Session, source: Source, image: Image, layers: Sequence[Layer]) -> List[Cost]:
    costs = []
    streaming, remembers = session.options.row.top_down, session.options.row.uses_cache
    for layer in layers:
        special = special_kind(layer.descriptor.media_type, layer.descriptor.annotations)
        known = remembers and session.knows([layer])
        if special and not streaming:
            costs.append(Cost(image, layer, 0, "", "not read: it is " + special))
        elif known and not streaming:
            costs.append(Cost(image, layer, 0, "", "known from an earlier reading"))
        elif known:
            costs.append(in_full(image, layer, "known: read only for a file that is in it"))
        elif session.options.fast and not session.options.verify:
            cost = fast(source, image, layer)
            costs.append(cost if cost.promise or not streaming else cost._replace(note=""))  # a file is not leapt to
        else:
            costs.append(in_full(image, layer))
    return costs


def _to_save(session: Session, source: Source, image: Image, layers: Sequence[Layer]) -> List[Cost]:
    options = session.options
    platform = str(image.platform) if session.all_platforms and image.platform else ""
    folder = found(session.output, image_parts(image.reference, platform))
    costs: List[Cost] = []
    seen = set()
    for layer in layers:
        if layer.descriptor.digest in seen:
            costs.append(Cost(image, layer, 0, "", "the same as one before"))
        elif folder and options.format == "layers" and present(folder, layer_stem(layer), layer.descriptor):
            costs.append(Cost(image, layer, 0, "", "already there"))
        else:
            costs.append(in_full(image, layer))
        seen.add(layer.descriptor.digest)
    return costs


def _show(session: Session, costs: Sequence[Cost]) -> None:
    options = session.options
    reading = _reading(session)
    lines = cheapest_order(costs, options.budget)
    beyond: Optional[Cost] = None
    if options.budget >= 0:
        beyond = first_beyond(costs[::-1] if reading == TOP_DOWN else costs, options.budget)
    session.console.pieces(session.renderer.plan(Plan(lines, reading, options.budget, beyond)))


def _reading(session: Session) -> str:
    options = session.options
    if options.verb == "save":
        return EACH_WHOLE if options.format == "layers" else ALL_OR_NOTHING
    return TOP_DOWN if options.row.top_down else IN_ORDER
