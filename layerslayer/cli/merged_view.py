"""What the verbs of the merged view share: layers read, laid over one another, and accounted for."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Callable, Iterator, Optional, Sequence

from ..errors import InvalidDocument
from ..escaping import printable
from ..filesystem.merge import Contents, LaidOut, merge_layers, read_contents
from ..formats.memory import Holding
from ..layers.access import LayerAccess
from ..layers.open import Reading, open_layer
from ..oci.image import Image, Layer, Opening
from ..oci.layer_selection import select_layers
from ..oci.source import Source
from ..render.summary import image_summary
from .remedies import with_hint, within
from .session import Session

if TYPE_CHECKING:
    from ..formats.tar.bodies import Bodies
    from .progress import Progress

_UNSAFE_SHOWN = 10
_NAME_SHOWN = 200  # characters


def single_image(session: Session, source: Source, soon: bool = True) -> Image:
    """Return the one image to work on. ``soon``: all its (chosen) layers will be read at once."""
    reference = session.reference()

    def wanted(opening: Opening) -> Sequence[Layer]:
        chosen = select_layers(opening.layers, session.options.layers)
        if session.options.fast:
            from ..layers.toc.discovery import foresee_claims

            foresee_claims(source, opening, [layer for layer in chosen if not session.knows([layer])])
            return ()
        return chosen[: session.options.jobs] if soon else ()

    if session.all_platforms:
        raise InvalidDocument("this verb looks at one platform at a time.", "Name one with --platform.")
    return next(iter(session.images(source, reference, wanted)))


def lay_out(
    session: Session,
    image: Image,
    access: LayerAccess,
    keep_removed: bool = False,
    chosen: Optional[Sequence[Layer]] = None,
    bodies_of: Callable[[Layer], Optional[Bodies]] = lambda layer: None,
) -> LaidOut:
    """Read layers in parallel and lay them over one another; warn of what cannot be read.

    Args:
        session: the verb's
        image: whose layers they are
        access: how they may be read
        keep_removed: whether removed paths are kept, too
        chosen: the layers; by default those that ``--layer`` names
        bodies_of: gives what gets the files of a layer that pass by while it is read
    """
    layers = select_layers(image.layers, session.options.layers) if chosen is None else tuple(chosen)
    session.console.say(image_summary(image))
    with session.console.progress() as progress:
        read = partial(_contents, access, progress, bodies_of)
        laid = merge_layers(
            image, layers, read, partial(_tell, session), session.options.jobs, keep_removed, access.limits
        )
    unsafe = laid.tree.unsafe
    for left_out in unsafe[:_UNSAFE_SHOWN]:
        name, reason = left_out.entry.name[:_NAME_SHOWN], within(left_out.reason, left_out.remedy)
        session.console.warn(f"layer {left_out.layer}: '{name}' is left out: {reason}")
    if len(unsafe) > _UNSAFE_SHOWN:
        session.console.warn(f"{len(unsafe) - _UNSAFE_SHOWN} more names are left out.")
    return laid


def _contents(
    access: LayerAccess,
    progress: Progress,
    bodies_of: Callable[[Layer], Optional[Bodies]],
    layer: Layer,
    holding: Holding,
) -> Iterator[Contents]:
    task = progress.task(f"layer {layer.number}", max(layer.descriptor.size, 0))
    reading = Reading(digests=True, advance=lambda count: progress.advance(task, count))
    try:
        yield read_contents(open_layer(access, layer, reading=reading), holding, bodies_of(layer))
    finally:
        progress.finish(task)


def _tell(session: Session, contents: Contents) -> None:
    """Say what of a layer is not in the view."""
    layer, report = contents.reader.layer, contents.reader.report
    number = layer.number
    if report.opaque:
        media_type = layer.descriptor.media_type
        session.console.say(f"Layer {number} is no tar ({printable(media_type)}) and not in the view.")
    if report.problem:
        session.console.warn(
            f"layer {number} could not be read whole, so the view is incomplete: {with_hint(report.problem)}"
        )
