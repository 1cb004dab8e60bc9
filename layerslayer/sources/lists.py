"""The lists a registry keeps: the tags of a repository, what refers to a manifest.

OCI distribution-spec "Listing Tags", "Listing Referrers". ``ask`` is given path
and query and the request's headers, and returns the answer to a 200.
"""

from __future__ import annotations

from functools import partial
from typing import Any, Callable, Dict, Iterator, Optional, Set, Tuple

from ..descriptors import Descriptor
from ..documents import load_object, texts_of
from ..errors import InvalidDocument, NotFound, RegistryError
from ..limits import bound
from ..manifest import Index, parse_manifest
from ..media_types import OCI_INDEX
from ..origins import Origin
from ..reference import is_tag
from ..transport.answers import Answer
from .pages import pages

MAX_TAGS_PAGE = 16 * 1024 * 1024  # bytes; GCR lists all tags in one page, with every manifest beside them
_MAX_TAGS = 1000000
_MAX_REFERRERS = 10000
_NO_ENDPOINT = (400, 404, 405, 406)  # what registries answer that know nothing of referrers

Ask = Callable[[str, Optional[Dict[str, str]]], Answer]


def listed_tags(ask: Ask, path: str, origin: Origin, warn: Callable[[str], None]) -> Iterator[str]:
    """Yield each tag once. Names that can be no tags are left out, and ``warn`` is told how many.

    Raises InvalidDocument, and what ``ask`` and ``pages`` raise, perhaps after some tags.
    """
    known: Set[str] = set()
    unusable = 0
    for answer in pages(lambda page: ask(page, None), path, origin):
        for tag in _tags_in(load_object(answer.read(MAX_TAGS_PAGE), "list of tags", MAX_TAGS_PAGE).get("tags")):
            if tag in known:
                continue
            if len(known) >= _MAX_TAGS:
                raise InvalidDocument("the registry lists more than {} tags".format(_MAX_TAGS))
            known.add(tag)
            if is_tag(tag):
                yield tag
            else:
                unusable += 1
    if unusable:
        warn("{} names that can be no tags were left out of the list".format(unusable))


def _tags_in(value: Any) -> Tuple[str, ...]:
    if value is not None and not isinstance(value, list):
        raise InvalidDocument("the list of tags is not a list")
    return texts_of(value)


def listed_referrers(ask: Ask, path: str, origin: Origin) -> Optional[Tuple[Descriptor, ...]]:
    """Return what the referrers endpoint lists, each digest once; None when there is no such endpoint.

    That is told by the first page alone: a later one that fails raises.
    """
    found: Dict[str, Descriptor] = {}
    read = 0  # pages
    try:
        for answer in pages(partial(_ask_index, ask), path, origin):
            parsed = parse_manifest(answer.read(bound("document")), OCI_INDEX)
            for entry in parsed.entries if isinstance(parsed, Index) else ():
                found.setdefault(entry.digest, entry)
            if len(found) > _MAX_REFERRERS:
                raise InvalidDocument("the registry lists more than {} referrers".format(_MAX_REFERRERS))
            read += 1
    except (NotFound, RegistryError) as error:
        status = error.status if isinstance(error, RegistryError) else 404
        if read or status not in _NO_ENDPOINT:
            raise
        return None
    return tuple(found.values())


def _says_so_itself(answer: Answer, kind: str) -> bool:
    """Whether what is sent as plain JSON, against the specification, is an index by its own words."""
    if kind != "application/json":
        return False
    try:
        return load_object(answer.read(bound("document")), "list of referrers").get("mediaType") == OCI_INDEX
    except InvalidDocument:
        return False


def _ask_index(ask: Ask, path: str) -> Answer:
    answer = ask(path, {"Accept": OCI_INDEX})
    kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == OCI_INDEX or _says_so_itself(answer, kind):
        return answer
    answer.close()
    raise RegistryError("the registry's list of referrers is no index.", "", 406)
