"""What the verbs of the merged view share: layers read, laid over one another, and accounted for."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Iterator, Optional, Sequence

from ..errors import InvalidDocument
from ..escaping import printable
from ..filesystem.merge import LaidOut, merge_layers
from ..formats.memory import Holding
from ..layers.open import Contents, read_contents
from ..oci.image import Image, Layer, Opening
from ..oci.layer_selection import select_layers
from ..oci.source import Source
from ..render.summary import image_summary
from ..sources.caching import Remembering
from .remedies import with_hint, within
from .session import Session

if TYPE_CHECKING:
    from ..layers.shortcuts import Shortcuts
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
    image = next(iter(session.images(source, reference, wanted)))
    if isinstance(source, Remembering) and image.config_body is not None:
        source.keep_config(image.manifest.config, image.config_body)
    return image


def lay_out(
    session: Session,
    source: Source,
    image: Image,
    keep_removed: bool = False,
    chosen: Optional[Sequence[Layer]] = None,
    shortcuts: Optional[Shortcuts] = None,
) -> LaidOut:
    """Read the ``chosen`` layers (default: as ``--layer`` says) in parallel and lay them over one another.

    Says what could not be read. ``shortcuts`` are the image's, where the caller
    has them already.
    """
    shortcuts = shortcuts or session.shortcuts(source, image)
    layers = select_layers(image.layers, session.options.layers) if chosen is None else tuple(chosen)
    session.console.say(image_summary(image))
    with session.console.progress() as progress:
        read = partial(_contents, session, source, shortcuts, progress)
        laid = merge_layers(
            image, layers, read, partial(_tell, session), session.options.jobs, keep_removed, source.limits
        )
    unsafe = laid.tree.unsafe
    for left_out in unsafe[:_UNSAFE_SHOWN]:
        name, reason = left_out.entry.name[:_NAME_SHOWN], within(left_out.reason, left_out.remedy)
        session.console.warn(f"layer {left_out.layer}: '{name}' is left out: {reason}")
    if len(unsafe) > _UNSAFE_SHOWN:
        session.console.warn(f"{len(unsafe) - _UNSAFE_SHOWN} more names are left out.")
    return laid


def _contents(
    session: Session,
    source: Source,
    shortcuts: Optional[Shortcuts],
    progress: Progress,
    layer: Layer,
    holding: Holding,
) -> Iterator[Contents]:
    task = progress.task(f"layer {layer.number}", max(layer.descriptor.size, 0))
    try:
        yield read_contents(
            source, layer, session.store, lambda count: progress.advance(task, count), shortcuts, holding
        )
    finally:
        progress.finish(task)


def _tell(session: Session, contents: Contents) -> None:
    """Tell what of a layer is not in the view."""
    number, report = contents.layer.number, contents.report
    if report.opaque:
        media_type = contents.layer.descriptor.media_type
        session.console.say(f"Layer {number} is no tar ({printable(media_type)}) and not in the view.")
    if report.problem:
        session.console.warn(
            f"layer {number} could not be read whole, so the view is incomplete: {with_hint(report.problem)}"
        )
