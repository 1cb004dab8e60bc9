"""The lists a registry keeps: the tags of a repository, what refers to a manifest.

OCI distribution-spec "Listing Tags", "Listing Referrers". ``ask`` is given path
and query and the request's headers, and returns the answer to a 200.
"""

from __future__ import annotations

from functools import partial
from typing import Callable, Dict, Iterator, Optional, Set, Tuple

from ..errors import InvalidDocument, NotFound, RegistryError, Remedy
from ..limits import DEFAULT, Limits, raising
from ..oci.descriptor import Descriptor
from ..oci.json_document import load_bounded, load_object, texts_of
from ..oci.manifest import Index, parse_manifest
from ..oci.media_types import OCI_INDEX
from ..oci.reference import is_tag
from .http.origin import Origin
from .http.response import Answer
from .pagination import pages

MAX_TAGS_PAGE = 16 * 1024 * 1024  # bytes; GCR lists all tags in one page, with every manifest beside them
_MAX_TAGS = 1000000
_MAX_TAGS_BYTES = 256 * 1024 * 1024  # of all pages, decoded; a million of the longest tags have half of it
_MAX_REFERRERS = 10000
_MAX_REFERRERS_SHARE = 4  # times a document's bytes in all pages
_NO_ENDPOINT = (400, 404, 405, 406)  # what registries answer that know nothing of referrers

Ask = Callable[[str, Optional[Dict[str, str]]], Answer]


def listed_tags(ask: Ask, path: str, origin: Origin, warn: Callable[[str], None]) -> Iterator[str]:
    """Yield each tag once. Names that can be no tags are left out, and ``warn`` hears how many.

    Raises InvalidDocument, and what ``ask`` and ``pages`` raise, perhaps after some tags.
    """
    pieces = _Allowance(_MAX_TAGS_BYTES, "list of tags")
    known: Set[int] = set()  # hashes, which Python makes unpredictable: half of what the tags would take
    unusable = 0
    for answer in pages(lambda page: ask(page, None), path, origin, lambda: len(known)):
        for tag in _tags_in(pieces.read(answer, MAX_TAGS_PAGE)):
            if not is_tag(tag):
                unusable += 1
                continue
            if hash(tag) in known:
                continue
            if len(known) >= _MAX_TAGS:
                raise InvalidDocument(f"the registry lists more than {_MAX_TAGS} tags")
            known.add(hash(tag))
            yield tag
        del answer  # before the next one comes
    if unusable:
        warn(f"{unusable} names that can be no tags were left out of the list")


class _Allowance:
    """How much may be read of all pages of a list; ``what`` is its name."""

    def __init__(self, limit: int, what: str, remedy: Optional[Remedy] = None) -> None:
        self._limit, self._left = limit, limit
        self._what, self._remedy = what, remedy

    def read(self, answer: Answer, limit: int) -> bytes:
        """Return a page of at most ``limit`` bytes and one. Raises InvalidDocument, and as ``Answer.read``."""
        body = answer.read(limit)
        self._left -= len(body)
        if self._left < 0:
            told = f"the registry's {self._what} has more than {self._limit} bytes in all"
            raise InvalidDocument(told, self._remedy or "")
        return body


def _tags_in(body: bytes) -> Tuple[str, ...]:
    """Return the texts that one page lists; nothing else of it is kept."""
    value = load_bounded(body, "list of tags", MAX_TAGS_PAGE).get("tags")
    if value is not None and not isinstance(value, list):
        raise InvalidDocument("the list of tags is not a list")
    return texts_of(value)


def listed_referrers(ask: Ask, path: str, origin: Origin, limits: Limits = DEFAULT) -> Optional[Tuple[Descriptor, ...]]:
    """Return what the referrers endpoint lists, each digest once; None when there is no such endpoint.

    Only the first page says so: a later one that fails raises.
    """
    pieces = _Allowance(_MAX_REFERRERS_SHARE * limits.document, "list of referrers", raising("document"))
    found: Dict[str, Descriptor] = {}
    read = 0  # pages
    try:
        for answer in pages(partial(_ask_index, ask, limits), path, origin, lambda: len(found)):
            parsed = parse_manifest(pieces.read(answer, limits.document), OCI_INDEX, limits)
            for entry in parsed.entries if isinstance(parsed, Index) else ():
                # Without what may be large and decides nothing here.
                found.setdefault(entry.digest, entry._replace(annotations={}, urls=(), platform=None))
            if len(found) > _MAX_REFERRERS:
                raise InvalidDocument(f"the registry lists more than {_MAX_REFERRERS} referrers")
            read += 1
            del answer, parsed
    except (NotFound, RegistryError) as error:
        status = error.status if isinstance(error, RegistryError) else 404
        if read or status not in _NO_ENDPOINT:
            raise
        return None
    return tuple(found.values())


def _says_so_itself(answer: Answer, kind: str, limits: Limits) -> bool:
    """Whether what is sent as plain JSON, against the specification, is an index by its own words."""
    if kind != "application/json":
        return False
    try:
        body = answer.read(limits.document)
        return load_object(body, "list of referrers", limits=limits).get("mediaType") == OCI_INDEX
    except InvalidDocument:
        return False


def _ask_index(ask: Ask, limits: Limits, path: str) -> Answer:
    answer = ask(path, {"Accept": OCI_INDEX})
    kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == OCI_INDEX or _says_so_itself(answer, kind, limits):
        return answer
    answer.close()
    raise RegistryError("the registry's list of referrers is no index.", "", 406)
