"""Results as text for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Callable, Iterable, Iterator, List, NamedTuple, Optional, Sequence, Tuple

from ..escaping import human_size, printable
from ..user_input import without_login
from .renderer import Renderer, Saved
from .style import PLAIN, Style

if TYPE_CHECKING:
    from ..analysis.diff import Difference
    from ..analysis.find import Finding, LayerFinding
    from ..analysis.referrers import Referrer
    from ..analysis.toc_check import Checking
    from ..analysis.toc_diff import Comparison
    from ..filesystem.merge import LaidOut
    from ..filesystem.node import Node, Removal
    from ..formats.entry import Entry
    from ..layers.outcome import Report
    from ..oci.image import Image, Layer
    from ..oci.source import Document
    from .plan import Plan


class Hints(NamedTuple):
    """How to have what a text leaves out, in the words of whoever asks."""

    all_differences: str = ""  # between a layer and its table of contents
    as_it_is: str = ""  # of a layer that is no tar
    layers: str = "layers {}"  # to choose some; their numbers go into the braces


class TextRenderer(Renderer):
    """Aligned lines, in colours where ``style`` has some. What a verb needs is loaded when it asks for it."""

    def __init__(self, style: Style = PLAIN, unicode: bool = True, hints: Hints = Hints()) -> None:  # noqa: B008
        """``unicode``: trees are drawn with more than ASCII."""
        self._hints = hints
        self._style = style
        self._unicode = unicode

    # -- runs -------------------------------------------------------------

    def heading(self, image: Image) -> str:
        from .summary import image_summary

        return image_summary(image)

    def batch_item(self, target: str) -> str:
        return f"{self._style.bold}== {printable(without_login(target))}{self._style.off}\n"

    def cost(self, reports: Sequence[Report], requests: int, size: Optional[int]) -> str:
        from .cost import cost_line

        return cost_line(reports, requests, size)

    # -- layers one by one ------------------------------------------------

    def layer(self, layer: Layer) -> str:
        from .listing import layer_header

        return layer_header(layer, self._style) + "\n"

    def entries(self, layer: Layer) -> Callable[[Sequence[Entry]], List[str]]:
        from .listing import Listing

        return Listing(self._style).lines

    def toc_differences(self, layer: Layer, found: Comparison, check: Checking) -> Iterator[str]:
        from .toc_diff import difference_lines

        return difference_lines(found, self._style, self._hints.all_differences)

    def layer_end(self, layer: Layer, report: Report) -> str:
        from .listing import layer_footer

        return layer_footer(report, self._style, self._hints.as_it_is) + "\n\n"

    # -- layers merged ----------------------------------------------------

    def nodes(self, merged: LaidOut, folder: str, nodes: Iterable[Tuple[str, Node]]) -> Iterator[str]:
        from .tree import node_lines

        return _ended(node_lines(nodes, len(merged.image.layers), self._style))

    def tree(self, merged: LaidOut, node: Node, depth: Optional[int]) -> Iterator[str]:
        from ..filesystem.tree import sizes
        from .tree import ASCII, UNICODE, TreeLines

        tree = TreeLines(sizes(merged.tree), UNICODE if self._unicode else ASCII, self._style)
        return _ended(tree.lines(node, "/" + printable(node.path), depth))

    def findings(self, merged: LaidOut, findings: Iterable[Finding]) -> Iterator[str]:
        from .tree import finding_lines

        return _ended(finding_lines(findings, self._style))

    def layer_findings(self, findings: Iterable[LayerFinding]) -> Iterator[str]:
        from .listing import Listing

        listing = Listing(self._style)
        return (f"{found.layer} {listing.lines([found.entry])[0]}\n" for found in findings)

    def removals(self, merged: LaidOut, removals: Iterable[Tuple[Removal, str]]) -> Iterator[str]:
        from .tree import removal_lines

        return _ended(removal_lines(removals, merged.layers, self._style))

    def differences(self, old: LaidOut, new: LaidOut, differences: Iterable[Difference]) -> Iterator[str]:
        from .tree import difference_lines

        return _ended(difference_lines(differences, self._style))

    # -- documents --------------------------------------------------------

    def history(self, image: Image, as_dockerfile: bool) -> Iterator[str]:
        if as_dockerfile:
            from .dockerfile import dockerfile_lines as history_lines
        else:
            from .history import history_lines
        return _ended(history_lines(image))

    def config(self, image: Image) -> Iterator[str]:
        from .config import config_lines

        return _ended(config_lines(image))

    def document(self, name: str, document: Document) -> Optional[str]:
        return None

    def tag(self, tag: str) -> str:
        return printable(tag) + "\n"

    def referrer(self, referrer: Referrer, image: Image, payloads: bool) -> Iterator[str]:
        from .referrers import referrer_text

        return referrer_text(referrer, payloads, image.document.digest)

    # -- files, plans, the cache ------------------------------------------

    def file(self, path: str, written: str, size: int, layer: Layer) -> str:
        return f"{printable(written)}  {human_size(size)}, from layer {layer.number}\n"

    def saved_layer(self, layer: Layer, saved: Saved) -> str:
        there = "already there, " if saved.state == "kept" else ""
        return f"{saved.state:5} {saved.path}  {human_size(saved.size)}, {there}digest verified\n"

    def saved_image(self, saved: Saved, verified: str) -> str:
        return f"{saved.state} {printable(saved.path)}  {human_size(saved.size)}, {verified}\n"

    def plan(self, plan: Plan) -> Iterator[str]:
        from .plan import plan_lines, plan_total

        yield from _ended(plan_lines(plan, self._style))
        yield from _ended(plan_total(plan, self._hints.layers))

    def cached_layer(self, digest: str, size: int, entries: int, stored: int, used: int) -> str:
        from .listing import timestamp

        return f"{digest}  {human_size(size):>9}  {entries:>7} entries  {timestamp(used)}\n"


def _ended(lines: Iterable[str]) -> Iterator[str]:
    """Yield each line with its newline."""
    return (line + "\n" for line in lines)
