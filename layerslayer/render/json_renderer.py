"""Results as JSON Lines for programs; docs/json.md describes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Callable, Iterable, Iterator, List, Optional, Sequence, Tuple

from ..limits import DEFAULT, Limits
from . import json_lines
from .json_lines import line
from .renderer import Renderer, Saved, Summary

if TYPE_CHECKING:
    from ..analysis.diff import Difference
    from ..analysis.find import Finding, LayerFinding
    from ..analysis.referrers import Referrer
    from ..analysis.toc_check import Checking
    from ..analysis.toc_diff import Comparison
    from ..errors import LayerslayerError
    from ..filesystem.merge import LaidOut
    from ..filesystem.node import Node, Removal
    from ..formats.entry import Entry
    from ..layers.outcome import Report
    from ..oci.image import Image, Layer
    from ..oci.source import Document
    from .plan import Plan


class ErrorRenderer(Renderer):
    """Errors alone, as JSON Lines: standard output is for the bytes of files."""

    def error(self, target: str, error: LayerslayerError) -> str:
        return line(json_lines.error_object(target, error))


class JsonRenderer(ErrorRenderer):
    """One object a line. What a verb needs is loaded when it asks for it."""

    def __init__(self, limits: Limits = DEFAULT) -> None:
        """``limits`` are those of documents that are parsed."""
        self._limits = limits

    # -- runs -------------------------------------------------------------

    def image(self, image: Image) -> str:
        return line(json_lines.image_object(image))

    def summary(self, summary: Summary) -> str:
        return line(json_lines.summary_object(summary))

    # -- layers one by one ------------------------------------------------

    def layer(self, layer: Layer) -> str:
        return line(json_lines.layer_object(layer))

    def entries(self, layer: Layer) -> Callable[[Sequence[Entry]], List[str]]:
        number = layer.number
        return lambda entries: json_lines.entry_lines(entries, number)

    def toc_differences(self, layer: Layer, found: Comparison, check: Checking) -> Iterator[str]:
        from .toc_diff import difference_objects

        return map(line, difference_objects(found, layer.number, check.claimed, check.actual))

    def layer_end(self, layer: Layer, report: Report) -> str:
        return line(json_lines.layer_end_object(layer.number, report))

    # -- layers merged ----------------------------------------------------

    def layers(self, layers: Sequence[Layer]) -> str:
        return "".join(map(self.layer, layers))

    def nodes(self, merged: LaidOut, folder: str, nodes: Iterable[Tuple[str, Node]]) -> Iterator[str]:
        from .json_tree import node_object

        return (line(node_object(merged, folder + name, node)) for name, node in nodes)

    def tree(self, merged: LaidOut, node: Node, depth: Optional[int]) -> Iterator[str]:
        from .json_tree import below

        return self.nodes(merged, "", below(node, depth))

    def findings(self, merged: LaidOut, findings: Iterable[Finding]) -> Iterator[str]:
        from .json_tree import finding_object

        return (line(finding_object(merged, finding)) for finding in findings)

    def layer_findings(self, findings: Iterable[LayerFinding]) -> Iterator[str]:
        from .json_tree import layer_finding_object

        return (line(layer_finding_object(finding)) for finding in findings)

    def removals(self, merged: LaidOut, removals: Iterable[Tuple[Removal, str]]) -> Iterator[str]:
        from .json_tree import removed_objects

        return map(line, removed_objects(merged, removals))

    def differences(self, old: LaidOut, new: LaidOut, differences: Iterable[Difference]) -> Iterator[str]:
        from .json_tree import difference_object

        return (line(difference_object(old, new, difference)) for difference in differences)

    # -- documents --------------------------------------------------------

    def history(self, image: Image, as_dockerfile: bool) -> Iterator[str]:
        from .json_documents import step_objects

        return map(line, step_objects(image))

    def config(self, image: Image) -> Iterator[str]:
        from .json_documents import config_object

        yield line(config_object(image))

    def document(self, name: str, document: Document) -> Optional[str]:
        from .json_documents import document_object

        return line(document_object(name, document, self._limits))

    def tag(self, tag: str) -> str:
        return line(json_lines.text_object("tag", tag=tag))

    def referrer(self, referrer: Referrer, image: Image, payloads: bool) -> Iterator[str]:
        from .referrers import referrer_pieces

        return referrer_pieces(referrer)

    # -- files, plans, the cache ------------------------------------------

    def file(self, path: str, written: str, size: int, layer: Layer) -> str:
        return line(json_lines.text_object("file", {"layer": layer.number, "size": size}, path=path, written=written))

    def saved_layer(self, layer: Layer, saved: Saved) -> str:
        return line(json_lines.saved_object(saved, layer))

    def saved_image(self, saved: Saved, verified: str) -> str:
        return line(json_lines.saved_object(saved))

    def plan(self, plan: Plan) -> Iterator[str]:
        from .plan import plan_object, plan_total_object

        yield from (line(plan_object(item)) for item in plan.lines)
        yield line(plan_total_object(plan))

    def cached_layer(self, digest: str, size: int, entries: int, stored: int, used: int) -> str:
        item = {"type": "known_layer", "digest": digest, "size": size}
        return line(dict(item, entries=entries, stored=stored, used=used))
