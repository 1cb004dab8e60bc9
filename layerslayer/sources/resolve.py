"""The images that a reference leads to: indexes followed, and the one chosen that fits a platform."""

from __future__ import annotations

from typing import List, NamedTuple, Optional, Sequence, Tuple

from ..errors import InvalidDocument, LayerslayerError, PlatformNotFound
from ..escaping import human_size
from ..limits import bound, raising
from ..oci.config import parse_config
from ..oci.descriptor import Descriptor, Platform
from ..oci.manifest import Index, Manifest, parse_manifest
from ..oci.media_types import CONFIG_TYPES
from ..oci.platforms import best
from ..oci.reference import Target
from ..oci.source import Document, Source
from ..oci.verify import Verifier, verified_pieces

MAX_NESTING = 4  # indexes within indexes
MAX_INDEXES = 64  # fetched for one image
_MAX_UNNAMED = 16  # entries without a platform whose config is asked for it
_MAX_SHARE = 2  # times a document's bytes in all that are read to find the images in an index


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
    search = _Search(source, document.digest)
    search.flatten(parsed, 1)
    if not search.items:
        raise InvalidDocument("{} is an index that lists no image.".format(reference))
    return Candidates(reference, tuple(search.items), True)


class _Search:
    """The images in an index and those within it; ``items`` are those found.

    There are bounds on all the documents together, as each may be as large as one may be.
    """

    def __init__(self, source: Source, digest: str) -> None:
        self.items: List[Candidate] = []
        self._source = source
        self._seen = {digest}
        self._unnamed = 0
        self._left = _MAX_SHARE * bound("document")  # bytes of documents

    def flatten(self, index: Index, depth: int) -> None:
        """Take what ``index`` lists, ``depth`` levels down."""
        for entry in index.entries:
            if entry.is_companion or entry.digest in self._seen:
                continue
            if entry.is_index:
                if depth >= MAX_NESTING or len(self._seen) >= MAX_INDEXES:
                    raise InvalidDocument("the index nests other indexes too deeply")
                self._seen.add(entry.digest)
                nested = self._source.manifest(entry.digest, entry)
                self._left -= len(nested.body)
                if self._left < 0:
                    raise InvalidDocument("the indexes within the index are too large", raising("document"))
                parsed = parse_manifest(nested.body, nested.media_type)
                if isinstance(parsed, Index):
                    self.flatten(parsed, depth + 1)
                    continue
            platform = entry.platform or self._own_platform(entry)
            # Annotations may be large, and told all they had to.
            self.items.append(Candidate(platform, entry._replace(annotations={}), None))

    def _own_platform(self, entry: Descriptor) -> Optional[Platform]:
        """Ask an image for the platform that its index entry does not name, if not too many were asked."""
        if self._unnamed >= _MAX_UNNAMED or self._left <= 0:
            return None
        self._unnamed += 1
        try:
            document = self._source.manifest(entry.digest, entry)
            parsed = parse_manifest(document.body, document.media_type)
            self._left -= len(document.body)
            if isinstance(parsed, Manifest) and parsed.is_image:
                self._left -= parsed.config.size
                return parse_config(read_config(self._source, parsed.config), len(parsed.layers)).platform
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
