"""The images that a reference leads to: indexes followed, the one chosen that fits a platform, and opened."""

from __future__ import annotations

from typing import Callable, List, Optional, Sequence, Tuple

from ..errors import Action, DigestMismatch, InvalidDocument, LayerslayerError, NotFound, PlatformNotFound, Remedy
from ..escaping import human_size
from ..formats.decompression_bombs import Beyond
from ..limits import raising
from ..oci.config import Config, parse_config
from ..oci.descriptor import Descriptor, Platform
from ..oci.image import Candidate, Candidates, Image, Layer, Opening
from ..oci.manifest import Index, Manifest, parse_manifest
from ..oci.media_types import CONFIG_TYPES
from ..oci.platforms import best, normalise
from ..oci.reference import Target
from ..oci.source import Source
from ..oci.verify import Verifier, verified_pieces

MAX_NESTING = 4  # indexes within indexes
MAX_INDEXES = 64  # fetched for one image
_MAX_UNNAMED = 16  # entries without a platform whose config is asked for it
_MAX_SHARE = 2  # times a document's bytes in all that are read to find the images in an index


def find_candidates(source: Source, reference: Target) -> Candidates:
    """Ask the source what the reference names, following nested indexes.

    Attestations and SOCI indexes are left out.
    """
    document = source.manifest(reference.wanted)
    parsed = parse_manifest(document.body, document.media_type, source.limits)
    if isinstance(parsed, Manifest):
        return Candidates(reference, (Candidate(None, None, document),), False)
    search = _Search(source, document.digest)
    search.flatten(parsed, 1)
    if not search.items:
        raise InvalidDocument(f"{reference} is an index that lists no image.")
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
        self._left = _MAX_SHARE * source.limits.document  # bytes of documents

    def flatten(self, index: Index, depth: int) -> None:
        """Collect what ``index`` lists, ``depth`` levels down."""
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
                parsed = parse_manifest(nested.body, nested.media_type, self._source.limits)
                if isinstance(parsed, Index):
                    self.flatten(parsed, depth + 1)
                    continue
            platform = entry.platform or self._own_platform(entry)
            # Annotations may be large, and nothing reads them any more.
            self.items.append(Candidate(platform, entry._replace(annotations={}), None))

    def _own_platform(self, entry: Descriptor) -> Optional[Platform]:
        """Ask an image for the platform that its index entry does not name, if not too many were asked."""
        if self._unnamed >= _MAX_UNNAMED or self._left <= 0:
            return None
        self._unnamed += 1
        try:
            document = self._source.manifest(entry.digest, entry)
            parsed = parse_manifest(document.body, document.media_type, self._source.limits)
            self._left -= len(document.body)
            if isinstance(parsed, Manifest) and parsed.is_image:
                self._left -= parsed.config.size
                body = read_config(self._source, parsed.config)
                return parse_config(body, len(parsed.layers), self._source.limits).platform
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
            f"{candidates.reference} lists {len(items)} images without a platform.", "Name one by its digest."
        )
    raise no_platform(candidates.reference, wanted, [item.platform for item in items])


def no_platform(reference: Target, wanted: Platform, offered: Sequence[Optional[Platform]]) -> PlatformNotFound:
    """Return what to say where no image fits; ``offered`` are the platforms of those there are."""
    names = sorted({str(platform) for platform in offered if platform})
    return PlatformNotFound(
        "{} has no image for {}, only for {}.".format(reference, wanted, ", ".join(names)),
        Remedy(Action.CHOOSE_PLATFORM),
    )


def read_config(source: Source, descriptor: Descriptor) -> bytes:
    """Return an image's config, verified. Raises InvalidDocument for one too large, and as ``Source.blob``."""
    if descriptor.data is not None:
        return descriptor.data  # checked when it was parsed
    most = source.limits.document
    if descriptor.size > most:
        raise InvalidDocument(
            f"the image config is {human_size(descriptor.size)}, more than the {human_size(most)} allowed",
            raising("document"),
        )
    if descriptor.media_type not in CONFIG_TYPES:
        descriptor = descriptor._replace(media_type=CONFIG_TYPES[0])  # it is asked for as what it is read as
    return b"".join(verified_pieces(source.blob(descriptor), Verifier(descriptor)))


def open_image(
    source: Source,
    reference: Target,
    candidate: Candidate,
    wanted: Optional[Platform] = None,
    soon: Callable[[Opening], Sequence[Layer]] = lambda opening: (),
    without_config: Optional[Callable[[LayerslayerError], None]] = None,
) -> Image:
    """Fetch what is missing of a candidate: its manifest and config.

    ``wanted`` is a platform the user insisted on; a single image of another one
    raises PlatformNotFound. ``soon`` picks those of the layers that will be read
    at once: they are asked for with the config.
    ``without_config`` gets what is wrong with a config that is missing or
    unreadable, and the image is opened all the same; without it, that raises.
    """
    document = candidate.document
    if document is None:
        assert candidate.descriptor is not None
        document = source.manifest(candidate.descriptor.digest, candidate.descriptor)
    manifest = parse_manifest(document.body, document.media_type, source.limits)
    if isinstance(manifest, Index):
        raise InvalidDocument(f"{document.digest} is an index where an image was expected")
    Beyond.begin_image()
    unnamed = tuple(Layer(number, descriptor, None) for number, descriptor in enumerate(manifest.layers))
    first = soon(Opening(document, manifest, unnamed))
    if first and not (wanted and candidate.descriptor is None):  # that may yet turn out to be the wrong platform
        source.foresee([*([manifest.config] if manifest.is_image else []), *(layer.descriptor for layer in first)])
    body, config = _config(source, manifest, without_config)
    platform = (config.platform if config else None) or candidate.platform
    if wanted and candidate.descriptor is None and platform and best(wanted, [platform], True) is None:
        raise no_platform(reference, wanted, [platform])
    layers = tuple(
        Layer(number, descriptor, config.step_of(number) if config else None)
        for number, descriptor in enumerate(manifest.layers)
    )
    stored = None if manifest.is_schema1 else body
    return Image(reference, document, manifest, config, stored, normalise(platform) if platform else None, layers)


def _config(
    source: Source, manifest: Manifest, without_config: Optional[Callable[[LayerslayerError], None]]
) -> Tuple[Optional[bytes], Optional[Config]]:
    """Return an image's config, as it came and as it was understood; neither where there is none."""
    if not manifest.is_image:
        return None, None
    try:
        body = read_config(source, manifest.config)
        return body, parse_config(body, len(manifest.layers), source.limits)
    except (InvalidDocument, NotFound, DigestMismatch) as error:
        if without_config is None:
            raise
        without_config(error)
        return None, None
