"""diff: what differs between the file systems of two images."""

from __future__ import annotations

from typing import List, Sequence

from ...analysis.diff import Difference, Side, compare
from ...errors import NotFound, UsageError
from ...filesystem.merge import LaidOut
from ...filesystem.node import normal
from ...oci.image import Layer
from ...oci.layer_selection import select_layers
from ...oci.source import Source
from ...render import json_lines
from ...render.listing import Listing
from ...render.tree import difference_line
from ..exit_codes import ExitCode, code_of_all, combined, worse
from ..merged_view import finish, lay_out, single_image
from ..session import Session
from .ls import at_path, node_object


def diff(session: Session) -> ExitCode:
    """``diff IMAGE IMAGE2 [PATH]``. NO when they differ; layers that both begin with are not fetched."""
    words = session.options.words
    second = session.beside(words[0])
    asked = words[1] if len(words) > 1 else ""
    sources: List[Source] = []
    try:
        sources.append(session.open_remembering())
        old = single_image(session, sources[0], soon=False)
        sources.append(second.open_remembering())
        new = single_image(second, sources[1], soon=False)
        chosen = [select_layers(image.layers, session.options.layers) for image in (old, new)]
        shared = shared_layers(*chosen)
        known = session.options.full or session.knows(chosen[0][:shared])
        skipped = 0 if known else shared
        if skipped and normal(asked) is None:
            raise UsageError("Where the '..' in '{}' leads is not known.".format(asked), "Write the path without it.")
        if skipped:
            session.console.say(
                "The first {} the same and not read; --full reads {} too.".format(
                    *("layer is", "it") if skipped == 1 else ("{} layers are".format(skipped), "them")
                )
            )
        laid = [
            lay_out(session, sources[0], old, chosen=chosen[0][skipped:]),
            lay_out(second, sources[1], new, chosen=chosen[1][skipped:]),
        ]
        if not all(item.is_complete for item in laid):
            session.console.warn(
                "not all of both images could be read: what is shown may be no difference, and others may be missing."
            )
        below = _below(asked, laid, not skipped)
        count = 0
        sides = [Side(item.tree, item.digests) for item in laid]
        for difference in compare(sides[0], sides[1], not skipped, below):
            count += 1
            _show(session, difference, laid)
        code = worse(combined([code_of_all(item.reports) for item in laid]), ExitCode.NO if count else ExitCode.DONE)
        if not count:
            session.console.say("They do not differ{}.".format(laid[0].reach or laid[1].reach))
        reports = [*laid[0].reports, *laid[1].reports]
        return finish(session, sources[0], "diff", reports, code, more=sources[1].requests_made())
    finally:
        for source in sources:
            source.close()


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

    Raises NotFound where neither image has it. Of images that are not ``known`` whole neither can be told.
    """
    found = {node.path for node in (at_path(side, asked) for side in laid) if node is not None}
    if known and not found and all(side.is_complete for side in laid):
        raise NotFound("neither image has a path '{}'.".format(asked), "See what there is with layerslayer ls.")
    return found.pop() if known and len(found) == 1 else normal(asked) or ""


def _show(session: Session, difference: Difference, laid: Sequence[LaidOut]) -> None:
    if not session.options.json:
        session.console.out(difference_line(Listing(session.style), difference, session.style) + "\n")
        return
    item: json_lines.Object = {"type": "difference", "change": difference.change}
    json_lines.put_text(item, "path", difference.path)
    item["fields"] = list(difference.fields)
    for name, node, side in (("old", difference.old, laid[0]), ("new", difference.new, laid[1])):
        item[name] = node_object(side, difference.path, node) if node is not None else None
    session.console.out(json_lines.line(item))
