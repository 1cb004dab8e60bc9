"""diff: what differs between the file systems of two images."""

from __future__ import annotations

from typing import List, Sequence

from ..differences import Difference, Side, compare
from ..errors import ExitCode
from ..image import Image, Layer
from ..overlay import normal
from ..sources.base import Source
from ..views import json_lines
from ..views.listing import Listing
from ..views.merged import difference_line
from .layout import LaidOut, finish, lay_out, single_image
from .merged import node_object
from .session import Session, combined, worse


def diff(session: Session) -> ExitCode:
    """``diff IMAGE IMAGE2 [PATH]``. NO when they differ; layers that both begin with are not fetched."""
    words = session.options.words
    second = session.with_target(words[0])
    below = normal(words[1]) if len(words) > 1 else ""
    sources: List[Source] = []
    try:
        sources.append(session.open_remembering())
        old = single_image(session, sources[0], soon=False)
        sources.append(second.open_remembering())
        new = single_image(second, sources[1], soon=False)
        shared = _shared(old.layers, new.layers)
        known = session.options.full or session.knows(old.layers[:shared])
        skipped = 0 if known else shared
        if skipped:
            session.console.say(
                "The first {} layers are the same and are not read; --full reads them too.".format(skipped)
            )
        laid = [
            lay_out(session, sources[0], _without(old, skipped)),
            lay_out(second, sources[1], _without(new, skipped)),
        ]
        count = 0
        sides = [Side(item.tree, item.digests) for item in laid]
        for difference in compare(sides[0], sides[1], not skipped, below or ""):
            count += 1
            _show(session, difference, laid)
        code = worse(combined([item.code for item in laid]), ExitCode.NO if count else ExitCode.DONE)
        if not count:
            session.console.say("They do not differ.")
        reports = [*laid[0].reports, *laid[1].reports]
        return finish(session, sources[0], "diff", reports, code, more=sources[1].requests_made())
    finally:
        for source in sources:
            source.close()


def _shared(old: Sequence[Layer], new: Sequence[Layer]) -> int:
    """Return how many layers both begin with."""
    count = 0
    for one, other in zip(old, new):
        if one.descriptor.digest != other.descriptor.digest:
            break
        count += 1
    return count


def _without(image: Image, lowest: int) -> Image:
    return image._replace(layers=image.layers[lowest:])


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
