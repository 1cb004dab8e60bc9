"""Lists that come in pages: the ``Link`` header followed within one registry (RFC 8288).

OCI distribution-spec "Listing Tags", "Listing Referrers". A registry is asked
for at most MAX_PAGES pages, never for the same one twice, and never led to
another origin, which would be sent what is the registry's.
"""

from __future__ import annotations

import re
from typing import Callable, Iterator, Optional, Set

from ..errors import InvalidAddress, RegistryError
from ..origins import Origin, address_from, netloc_of
from ..transport.answers import Answer

MAX_PAGES = 1000
_LINK = re.compile(r"<([^<>]*)>([^<>]*)")
_NEXT = re.compile(r';\s*rel\s*=\s*(?:"\s*(?:[^"]*\s)?next(?:\s[^"]*)?"|next\s*(?:[;,]|\Z))', re.IGNORECASE)


def next_page(link: str, url: str, origin: Origin) -> Optional[str]:
    """Return path and query of the page that the ``Link`` header of an answer from ``url`` names next.

    None on the last page. Raises RegistryError when it is not of ``origin``.
    """
    for match in _LINK.finditer(link):
        target, parameters = match.group(1), match.group(2)
        if not _NEXT.search(parameters):
            continue
        try:
            there = address_from(url, target.strip())
        except InvalidAddress as error:
            raise InvalidAddress(error.reason, "the list of {} goes on at".format(netloc_of(origin))) from None
        if there.origin != origin or there.named_user:
            raise RegistryError(
                "the list of {} goes on at {}, which is not followed.".format(
                    netloc_of(origin), netloc_of(there.origin)
                )
            )
        return there.target
    return None


def pages(ask: Callable[[str], Answer], first: str, origin: Origin) -> Iterator[Answer]:
    """Yield the answer of each page, unread; ``ask`` gets path and query.

    Raises RegistryError for lists that go in circles or do not end, and what ``ask`` raises.
    """
    path: Optional[str] = first
    asked: Set[str] = set()
    while path is not None:
        if path in asked:
            raise RegistryError("the list of {} goes in circles.".format(netloc_of(origin)))
        if len(asked) >= MAX_PAGES:
            raise RegistryError("the list of {} has more than {} pages.".format(netloc_of(origin), MAX_PAGES))
        asked.add(path)
        answer = ask(path)
        yield answer
        path = next_page(answer.headers.get("link", ""), answer.url, origin)
