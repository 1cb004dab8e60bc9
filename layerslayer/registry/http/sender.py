"""One request: by the scheme its host speaks, over connections that its host may have, failing in a sentence."""

from __future__ import annotations

import time
from typing import Callable, Mapping, NamedTuple, Optional, Set
from urllib.parse import unquote, unquote_plus

import requests
import urllib3

from ...errors import Exposed
from .failure_reasons import NO_HTTPS, PASSING, host_of, reason_of
from .failures import failure
from .network_policy import Border
from .origin import is_loopback, netloc_of, origin_of, read_address
from .origin_headers import Shown
from .preconnect import EarlyConnections
from .proxies import shown_to_proxies
from .redaction import redacted, scrubbed, secrets_in, unspoken
from .response import Answer
from .session import TlsSession
from .tls import Tls

CONNECT_TIMEOUT = 15.0  # seconds
_SAID = 4096  # bytes looked at to see why a server refuses http


class _Request(NamedTuple):
    """What is asked of an address, whichever scheme that turns out to speak; see ``Transport.get``."""

    headers: Mapping[str, str]
    shown: Shown
    form: Optional[Mapping[str, str]]


class Sender:
    """Sends single requests. Safe to share between threads; see ``Transport`` for what comes in.

    ``timeout`` is in seconds without a byte.
    """

    def __init__(
        self,
        timeout: float,
        note: Callable[[str], None],
        connections: int,
        early: Optional[EarlyConnections],
        tls: Tls,
        home: str,
    ) -> None:
        self._border = Border(home)
        self._session = TlsSession(connections, early, tls, self.guard)
        self._note = note
        self._timeout = (min(CONNECT_TIMEOUT, timeout), timeout)
        self._answered: Set[str] = set()  # hosts that have
        self._switched: Set[str] = set()  # "scheme://netloc" of those that speak the other scheme
        self._shown: Set[str] = shown_to_proxies()  # secrets that somebody saw, and might say

    @property
    def requests_made(self) -> int:
        return self._session.requests_made

    def unspoken(self, words: str) -> str:
        """Return words of ours, which may name hosts that servers named, without the secrets that they were shown."""
        return unspoken(words, self._shown)

    def pass_hop(self, url: str) -> None:
        """Check where a redirect leads. Raises Exposed where it would carry over plain http what somebody was shown."""
        if _is_exposed(url) and any(self.unspoken(text) != text for text in (url, unquote(url), unquote_plus(url))):
            host = self.unspoken(host_of(url))
            raise Exposed(f"a redirect to {host} holds a secret, and would carry it over plain http.")

    def rest(self) -> None:
        """Close the connections that nobody uses; they are opened again when they are needed."""
        self._session.rest()

    def close(self) -> None:
        self._session.close()

    def send(
        self,
        url: str,
        headers: Mapping[str, str],
        shown: Shown,
        form: Optional[Mapping[str, str]],
    ) -> Answer:
        """GET ``url`` with both kinds of headers, or POST ``form`` to it.

        Raises ConnectionLost for what may pass, Unreachable for what will not, RegistryError for addresses that
        cannot be or must not be used, Exposed for those that may not see what was to be sent.
        """
        what = _Request(headers, shown, form)
        address = read_address(url)
        url = address.url  # all that is connected to was made from what was read
        self._border.pass_name(address.origin.host)
        self._session.prepare(url)
        self._shown.update(secrets_in({**shown, **shown.open}, form or {}))
        started = time.monotonic()
        try:
            response = self._by_the_right_scheme(url, what)
        except (requests.exceptions.RequestException, urllib3.exceptions.HTTPError, ValueError) as error:
            raise failure(error, url, host_of(url) in self._answered) from None
        self._answered.add(host_of(url))
        method, took = "POST" if form else "GET", (time.monotonic() - started) * 1000
        logged = scrubbed(redacted(url), self._shown)
        self._note(f"{method} {logged} -> {response.status_code} in {took:.0f} ms")
        return Answer(response, url, self._shown, _is_exposed(response.url or url))

    def _by_the_right_scheme(self, url: str, what: _Request) -> requests.Response:
        """Send a request by the scheme that the host turns out to speak, where that is open.

        A host on this machine is taken to speak http, and may speak https; one
        that ``--insecure`` names is taken to speak https, and may speak http, but
        then sees no secrets. A host that has answered stays as it is.
        """
        address = read_address(url)
        scheme, netloc = address.origin.scheme, netloc_of(address.origin)
        loopback = is_loopback(address.origin.host)
        other = address.by("https" if scheme == "http" else "http").url
        open_to = loopback if scheme == "http" else not self._session.is_checked(url)
        place = f"{scheme}://{netloc}"
        if place not in self._switched:
            if netloc in self._answered or not open_to:
                return self._attempt(url, what)
            try:
                response = self._attempt(url, what)
                if not _wants_tls(response):
                    return response
                response.close()
            except requests.exceptions.SSLError as error:
                if reason_of(error) != NO_HTTPS:
                    raise
            except requests.exceptions.ConnectionError as error:
                if scheme != "http" or reason_of(error) not in PASSING:
                    raise
            self._switched.add(place)
        self._session.prepare(other)
        return self._attempt(other, what)

    def guard(self, host: str, address: str) -> None:
        """Check a connection to ``host``, now open to ``address``. Raises RegistryError for one that leads inside."""
        self._border.pass_connection(host, address)

    def _attempt(self, url: str, what: _Request) -> requests.Response:
        """Send a request to just this address. Here, where the scheme is known, is decided what may be shown."""
        exposed = _is_exposed(url)
        if exposed and what.shown.private:
            raise Exposed(f"{host_of(url)} speaks plain http, over which no login is sent.")
        headers = {**what.headers, **what.shown.open, **({} if exposed else what.shown)}
        return self._session.request(url, headers, what.form, self._timeout)


def _is_exposed(url: str) -> bool:
    """Whether what is sent to an address can be read on its way: plain http, but within this machine."""
    origin = origin_of(url)
    return origin.scheme == "http" and not is_loopback(origin.host)


def _wants_tls(response: requests.Response) -> bool:
    """Whether an answer is what https servers say to http (Go's, and nginx's)."""
    if response.status_code != 400 or "json" in response.headers.get("content-type", ""):
        return False
    try:
        said = response.raw.read(_SAID, decode_content=False)
    except (urllib3.exceptions.HTTPError, OSError):
        return False
    return b"HTTPS server" in said or b"HTTPS port" in said
