"""What a verb would cost, as a table: the cheapest layers first, with what they come to.

::

    Layer  Digest                  Size  At most  Running total
        3  sha256:c3dcc62bec13    231 B    231 B          231 B
        0  sha256:86f20bbf269a  74.6 KB  74.6 KB        74.8 KB  beyond the budget
    At most 74.8 KB, of 74.8 KB in 2 layers.
    A budget of 1.0 KB does for 1 of 2 layers in this order (--layer 3). In the image's order it may end in layer 0.
"""

from __future__ import annotations

from typing import Iterator, List, NamedTuple, Optional, Sequence

from ..analysis.cost import Cost, Line
from ..escaping import human_size, printable
from ..oci.descriptor import UNKNOWN_SIZE
from .json_lines import Object
from .style import PLAIN, Style

_DIGEST = 19  # characters shown: sha256: and 12 digits
_HEADS = ("Layer", "Digest", "Size", "At most", "Running total")
# How the layers are read, and a budget goes to them.
IN_ORDER = "in order"
TOP_DOWN = "top down"
EACH_WHOLE = "each whole"
ALL_OR_NOTHING = "all or nothing"
_READINGS = {
    IN_ORDER: "In the image's order it may end in layer {}.",
    TOP_DOWN: "From the top down it may end in layer {}.",
    EACH_WHOLE: "In the image's order layer {} is the first that does not fit whole; it is not begun, others are.",
}


class Plan(NamedTuple):
    """What a verb would fetch."""

    lines: Sequence[Line]  # the cheapest first
    reading: str  # how the layers are read: IN_ORDER and so on
    budget: int  # bytes; negative for none
    beyond: Optional[Cost]  # the layer in which the budget ends

    @property
    def at_most(self) -> int:
        """The bytes that all of it costs at most; UNKNOWN_SIZE where not all sizes are stated."""
        return _sum(line.cost.at_most for line in self.lines)

    @property
    def size(self) -> int:
        """The bytes of all layers; UNKNOWN_SIZE where not all sizes are stated."""
        return _sum(line.cost.layer.descriptor.size for line in self.lines)

    @property
    def images(self) -> int:
        """How many images the layers are of."""
        return len({line.cost.image.document.digest for line in self.lines})


def _sum(sizes: Iterator[int]) -> int:
    known = list(sizes)
    return UNKNOWN_SIZE if UNKNOWN_SIZE in known else sum(known)


def plan_lines(plan: Plan, style: Style = PLAIN) -> Iterator[str]:
    """Yield the table of layers; a column names the image where there are several."""
    several = plan.images > 1
    rows: List[List[str]] = [list(_HEADS)]
    rows += [_row(line) for line in plan.lines]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADS))]
    for number, row in enumerate(rows):
        texts = [text.rjust(width) for text, width in zip(row, widths)]
        texts[1] = row[1].ljust(widths[1])
        notes = _notes(plan.lines[number - 1], several, style) if number else []
        start, end = ("", "") if number else (style.bold, style.off)
        yield start + "  ".join(texts) + end + ("  " + "; ".join(notes) if notes else "")


def _row(line: Line) -> List[str]:
    layer = line.cost.layer
    sizes = (layer.descriptor.size, line.cost.at_most, line.running)
    return [str(layer.number), layer.descriptor.digest[:_DIGEST], *map(human_size, sizes)]


def _notes(line: Line, several: bool, style: Style) -> List[str]:
    image = line.cost.image
    notes = [printable(f"{image.reference} {image.platform or ''}")] if several else []
    notes += [line.cost.note] if line.cost.note else []
    return notes + ([f"{style.alarm}beyond the budget{style.off}"] if line.fits is False else [])


def plan_total(plan: Plan, choice: str = "layers {}") -> Iterator[str]:
    """Yield what follows the table. ``choice`` says how layers are chosen; their numbers go into its braces."""
    count, most = len(plan.lines), "Not all sizes are stated"
    if plan.at_most != UNKNOWN_SIZE:
        most = f"At most {human_size(plan.at_most)}"
    yield f"{most}, of {human_size(plan.size)} in {count} layer{'' if count == 1 else 's'}."
    if plan.reading == TOP_DOWN:
        yield (
            "Layers are read from the top down, and reading stops at the file; "
            "for links, directories, globs or several files a layer may be read again."
        )
    if plan.budget >= 0:
        yield _within(plan, choice)


def _within(plan: Plan, choice: str) -> str:
    budget = human_size(plan.budget)
    if plan.beyond is None:
        return f"A budget of {budget} does for {'reading all of it once' if plan.reading == TOP_DOWN else 'all of it'}."
    if plan.reading == ALL_OR_NOTHING:
        return f"A budget of {budget} does not do, and the image is written whole or not at all."
    fitting = [line.cost.layer.number for line in plan.lines if line.fits]
    words = f"A budget of {budget} does for {len(fitting) or 'none'} of {len(plan.lines)} layers in this order"
    if fitting and plan.images == 1:
        words += f" ({choice.format(','.join(map(str, sorted(fitting))))})"
    return f"{words}. {_READINGS[plan.reading].format(plan.beyond.layer.number)}"


def _known(size: int) -> Optional[int]:
    return None if size == UNKNOWN_SIZE else size


def plan_object(line: Line) -> Object:
    """Return one layer of a plan."""
    cost, image = line.cost, line.cost.image
    return {
        "type": "plan",
        "image": str(image.reference),
        "platform": str(image.platform) if image.platform else None,
        "layer": cost.layer.number,
        "digest": cost.layer.descriptor.digest,
        "size": _known(cost.layer.descriptor.size),
        "at_most": _known(cost.at_most),
        "running_total": _known(line.running),
        "fits": line.fits,
        "index": cost.promise or None,
        "note": cost.note or None,
    }


def plan_total_object(plan: Plan) -> Object:
    """Return what a plan comes to."""
    return {
        "type": "plan_total",
        "layers": len(plan.lines),
        "size": _known(plan.size),
        "at_most": _known(plan.at_most),
        "reading": plan.reading,
        "budget": plan.budget if plan.budget >= 0 else None,
        "ends_in": plan.beyond.layer.number if plan.beyond is not None else None,
    }
