"""Connections: begun early, seen by a guard before anything is sent, metered; one session without traps."""

from __future__ import annotations

import http.cookiejar
import queue
import socket
import threading
from typing import Any, Callable, Dict, Optional

import requests
import urllib3

from ..._version import __version__
from ...errors import InvalidAddress
from .connection_limit import LINES
from .origin import origin_of
from .preconnect import EarlyConnections
from .stall_guard import MeteredResponse, paced

Guard = Callable[[str, str], None]  # host and address of a connection just opened


class Adapter(requests.adapters.HTTPAdapter):
    """The usual adapter, whose direct connections may have been begun ``early``, and are seen by ``guard``.

    For ``hosts`` hosts with ``connections`` each.
    """

    def __init__(self, hosts: int, connections: int, early: Optional[EarlyConnections], guard: Guard) -> None:
        super().__init__(pool_connections=hosts, pool_maxsize=connections, max_retries=0)
        self.poolmanager.pool_classes_by_scheme = _pool_classes(early, guard)

    def proxy_manager_for(self, proxy: str, **named: Any) -> Any:
        manager = super().proxy_manager_for(proxy, **named)
        if proxy.lower().startswith("socks"):  # which have pools of their own
            manager.pool_classes_by_scheme = {
                scheme: _watched(kind) for scheme, kind in manager.pool_classes_by_scheme.items()
            }
        else:
            manager.pool_classes_by_scheme = _pool_classes(None, _let_pass)  # a proxy is the user's own choice
        context = self.poolmanager.connection_pool_kw.get("ssl_context")
        if context is not None:  # what the user said of a host's TLS is so behind a proxy too
            manager.connection_pool_kw["ssl_context"] = context
        return manager

    def get_connection(self, url: Any, proxies: Any = None) -> Any:
        """Return the pool for an address, for ``requests`` before 2.32. Raises InvalidAddress, as ``_as_read``."""
        return _as_read(super().get_connection(url, proxies), url)

    def get_connection_with_tls_context(self, request: Any, verify: Any, proxies: Any = None, cert: Any = None) -> Any:
        """Return the pool for a request. Raises InvalidAddress, as ``_as_read``."""
        return _as_read(super().get_connection_with_tls_context(request, verify, proxies, cert), request.url)

    def rest(self) -> None:
        """Close the connections that nobody uses; they are opened again when they are needed."""
        for manager in (self.poolmanager, *list(self.proxy_manager.values())):
            for key in list(manager.pools.keys()):  # which is safe with threads; iterating is not
                pool = manager.pools.get(key)
                if pool is not None:
                    _rest(pool)


def _rest(pool: Any) -> None:
    waiting = pool.pool  # a queue of connections, and of None for those that were not opened yet
    taken = []
    try:
        while waiting is not None:
            taken.append(waiting.get_nowait())
    except queue.Empty:
        pass
    for connection in taken:
        if connection is not None:
            connection.close()
        try:
            waiting.put_nowait(connection)
        except queue.Full:
            pass  # another took its place


class _Session(requests.Session):
    def prepare_request(self, request: requests.Request) -> requests.PreparedRequest:
        """Prepare a request for its address to the letter: what was read is what is asked for, signatures included."""
        prepared = super().prepare_request(request)
        prepared.url = str(request.url)
        return prepared

    def get_redirect_target(self, resp: requests.Response) -> Optional[str]:
        """None: to look ahead to where a redirect leads, which nobody asked for, the usual one reads its body whole."""
        return None


def new_session(adapter: Adapter) -> requests.Session:
    """Return a session that adds nothing of its own to a request and keeps nothing of an answer."""
    # Python's own words for what --insecure asked for would be printed in the middle of ours.
    urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
    session = _Session()
    session.auth = _no_auth
    session.cookies.set_policy(http.cookiejar.DefaultCookiePolicy(allowed_domains=[]))
    session.headers.clear()
    session.headers.update({"User-Agent": "layerslayer/" + __version__, "Accept-Encoding": "identity"})
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    return session


def _as_read(pool: Any, url: str) -> Any:
    """Return a pool of connections for the address ``url``, if it is one to the origin that we read there.

    Raises InvalidAddress where the library has read another. That of a proxy is for whatever is asked of it.
    """
    scheme, host, port = origin_of(url)
    forwarded = pool.proxy is not None and scheme == "http"
    if not forwarded and (pool.scheme, str(pool.host).strip("[]").lower(), pool.port) != (scheme, host, port):
        raise InvalidAddress("not all readers take the same host from it")
    return pool


class _ToTheLetter:
    """A pool that asks for a target as it stands: urllib3 would write ``%2f`` as ``%2F`` and quote a ``|``.

    Whoever signed an address may have signed its letters. That they do no harm was seen to when it was read.
    """

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._told = threading.local()

    def urlopen(self, method: str, url: str, *args: Any, **named: Any) -> Any:
        self._told.target = url
        return super().urlopen(method, url, *args, **named)  # type: ignore[misc]

    def _make_request(self, conn: Any, method: str, url: str, *args: Any, **named: Any) -> Any:
        return super()._make_request(conn, method, self._told.target, *args, **named)  # type: ignore[misc]


def _let_pass(host: str, address: str) -> None:
    return


class _Watched:
    """What connections of both schemes have: metered answers, and no second use where the first left something."""

    response_class: Any = MeteredResponse
    sock: Any
    _latest: Any = None  # of http.client's responses

    def getresponse(self, *arguments: Any, **named: Any) -> Any:
        response = super().getresponse(*arguments, **named)  # type: ignore[misc]
        self._latest = getattr(response, "_original_response", None)
        return response

    @property
    def is_connected(self) -> bool:
        """Whether a pool may hand this out once more: open, and nothing came, or is to come, that nobody asked for.

        That would be taken for the next answer: the rest of one that broke, or
        what TLS has taken from the socket already, which is not seen there.
        """
        metered = getattr(self._latest, "metered", None)
        broke = metered is not None and metered.error is not None
        return bool(super().is_connected) and not broke and not _has_more(self.sock)  # type: ignore[misc]


def _watched(pool: Any) -> Any:
    """Return a class of pools as ``pool`` whose connections are watched."""
    kind = type("_Watched" + pool.ConnectionCls.__name__, (_Watched, pool.ConnectionCls), {})
    return type("_Watched" + pool.__name__, (pool,), {"ConnectionCls": kind})


def _has_more(opened: Any) -> bool:
    """Whether a TLS socket holds bytes that it has taken from its socket."""
    within = getattr(opened, "sslobj", None)  # TLS in a proxy's TLS
    if within is not None:
        return bool(within.pending() or opened.incoming.pending)
    return bool(opened.pending()) if hasattr(opened, "pending") else False


def _pool_classes(early: Optional[EarlyConnections], guard: Guard) -> Dict[str, Any]:
    """Return the classes of connection pools, by scheme.

    Their connections may be those begun ``early``, and ``guard`` sees each before anything is sent.
    """

    def guarded(connection: Any, opened: Any) -> Any:
        try:
            guard(connection.host.strip("[]"), opened.getpeername()[0])
        except BaseException:
            opened.close()
            raise
        return opened

    class _Http(_Watched, urllib3.connection.HTTPConnection):
        def _new_conn(self) -> Any:
            return guarded(self, _taken(early, self) or LINES.opened(self, super()._new_conn))

    class _Https(_Watched, urllib3.connection.HTTPSConnection):
        def _new_conn(self) -> Any:
            return guarded(self, _taken(early, self) or LINES.opened(self, super()._new_conn))

        def _connect_tls_proxy(self, hostname: str, sock: Any) -> Any:
            return paced(super()._connect_tls_proxy(hostname, sock))

    class _HttpPool(_ToTheLetter, urllib3.HTTPConnectionPool):
        ConnectionCls = _Http

    class _HttpsPool(_ToTheLetter, urllib3.HTTPSConnectionPool):
        ConnectionCls = _Https

    return {"http": _HttpPool, "https": _HttpsPool}


def _taken(early: Optional[EarlyConnections], connection: Any) -> Optional[socket.socket]:
    taken = early.take(connection.host.strip("[]"), connection.port) if early else None
    if taken is not None:
        taken.settimeout(connection.timeout)
    return taken


def _no_auth(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request
