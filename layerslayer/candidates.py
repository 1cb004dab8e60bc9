"""The images that a reference leads to: indexes followed, and the one chosen that fits a platform."""

from __future__ import annotations

from typing import List, NamedTuple, Optional, Sequence, Set, Tuple

from .config import parse_config
from .descriptors import Descriptor, Platform
from .errors import InvalidDocument, LayerslayerError, PlatformNotFound
from .escaping import human_size
from .layers.verify import Verifier, verified_pieces
from .limits import bound, raising
from .manifest import Index, Manifest, parse_manifest
from .media_types import CONFIG_TYPES
from .platforms import best
from .reference import Target
from .sources.base import Document, Source

MAX_NESTING = 4  # indexes within indexes
MAX_INDEXES = 64  # fetched for one image
_MAX_UNNAMED = 16  # entries without a platform whose config is asked for it


class Candidate(NamedTuple):
    """An image that a reference leads to, not yet fetched (or, from a single manifest, fetched)."""

    platform: Optional[Platform]
    descriptor: Optional[Descriptor]
    document: Optional[Document]


class Candidates(NamedTuple):
    """All images behind a reference; ``multi`` when an index led to them."""

    reference: Target
    items: Tuple[Candidate, ...]
    multi: bool


def find_candidates(source: Source, reference: Target) -> Candidates:
    """Ask the source what the reference names, following nested indexes.

    Attestations and SOCI indexes are left out.
    """
    document = source.manifest(reference.wanted)
    parsed = parse_manifest(document.body, document.media_type)
    if isinstance(parsed, Manifest):
        return Candidates(reference, (Candidate(None, None, document),), False)
    items: List[Candidate] = []
    _flatten(source, parsed, items, {document.digest}, 1)
    if not items:
        raise InvalidDocument("{} is an index that lists no image.".format(reference))
    return Candidates(reference, tuple(items), True)


def _flatten(source: Source, index: Index, items: List[Candidate], seen: Set[str], depth: int) -> None:
    unnamed = 0
    for entry in index.entries:
        if entry.is_companion or entry.digest in seen:
            continue
        if entry.is_index:
            if depth >= MAX_NESTING or len(seen) >= MAX_INDEXES:
                raise InvalidDocument("the index nests other indexes too deeply")
            seen.add(entry.digest)
            nested = source.manifest(entry.digest, entry)
            parsed = parse_manifest(nested.body, nested.media_type)
            if isinstance(parsed, Index):
                _flatten(source, parsed, items, seen, depth + 1)
                continue
        platform = entry.platform
        if platform is None and unnamed < _MAX_UNNAMED:
            unnamed += 1
            platform = _own_platform(source, entry)
        items.append(Candidate(platform, entry, None))


def _own_platform(source: Source, entry: Descriptor) -> Optional[Platform]:
    """Ask an image for the platform that its index entry does not name."""
    try:
        document = source.manifest(entry.digest, entry)
        parsed = parse_manifest(document.body, document.media_type)
        if isinstance(parsed, Manifest) and parsed.is_image:
            return parse_config(read_config(source, parsed.config), len(parsed.layers)).platform
    except LayerslayerError:
        pass  # the choice shows it as unknown; opening it says what is wrong
    return None


def choose(candidates: Candidates, wanted: Platform, strict: bool) -> Candidate:
    """Return the candidate that fits ``wanted``. Raises PlatformNotFound.

    ``strict``: the user asked for just this; otherwise a machine's next best counts.
    """
    items = candidates.items
    if not candidates.multi:
        return items[0]
    position = best(wanted, [item.platform for item in items], strict)
    if position is not None:
        return items[position]
    if all(item.platform is None for item in items):
        if len(items) == 1:
            return items[0]
        raise PlatformNotFound(
            "{} lists {} images without a platform.".format(candidates.reference, len(items)), "Name one by its digest."
        )
    raise no_platform(candidates.reference, wanted, [item.platform for item in items])


def no_platform(reference: Target, wanted: Platform, offered: Sequence[Optional[Platform]]) -> PlatformNotFound:
    """Return what to say where no image fits; ``offered`` are the platforms of those there are."""
    names = sorted({str(platform) for platform in offered if platform})
    return PlatformNotFound(
        "{} has no image for {}, only for {}.".format(reference, wanted, ", ".join(names)),
        "Choose one with --platform.",
    )


def read_config(source: Source, descriptor: Descriptor) -> bytes:
    """Return an image's config, verified. Raises InvalidDocument for one too large, and as ``Source.blob``."""
    if descriptor.data is not None:
        return descriptor.data  # checked when it was parsed
    if descriptor.size > bound("document"):
        raise InvalidDocument(
            "the image config is {}, more than the {} allowed".format(
                human_size(descriptor.size), human_size(bound("document"))
            ),
            raising("document"),
        )
    if descriptor.media_type not in CONFIG_TYPES:
        descriptor = descriptor._replace(media_type=CONFIG_TYPES[0])  # it is asked for as what it is read as
    return b"".join(verified_pieces(source.blob(descriptor), Verifier(descriptor)))
