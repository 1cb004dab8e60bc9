"""The forms that results take: text for people, JSON Lines for programs; which one, a run decides once.

``Renderer`` is the interface, and the form that shows nothing. A further form is a
class beside ``TextRenderer`` and ``JsonRenderer``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Callable, Iterable, Iterator, List, NamedTuple, Optional, Sequence, Tuple

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


class Summary(NamedTuple):
    """How a verb ended: what it read, what that cost, what it returns."""

    verb: str
    image: Optional[str]  # as the user named it
    reports: Sequence[Report]  # of the layers that were read
    requests: int
    exit_code: int
    saved: int = 0  # bytes of blobs that were downloaded rather than listed


class Saved(NamedTuple):
    """A file that was written (``saved``) or was there already (``kept``), verified."""

    path: str
    state: str
    size: int  # bytes


class Renderer:
    """Values in, text out; prints nothing.

    A method returns what belongs on standard output, with its newlines: remote text
    in it is escaped. Where a form has nothing to show, that is empty. What ``heading``
    and ``cost`` return is for standard error, and without a newline.
    """

    # -- runs -------------------------------------------------------------

    def heading(self, image: Image) -> str:
        """Return what names the image of a document, where the results do not."""
        return ""

    def image(self, image: Image) -> str:
        """Return what begins the results of an image."""
        return ""

    def batch_item(self, target: str) -> str:
        """Return what begins the results of one of several images."""
        return ""

    def error(self, target: str, error: LayerslayerError) -> str:
        """Return what ends the results of an image that could not be worked on."""
        return ""

    def summary(self, summary: Summary) -> str:
        """Return what ends the results of a verb."""
        return ""

    def cost(self, reports: Sequence[Report], requests: int, size: Optional[int]) -> str:
        """Return what reading cost; ``size`` is what could have been read, None for all of the layers reported on."""
        return ""

    # -- layers one by one ------------------------------------------------

    def layer(self, layer: Layer) -> str:
        """Return what begins the contents of a layer."""
        return ""

    def entries(self, layer: Layer) -> Callable[[Sequence[Entry]], List[str]]:
        """Return what makes lines, without newlines, of entries of a layer; for one thread."""
        return lambda entries: []

    def toc_differences(self, layer: Layer, found: Comparison, check: Checking) -> Iterator[str]:
        """Yield how a publisher's table of contents differs from its layer."""
        return iter(())

    def layer_end(self, layer: Layer, report: Report) -> str:
        """Return what ends the contents of a layer."""
        return ""

    # -- layers merged ----------------------------------------------------

    def layers(self, layers: Sequence[Layer]) -> str:
        """Return what the layers are that a merged view is made of."""
        return ""

    def nodes(self, merged: LaidOut, folder: str, nodes: Iterable[Tuple[str, Node]]) -> Iterator[str]:
        """Yield nodes with their names in ``folder``, which ends with a slash unless it is empty."""
        return iter(())

    def tree(self, merged: LaidOut, node: Node, depth: Optional[int]) -> Iterator[str]:
        """Yield a node and what is below it, down to ``depth`` levels."""
        return iter(())

    def findings(self, merged: LaidOut, findings: Iterable[Finding]) -> Iterator[str]:
        """Yield what a search finds in an image."""
        return iter(())

    def layer_findings(self, findings: Iterable[LayerFinding]) -> Iterator[str]:
        """Yield what a search finds in layers that the cache holds."""
        return iter(())

    def removals(self, merged: LaidOut, removals: Iterable[Tuple[Removal, str]]) -> Iterator[str]:
        """Yield removed paths, each with the command that gets it back, empty where none does."""
        return iter(())

    def differences(self, old: LaidOut, new: LaidOut, differences: Iterable[Difference]) -> Iterator[str]:
        """Yield what differs between two images."""
        return iter(())

    # -- documents --------------------------------------------------------

    def history(self, image: Image, as_dockerfile: bool) -> Iterator[str]:
        """Yield how an image was built."""
        return iter(())

    def config(self, image: Image) -> Iterator[str]:
        """Yield how an image is run."""
        return iter(())

    def document(self, name: str, document: Document) -> Optional[str]:
        """Return a manifest or index; None where it is to be shown byte for byte. Raises InvalidDocument."""
        return ""

    def tag(self, tag: str) -> str:
        """Return one tag of a repository."""
        return ""

    def referrer(self, referrer: Referrer, image: Image, payloads: bool) -> Iterator[str]:
        """Yield what accompanies an image, in pieces; ``payloads`` asks for those in full where the form allows both.

        Payloads come from the registry as they are asked for.
        """
        return iter(())

    # -- files, plans, the cache ------------------------------------------

    def file(self, path: str, written: str, size: int, layer: Layer) -> str:
        """Return where a file of ``layer`` was written, and of how many bytes."""
        return ""

    def saved_layer(self, layer: Layer, saved: Saved) -> str:
        """Return where a layer was saved."""
        return ""

    def saved_image(self, saved: Saved, verified: str) -> str:
        """Return where an image was saved; ``verified`` says how far it can be trusted."""
        return ""

    def plan(self, plan: Plan) -> Iterator[str]:
        """Yield what a verb would cost."""
        return iter(())

    def cached_layer(self, digest: str, size: int, entries: int, stored: int, used: int) -> str:
        """Return what the cache holds of a layer.

        Args:
            digest: the layer's
            size: bytes of the layer
            entries: how many there are in it
            stored: bytes that they take in the cache
            used: when they were last read, in seconds since 1970
        """
        return ""
