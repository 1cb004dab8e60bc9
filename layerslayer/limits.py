"""How much of an image is taken, whatever it says: the bounds a user may raise, as a value.

Images that nobody checked can be made to cost anything: a few kilobytes inflate
to terabytes. ``Limits`` are handed down to whoever reads: a ``Source`` bears those
of its image, and parsers and codecs are given them. So two callers in one
process can have two. What ends at one of these bounds says so, and how to raise it.

One sum is the process's and no caller's: what all images hold in memory at once
(``formats.memory``). Each caller compares that sum with its own limit.

Other bounds are of the formats and are not for raising; each stands beside what
it bounds: JSON depth, digits and memory (``oci.json_document``), the time of answers
(``registry.http.timeouts``), connections (``registry.http.connection_limit``), statements
(``analysis.referrers``), index entries 4096 and nesting 4 (``oci.manifest``,
``sources.resolve``), publishers' indexes 150 MiB (``layers.toc.chunked``), their
spans (``layers.toc.ztoc_spans``), pages and tags (``registry.pagination``,
``registry.listings``), redirects 10 (``registry.http``), links followed and steps
on the way (``filesystem.tree``).
"""

from __future__ import annotations

from typing import Dict, NamedTuple

from .errors import Action, LayerslayerError, Remedy

MEANINGS: Dict[str, str] = {
    "size": "bytes that a layer inflates to",
    "ratio": "times its own size that a layer inflates to, beyond the first 256 MiB",
    "entries": "entries of a layer",
    "layers": "layers of an image",
    "document": "bytes of a manifest, index or config",
    "extension": "bytes of a pax header or long name in a tar",
    "window": "bytes of memory that a zstd frame may ask for",
    "path": "characters of a path, and of a link's target, in a merged view",
    "view": "entries of an image that is held at once, as a merged view",
    "memory": "bytes of memory for what is held at once, and 1 kB more for each entry beyond 200 000",
    "frames": "frames that the seek table of a zstd layer lists",
}
_FREE = 256 * 2**20  # bytes that any layer may inflate to


class Limits(NamedTuple):
    """The bounds of one caller; ``MEANINGS`` says what each counts."""

    size: int = 256 * 2**30
    ratio: int = 200
    entries: int = 2_000_000
    layers: int = 1000
    document: int = 4 * 2**20  # the limit that registries themselves have
    extension: int = 2**20
    window: int = 128 * 2**20
    path: int = 4096  # Linux knows no longer ones
    view: int = 1_000_000
    memory: int = 144 * 2**20  # of 250 MB in all, with the interpreter and what passes through
    frames: int = 2**20  # 16 MiB of memory; with more, the layer is read in full

    def check_size(self, inflated: int, fetched: int) -> None:
        """Check how many bytes came out of how many. Raises LimitReached."""
        if inflated <= _FREE:
            return
        if inflated > self.size:
            raise LimitReached("size", self.size, "the layer inflates to more than {} bytes".format(self.size))
        if inflated > _FREE + fetched * self.ratio:
            raise LimitReached("ratio", self.ratio, "the layer inflates far beyond its own size, as a bomb does")

    def check_entries(self, count: int) -> None:
        """Check how many entries of a layer there are so far. Raises LimitReached."""
        if count > self.entries:
            raise LimitReached("entries", self.entries, "the layer has too many entries")


DEFAULT = Limits()


def raising(name: str) -> Remedy:
    """Return the remedy that goes with a bound that was reached."""
    return Remedy(Action.RAISE_LIMIT, name)


class LimitReached(LayerslayerError):
    """A layer goes beyond the bound ``name``, which is ``limit``."""

    def __init__(self, name: str, limit: int, found: str) -> None:
        super().__init__("{}; the limit is {} {}.".format(found, limit, MEANINGS[name]), within=raising(name))
