"""diff: what differs between the file systems of two images."""

from __future__ import annotations

from typing import Iterator, List, Sequence, Tuple

from ...analysis.diff import Difference, Side, compare
from ...errors import NotFound, UsageError
from ...filesystem.merge import LaidOut
from ...filesystem.node import normal
from ...oci.image import Image, Layer
from ...oci.layer_selection import select_layers
from ...oci.source import Source
from ..exit_codes import ExitCode, code_of_all, combined, worse
from ..merged_view import lay_out, single_image
from ..results import account
from ..session import Session
from .ls import at_path


def diff(session: Session) -> ExitCode:
    """``diff IMAGE IMAGE2 [PATH]``. NO when they differ; layers that both begin with are not fetched."""
    words = session.options.words
    sessions = [session, session.beside(words[0])]
    sources: List[Source] = []
    try:
        images = []
        for each in sessions:
            sources.append(each.open_remembering())
            images.append(single_image(each, sources[-1], soon=False))
        chosen, skipped = layers_compared(session, images)
        asked = words[1] if len(words) > 1 else ""
        if skipped and normal(asked) is None:
            raise UsageError(f"Where the '..' in '{asked}' leads is not known.", "Write the path without it.")
        if skipped:
            _say_skipped(session, skipped)
        laid = [
            lay_out(each, image, each.access(source, image), chosen=layers[skipped:])
            for each, source, image, layers in zip(sessions, sources, images, chosen)
        ]
        code = _compare(session, laid, asked, not skipped)
        reports = [*laid[0].reports, *laid[1].reports]
        return account(session, sum(source.requests_made() for source in sources), reports, code)
    finally:
        for source in sources:
            source.close()


def layers_compared(session: Session, images: Sequence[Image]) -> Tuple[List[Sequence[Layer]], int]:
    """Return the (chosen) layers of both images, and how many of them both begin with that need not be read."""
    chosen: List[Sequence[Layer]] = [select_layers(image.layers, session.options.layers) for image in images]
    shared = shared_layers(*chosen)
    read = session.options.full or session.knows(chosen[0][:shared])
    return chosen, 0 if read else shared


def _say_skipped(session: Session, count: int) -> None:
    are, them = ("layer is", "it") if count == 1 else (f"{count} layers are", "them")
    session.console.say(f"The first {are} the same and not read; --full reads {them} too.")


def _compare(session: Session, laid: Sequence[LaidOut], asked: str, whole: bool) -> ExitCode:
    """Show what differs below the path ``asked``; ``whole``: no layers were left out of both images."""
    console = session.console
    if not all(item.is_complete for item in laid):
        console.warn(
            "not all of both images could be read: what is shown may be no difference, and others may be missing."
        )
    below = _below(asked, laid, whole)
    count = 0

    def differences() -> Iterator[Difference]:
        nonlocal count
        old, new = (Side(item.tree, item.digests) for item in laid)
        for difference in compare(old, new, whole, below):
            count += 1
            yield difference

    console.pieces(session.renderer.differences(laid[0], laid[1], differences()))
    if not count:
        console.say(f"They do not differ{laid[0].reach or laid[1].reach}.")
    return worse(combined([code_of_all(item.reports) for item in laid]), ExitCode.NO if count else ExitCode.DONE)


def shared_layers(old: Sequence[Layer], new: Sequence[Layer]) -> int:
    """Return how many layers both begin with."""
    count = 0
    for one, other in zip(old, new):
        if one.descriptor.digest != other.descriptor.digest:
            break
        count += 1
    return count


def _below(asked: str, laid: Sequence[LaidOut], known: bool) -> str:
    """Return the path that a user named, links followed where both images lead to the same one.

    Raises NotFound where neither image has it; of images that are not ``known`` whole nobody can say that.
    """
    found = {node.path for node in (at_path(side, asked) for side in laid) if node is not None}
    if known and not found and all(side.is_complete for side in laid):
        raise NotFound(f"neither image has a path '{asked}'.", "See what there is with layerslayer ls.")
    return found.pop() if known and len(found) == 1 else normal(asked) or ""
