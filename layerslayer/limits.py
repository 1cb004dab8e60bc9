"""How much of an image is taken, whatever it says: the bounds a user may raise with ``--limit``.

Images that nobody checked can be made to cost anything: a few kilobytes inflate
to terabytes. What ends at one of these bounds says so, and how to raise it. Set
once, before anything is read; one process serves one user.

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

from typing import Dict

from .errors import LayerslayerError, UsageError

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
_DEFAULTS = {
    "size": 256 * 2**30,
    "ratio": 200,
    "entries": 2_000_000,
    "layers": 1000,
    "document": 4 * 2**20,  # the limit that registries themselves have
    "extension": 2**20,
    "window": 128 * 2**20,
    "path": 4096,  # Linux knows no longer ones
    "view": 1_000_000,
    "memory": 144 * 2**20,  # of 250 MB in all, with the interpreter and what passes through
    "frames": 2**20,  # 16 MiB of memory; with more, the layer is read in full
}
_FREE = 256 * 2**20  # bytes that any layer may inflate to
_UNITS = {"K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}

current: Dict[str, int] = dict(_DEFAULTS)


def raising(name: str) -> str:
    """Return the hint that goes with a bound that was reached."""
    return "Raise the limit with --limit {}=NUMBER if you trust the image.".format(name)


class LimitReached(LayerslayerError):
    """A layer goes beyond one of the bounds."""

    def __init__(self, name: str, found: str) -> None:
        super().__init__(
            "{}; the limit is {} {} (raise it with --limit {}=NUMBER if you trust the image).".format(
                found, current[name], MEANINGS[name], name
            )
        )


def set_limit(text: str) -> None:
    """Take a ``NAME=NUMBER``, the number with a unit K, M, G or T if wished. Raises UsageError."""
    name, _, number = text.partition("=")
    unit = _UNITS.get(number[-1:].upper(), 0)
    digits = number[:-1] if unit else number
    if name not in current or not (digits.isascii() and digits.isdigit()) or len(digits) > 15 or int(digits) == 0:
        raise UsageError(
            "'{}' is no limit.".format(text[:60]),
            "Say NAME=NUMBER; names: {}.".format(", ".join(sorted(MEANINGS))),
        )
    current[name] = int(digits) * (unit or 1)


def bound(name: str) -> int:
    """Return the bound of that name."""
    return current[name]


def check_size(inflated: int, fetched: int) -> None:
    """Take how many bytes came out of how many. Raises LimitReached."""
    if inflated <= _FREE:
        return
    if inflated > current["size"]:
        raise LimitReached("size", "the layer inflates to more than {} bytes".format(current["size"]))
    if inflated > _FREE + fetched * current["ratio"]:
        raise LimitReached("ratio", "the layer inflates far beyond its own size, as a bomb does")


def check_entries(count: int) -> None:
    """Take how many entries there are so far. Raises LimitReached."""
    if count > current["entries"]:
        raise LimitReached("entries", "the layer has too many entries")
