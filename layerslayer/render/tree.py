"""The merged file system as text: one directory, a tree, findings, removals."""

from __future__ import annotations

from typing import Dict, Iterable, Iterator, List, NamedTuple, Optional, Sequence, Tuple

from ..analysis.diff import Difference
from ..analysis.find import Finding
from ..escaping import human_size, one_line, printable
from ..filesystem.node import Node, Removal
from ..formats.entry import Entry
from ..oci.image import Layer
from .listing import Listing
from .style import PLAIN, Style

_STEP_LIMIT = 100  # characters of a build step
_AMOUNTS = 32768  # texts remembered
_AT_ONCE = 1000  # names looked at


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
        layer = f"L{node.layer}" if node.layer >= 0 else "-"
        yield f"{layer:<{width + 1}} {text}"


class TreeLines:
    """A tree's paths as text; keeps the texts of sizes that recur."""

    def __init__(self, sums: Dict[Node, int], branches: Branches, style: Style = PLAIN) -> None:
        """``sums`` are the sizes of directories with all that is below them."""
        self._sums = sums
        self._branches = branches
        self._style = style
        self._amounts: Dict[int, str] = {}

    def lines(self, root: Node, name: str, depth: Optional[int]) -> Iterator[str]:
        """Yield a line for ``root``, called ``name``, and for each path below it down to ``depth`` levels."""
        amounts, branches = self._amounts, self._branches
        yield self._line(root, name)
        # Directories being listed: the names left, all nodes, what stands before branches, the last name, plain names?
        open_ones: List[Tuple[Iterator[str], Dict[str, Node], str, str, bool]] = []

        def enter(children: Optional[Dict[str, Node]], before: str) -> bool:
            if not children or (depth is not None and len(open_ones) >= depth):
                return False
            names = sorted(children)
            open_ones.append((iter(names), children, before, names[-1], _are_plain(names)))
            return True

        enter(root.children, "")
        while open_ones:
            names, children, before, last, plain = open_ones[-1]
            branch = before + branches.middle
            for name in names:
                node = children[name]
                entry = node.entry
                if name is last:
                    branch = before + branches.last
                # Nearly every path is a file with a name that needs no escaping.
                if plain and entry.kind == "-":
                    yield f"{branch}{name}  {amounts.get(entry.size) or self._amount(entry.size)}  L{node.layer}"
                    continue
                yield branch + self._line(node, name)
                if enter(node.children, before + (branches.through if name is not last else branches.past)):
                    break
            else:
                open_ones.pop()

    def _line(self, node: Node, name: str) -> str:
        entry, style = node.entry, self._style
        shown = name if _is_plain(name) else printable(name)
        layer = f"  L{node.layer}" if node.layer >= 0 else ""
        if node.children is not None:
            slash = "" if shown.endswith("/") else "/"
            return f"{style.directory}{shown}{slash}{style.off}  {self._amount(self._sums.get(node, 0))}{layer}"
        if entry.kind == "-":
            return f"{shown}  {self._amount(entry.size)}{layer}"
        target = " -> " + printable(entry.target) if entry.target else ""
        size = "  " + self._amount(node.size) if entry.kind == "h" else ""
        return f"{style.link}{shown}{style.off}{target}{size}{layer}"

    def _amount(self, size: int) -> str:
        text = self._amounts.get(size)
        if text is None:
            if len(self._amounts) > _AMOUNTS:
                self._amounts.clear()
            text = self._amounts[size] = human_size(size)
        return text


def _are_plain(names: List[str]) -> bool:
    """Whether ``printable`` would return all the names as they are."""
    # Many at once, as each call costs; not all, as names can be long.
    return all(_is_plain("".join(names[at : at + _AT_ONCE])) for at in range(0, len(names), _AT_ONCE))


def _is_plain(name: str) -> bool:
    """Whether ``printable`` would return a name as it is."""
    return name.isascii() and name.isprintable() and "\\" not in name


def _step_texts(layers: Sequence[Layer]) -> Dict[int, str]:
    """Return the build steps that made layers, by their numbers, for the ends of lines; those that history states."""
    return {
        layer.number: one_line(layer.step.created_by or layer.step.comment, _STEP_LIMIT)
        for layer in layers
        if layer.step
    }


def removal_lines(
    removals: Iterable[Tuple[Removal, str]], layers: Sequence[Layer], style: Style = PLAIN
) -> Iterator[str]:
    """Yield for each removed path the entry with its layer, then who removed it, then the command that gets it back."""
    listing, steps = Listing(style), _step_texts(layers)
    for removal, command in removals:
        text = listing.lines([shown_entry(removal.entry, removal.path, removal.size)])[0]
        step = steps.get(removal.by, "")
        yield f"L{removal.layer} {text}"
        yield f"    {removal.how} by L{removal.by}{'  ' + step if step else ''}"
        if command:
            yield "    " + command


def finding_lines(findings: Iterable[Finding], style: Style = PLAIN) -> Iterator[str]:
    """Yield a line for each found path: its layer, the entry, and who removed it if somebody did."""
    listing = Listing(style)
    for path, node, removal in findings:
        found = node or removal
        assert found is not None
        text = listing.lines([shown_entry(found.entry, path, found.size)])[0]
        if removal:
            text += f"  {style.deletion}[{removal.how} by L{removal.by}]{style.off}"
        yield f"{f'L{found.layer}' if found.layer >= 0 else '-'} {text}"


_MARKS = {"added": "+", "removed": "-", "changed": "~", "written": "*", "reverted": "!"}


def difference_lines(differences: Iterable[Difference], style: Style = PLAIN) -> Iterator[str]:
    """Yield a line for each difference: its mark, the new (or lost) entry, and which fields changed.

    ``+`` added, ``-`` removed, ``~`` changed; where shared layers are not known ``*`` is added or
    changed, and ``!`` is what only the old image writes.
    """
    listing = Listing(style)
    for difference in differences:
        mark = _MARKS[difference.change]
        node = difference.new or difference.old
        if node is None:
            yield f"{mark} {printable(difference.path)}"
            continue
        text = listing.lines([shown_entry(node.entry, difference.path, node.size)])[0]
        changed = f"  {style.dim}[{', '.join(difference.fields)}]{style.off}" if difference.fields else ""
        yield f"{mark} {text}{changed}"
