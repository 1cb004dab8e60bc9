"""Lists that come in pages: the ``Link`` header followed within one registry (RFC 8288).

OCI distribution-spec "Listing Tags", "Listing Referrers". A registry is asked
for at most MAX_PAGES pages, never for the same one twice, for no more once
MAX_BARREN in a row brought nothing new, and never led to another origin, which
would be sent what is the registry's.
"""

from __future__ import annotations

from typing import Callable, Iterator, Optional, Set

from ..errors import InvalidAddress, RegistryError
from .http.origin import Origin, address_from, netloc_of
from .http.response import Answer
from .link_header import target_of

MAX_PAGES = 1000
MAX_BARREN = 8  # pages in a row; some registries filter a page after they cut it
_QUOTED = 300  # characters of a host
_MAX_LINK = 16 * 1024  # characters of the header, whose address holds no more than a tag or a mark


def next_page(
    link: str, url: str, origin: Origin, quoted: Callable[[str, int], str] = lambda words, limit: words
) -> Optional[str]:
    """Return path and query of the page that the ``Link`` header of an answer from ``url`` names next.

    None on the last page. Raises RegistryError when it is not of ``origin``, whose words are ``quoted``.
    """
    if len(link) > _MAX_LINK:
        raise RegistryError(f"the list of {netloc_of(origin)} goes on at an address without end.")
    target = target_of(link, "next")
    if not target:
        return None
    try:
        there = address_from(url, target)
    except InvalidAddress as error:
        raise InvalidAddress(error.reason, f"the list of {netloc_of(origin)} goes on at") from None
    if there.origin != origin or there.named_user:
        elsewhere = quoted(netloc_of(there.origin), _QUOTED)
        raise RegistryError(f"the list of {netloc_of(origin)} goes on at {elsewhere}, which is not followed.")
    return there.target


def pages(ask: Callable[[str], Answer], first: str, origin: Origin, gained: Callable[[], int]) -> Iterator[Answer]:
    """Yield the answer of each page, unread; ``ask`` gets path and query.

    ``gained`` says how much is known from the pages so far. Raises
    RegistryError for lists that go in circles, bring nothing any more or do not
    end, and what ``ask`` raises.
    """
    path: Optional[str] = first
    asked: Set[str] = set()
    known = barren = 0
    while path is not None:
        if barren >= MAX_BARREN:
            raise RegistryError(
                f"the list of {netloc_of(origin)} goes on, but its last {barren} pages brought nothing new."
            )
        if path in asked:
            raise RegistryError(f"the list of {netloc_of(origin)} goes in circles.")
        if len(asked) >= MAX_PAGES:
            raise RegistryError(f"the list of {netloc_of(origin)} has more than {MAX_PAGES} pages.")
        asked.add(path)
        answer = ask(path)
        yield answer
        before, known = known, gained()
        barren = 0 if known > before else barren + 1
        path = next_page(answer.headers.get("link", ""), answer.url, origin, answer.quoted)
        del answer  # whose body is kept with it
