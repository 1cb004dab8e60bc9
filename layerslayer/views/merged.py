"""The merged file system as text: one directory, a tree, findings, removals."""

from __future__ import annotations

from typing import Dict, Iterable, Iterator, List, NamedTuple, Optional, Sequence, Tuple

from ..differences import Difference
from ..entries import Entry
from ..escaping import human_size, one_line, printable
from ..image import Layer
from ..overlay import Node, Removal
from .listing import Listing
from .style import PLAIN, Style

_STEP_LIMIT = 100  # characters of a build step


class Branches(NamedTuple):
    """What a tree's lines are drawn with."""

    middle: str
    last: str
    through: str
    past: str


UNICODE = Branches("├── ", "└── ", "│   ", "    ")
ASCII = Branches("|-- ", "`-- ", "|   ", "    ")


def shown_entry(entry: Entry, path: str, size: int) -> Entry:
    """Return an entry as the merged view shows it: by its path, with its content's size."""
    if entry.kind == "d":
        path += "/"
    return entry._replace(name=path, size=size, hidden=False)


def node_lines(nodes: Iterable[Tuple[str, Node]], layers: int, style: Style = PLAIN) -> Iterator[str]:
    """Yield a line for each node, under the name given with it: the layer that wrote it, then as a listing shows it."""
    listing = Listing(style)
    width = len(str(max(layers - 1, 0)))
    for name, node in nodes:
        text = listing.lines([shown_entry(node.entry, name, node.size)])[0]
        yield "{}{:<{}} {}".format("L" if node.layer >= 0 else "-", node.layer if node.layer >= 0 else "", width, text)


def tree_lines(
    root: Node, name: str, sums: Dict[Node, int], depth: Optional[int], branches: Branches, style: Style = PLAIN
) -> Iterator[str]:
    """Yield a line for ``root``, called ``name``, and for each path below it down to ``depth`` levels."""
    yield _tree_line(root, name, sums, style)
    stack: List[Iterator[Tuple[Node, str, bool]]] = [_inner(root, "")]
    while stack:
        item = next(stack[-1], None)
        if item is None:
            stack.pop()
            continue
        node, before, last = item
        if depth is not None and len(stack) > depth:
            stack.pop()
            continue
        yield before + (branches.last if last else branches.middle) + _tree_line(node, node.name, sums, style)
        if node.children:
            stack.append(_inner(node, before + (branches.past if last else branches.through)))


def _inner(node: Node, before: str) -> Iterator[Tuple[Node, str, bool]]:
    """Yield a directory's children, each with what stands before its branch and whether it is the last."""
    children = node.children or {}
    names = sorted(children)
    for name in names:
        yield children[name], before, name is names[-1]


def _tree_line(node: Node, name: str, sums: Dict[Node, int], style: Style) -> str:
    shown = printable(name)
    if node.children is not None:
        shown = "{}{}{}{}  {}".format(
            style.directory, shown, "" if shown.endswith("/") else "/", style.off, human_size(sums.get(node, 0))
        )
    else:
        target = " -> " + printable(node.entry.target) if node.entry.target else ""
        size = "" if node.entry.kind == "l" else "  " + human_size(node.size)
        shown = "{}{}{}{}{}".format(style.link if target else "", shown, style.off if target else "", target, size)
    return "{}  L{}".format(shown, node.layer) if node.layer >= 0 else shown


def step_text(layers: Sequence[Layer], number: int) -> str:
    """Return the build step that made a layer, for the end of a line; empty where the history does not tell."""
    for layer in layers:
        if layer.number == number and layer.step:
            return one_line(layer.step.created_by or layer.step.comment, _STEP_LIMIT)
    return ""


def removal_line(listing: Listing, gone: Removal, layers: Sequence[Layer], command: str) -> str:
    """Return two lines for a removed path: the entry with its layer, then who removed it, and what gets it back."""
    text = listing.lines([shown_entry(gone.entry, gone.path, gone.size)])[0]
    step = step_text(layers, gone.by)
    lines = [
        "L{} {}".format(gone.layer, text),
        "    {} by L{}{}".format(gone.how, gone.by, "  " + step if step else ""),
    ]
    if command:
        lines.append("    " + command)
    return "\n".join(lines)


def finding_line(
    listing: Listing, entry: Entry, path: str, layer: int, size: int, gone: Optional[Removal], style: Style = PLAIN
) -> str:
    """Return a found path's line: its layer, the entry, and who removed it if somebody did."""
    text = listing.lines([shown_entry(entry, path, size)])[0]
    if gone:
        text += "  {}[{} by L{}]{}".format(style.deletion, gone.how, gone.by, style.off)
    return "{} {}".format("L{}".format(layer) if layer >= 0 else "-", text)


_MARKS = {"added": "+", "removed": "-", "changed": "~", "written": "*", "reverted": "!"}


def difference_line(listing: Listing, difference: Difference, style: Style = PLAIN) -> str:
    """Return a difference's line: its mark, the new (or lost) entry, and which fields changed.

    ``+`` added, ``-`` removed, ``~`` changed; where shared layers are not known ``*`` is added or
    changed, and ``!`` is what only the old image writes.
    """
    mark = _MARKS[difference.change]
    node = difference.new or difference.old
    if node is None:
        return "{} {}".format(mark, printable(difference.path))
    text = listing.lines([shown_entry(node.entry, difference.path, node.size)])[0]
    changed = "  {}[{}]{}".format(style.dim, ", ".join(difference.fields), style.off) if difference.fields else ""
    return "{} {}{}".format(mark, text, changed)
