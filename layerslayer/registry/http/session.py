"""The connections that requests go over; hosts with TLS settings of their own have connections of their own."""

from __future__ import annotations

import threading
from functools import partial
from typing import Mapping, Optional, Set, Tuple

import requests

from .connection_limit import LINES
from .connections import Adapter, Guard, new_session
from .failures import was_dropped
from .origin import netloc_of, read_address
from .preconnect import EarlyConnections
from .proxies import proxies_for
from .tls import Tls


class TlsSession:
    """Makes requests. Safe to share between threads. ``early`` is closed here.

    There are up to ``connections`` to each host; ``guard`` sees each before anything is sent.
    """

    def __init__(self, connections: int, early: Optional[EarlyConnections], tls: Tls, guard: Guard) -> None:
        self.requests_made = 0
        self._early = early
        self._tls = tls
        self._adapter_for_one = partial(Adapter, 1, connections, early, guard)
        self._session = new_session(Adapter(connections, connections, early, guard))
        self._prepared: Set[str] = set()  # netlocs whose TLS settings were looked up
        self._lock = threading.Lock()
        LINES.hold(self)

    def is_checked(self, url: str) -> bool:
        """Whether the certificate of a host is."""
        return bool(self._tls.verify(url))

    def prepare(self, url: str) -> None:
        """Give a host whose TLS is special connections of its own."""
        origin = read_address(url).origin
        netloc = netloc_of(origin)
        if origin.scheme != "https" or netloc in self._prepared:
            return
        with self._lock:
            context = self._tls.context(url)
            if context is not None:
                adapter = self._adapter_for_one()
                adapter.poolmanager.connection_pool_kw["ssl_context"] = context
                self._session.mount(f"https://{netloc}/", adapter)  # the slash: no other host begins so
            self._prepared.add(netloc)

    def request(
        self, url: str, headers: Mapping[str, str], form: Optional[Mapping[str, str]], timeout: Tuple[float, float]
    ) -> requests.Response:
        """GET ``url``, or POST ``form`` to it. Raises what ``requests`` does."""
        with self._lock:
            self.requests_made += 1
        send = partial(
            self._session.request,
            "POST" if form else "GET",
            url,
            headers=headers,
            data=form,
            proxies=proxies_for(url),
            stream=True,
            allow_redirects=False,
            timeout=timeout,
            verify=self._tls.verify(url),
        )
        try:
            return send()
        except requests.exceptions.ConnectionError as error:
            if not was_dropped(error):
                raise
            return send()  # a kept connection that the server had closed meanwhile: once more, on a new one

    def rest(self) -> None:
        """Close the connections that nobody uses; they are opened again when they are needed."""
        for adapter in list(self._session.adapters.values()):
            if isinstance(adapter, Adapter):
                adapter.rest()

    def close(self) -> None:
        self.rest()  # the library leaves them to the garbage collector
        self._session.close()
        if self._early:
            self._early.close()
