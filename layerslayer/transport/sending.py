"""One request: by the scheme its host speaks, over connections that its host may have, failing in a sentence."""

from __future__ import annotations

import threading
import time
from typing import Callable, Mapping, Optional, Set
from urllib.parse import urlsplit

import requests
import urllib3

from ..addresses import is_inside, is_on_the_link
from ..early import EarlyConnections
from ..errors import RegistryError
from ..origins import is_loopback, origin_of, redacted
from ..tls import Tls
from .answers import Answer
from .connections import Adapter, new_session
from .failures import failure, was_dropped
from .lines import LINES
from .reasons import NO_HTTPS, PASSING, host_of, reason_of

CONNECT_TIMEOUT = 15.0  # seconds
_SAID = 4096  # bytes looked at to see why a server refuses http


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
        self._home = (urlsplit("//" + home).hostname or "").lower()
        self._inside = not home or is_inside(self._home)  # whether private networks are open to the registry
        self._tls = tls
        self._note = note
        self._timeout = (min(CONNECT_TIMEOUT, timeout), timeout)
        self._answered: Set[str] = set()  # hosts that have
        self._switched: Set[str] = set()  # netlocs that speak the other scheme than was thought
        self._dressed: Set[str] = set()  # netlocs whose TLS settings were looked up
        self._connections = connections
        self._early = early
        self._session = new_session(Adapter(connections, connections, early, self.guard))
        self._lock = threading.Lock()
        self.requests_made = 0
        LINES.hold(self)

    def rest(self) -> None:
        """Close the connections that nobody uses; they are opened anew when they are needed."""
        for adapter in list(self._session.adapters.values()):
            if isinstance(adapter, Adapter):
                adapter.rest()

    def close(self) -> None:
        self._session.close()
        if self._early:
            self._early.close()

    def send(
        self, url: str, headers: Mapping[str, str], secrets: Mapping[str, str], form: Optional[Mapping[str, str]]
    ) -> Answer:
        """GET ``url`` with both kinds of headers, or POST ``form`` to it.

        Raises ConnectionLost for what may pass, Unreachable for what will not, RegistryError for addresses that
        cannot be or must not be used.
        """
        name = origin_of(url).host
        if self._home and name != self._home:
            if is_on_the_link(name):
                raise _way_to_secrets(name)
            if not self._inside and is_inside(name):
                raise _way_inside(name)
        self._dress(url)
        started = time.monotonic()
        try:
            response = self._by_the_right_scheme(url, headers, secrets, form)
        except (requests.exceptions.RequestException, urllib3.exceptions.HTTPError, ValueError) as error:
            raise failure(error, url, host_of(url) in self._answered) from None
        self._answered.add(host_of(url))
        method, took = "POST" if form else "GET", (time.monotonic() - started) * 1000
        self._note("{} {} -> {} in {:.0f} ms".format(method, redacted(url), response.status_code, took))
        return Answer(response, url)

    def _by_the_right_scheme(
        self, url: str, headers: Mapping[str, str], secrets: Mapping[str, str], form: Optional[Mapping[str, str]]
    ) -> requests.Response:
        """Send a request by the scheme that the host turns out to speak, where that is open.

        A host on this machine is taken to speak http, and may speak https; one
        that ``--insecure`` names is taken to speak https, and may speak http, but
        then sees no secrets. A host that has answered stays as it is.
        """
        parts = urlsplit(url)
        loopback = is_loopback(parts.hostname or "")
        other = parts._replace(scheme="https" if parts.scheme == "http" else "http").geturl()
        open_to = loopback if parts.scheme == "http" else not self._tls.verify(url)
        if parts.netloc not in self._switched:
            if parts.netloc in self._answered or not open_to:
                return self._attempt(url, {**headers, **secrets}, form)
            try:
                response = self._attempt(url, {**headers, **secrets}, form)
                if not _wants_tls(response):
                    return response
                response.close()
            except requests.exceptions.SSLError as error:
                if reason_of(error) != NO_HTTPS:
                    raise
            except requests.exceptions.ConnectionError as error:
                if parts.scheme != "http" or reason_of(error) not in PASSING:
                    raise
            self._switched.add(parts.netloc)
        shown = secrets if parts.scheme == "http" or loopback else {}
        self._dress(other)
        return self._attempt(other, {**headers, **shown}, form)

    def guard(self, host: str, address: str) -> None:
        """See a connection to ``host``, now open to ``address``. Raises RegistryError for one that leads inside."""
        inside = is_inside(address)
        if host.lower() == self._home:
            self._inside = self._inside or inside
        elif self._home and is_on_the_link(address):
            raise _way_to_secrets(host)
        elif inside and not self._inside:
            raise _way_inside(host)

    def _dress(self, url: str) -> None:
        """Give a host whose TLS is special connections of its own."""
        parts = urlsplit(url)
        if parts.scheme != "https" or parts.netloc in self._dressed:
            return
        with self._lock:
            context = self._tls.context(url)
            if context is not None:
                adapter = Adapter(1, self._connections, self._early, self.guard)
                adapter.poolmanager.connection_pool_kw["ssl_context"] = context
                self._session.mount("https://{}/".format(parts.netloc), adapter)  # the slash: no other host begins so
            self._dressed.add(parts.netloc)

    def _attempt(self, url: str, headers: Mapping[str, str], form: Optional[Mapping[str, str]]) -> requests.Response:
        with self._lock:
            self.requests_made += 1

        def send() -> requests.Response:
            return self._session.request(
                "POST" if form else "GET",
                url,
                headers=headers,
                data=form,
                stream=True,
                allow_redirects=False,
                timeout=self._timeout,
                verify=self._tls.verify(url),
            )

        try:
            return send()
        except requests.exceptions.ConnectionError as error:
            if not was_dropped(error):
                raise
            return send()  # a kept connection that the server had closed meanwhile: once more, on a new one


def _wants_tls(response: requests.Response) -> bool:
    """Whether an answer is what https servers say to http (Go's, and nginx's)."""
    if response.status_code != 400 or "json" in response.headers.get("content-type", ""):
        return False
    try:
        said = response.raw.read(_SAID, decode_content=False)
    except (urllib3.exceptions.HTTPError, OSError):
        return False
    return b"HTTPS server" in said or b"HTTPS port" in said


def _way_inside(host: str) -> RegistryError:
    return RegistryError(
        "the registry points to {}, which is in a private network; that is not followed.".format(host),
        "If this registry may, add --allow-private.",
    )


def _way_to_secrets(host: str) -> RegistryError:
    # Not from a registry in a private network either: an image's foreign addresses are a stranger's there, too.
    return RegistryError(
        "the registry points to {}, where clouds keep their machines' secrets; that is not followed.".format(host),
        "If this registry may, add --allow-private.",
    )
