"""One plain ``requests`` session, with its traps disarmed. The only room that
imports ``requests``.

* No ``~/.netrc``: it would overwrite our Authorization, and be sent to the
  hosts we are redirected to. Proxy variables and CA bundles of the
  environment do apply.
* No cookies kept, no content decoding (``identity``; bodies are read raw), no
  automatic redirects (they read the redirect's body whole, and carry headers
  along).
* Authorization is asked for anew at every hop and belongs to one origin.
* Every read is bounded in time, and every body but a blob's in size.

Beside it stands one plain GET over a local unix socket, for daemons.
"""

from __future__ import annotations

import http.client
import http.cookiejar
import socket
import threading
import time
from typing import Any, BinaryIO, Callable, Mapping, Optional, cast
from urllib.parse import urljoin, urlsplit

import requests
import urllib3

from . import __version__
from .early import EarlyConnections
from .errors import RegistryError, Unreachable
from .origins import base_url, origin_of, redacted

CONNECT_TIMEOUT = 15.0  # seconds
READ_TIMEOUT = 30.0  # seconds without a byte
MAX_REDIRECTS = 10
MAX_ERROR_BODY = 64 * 1024  # bytes
_REDIRECTS = frozenset((301, 302, 303, 307, 308))

Authorize = Callable[[str], Optional[str]]  # URL -> the Authorization for it, if any


class Answer:
    """A response whose body has not been read. Close it, or read it to its end."""

    def __init__(self, response: requests.Response, url: str) -> None:
        self._response = response
        self.url = url
        self.status: int = response.status_code
        self.headers: Mapping[str, str] = response.headers
        self.final_origin = origin_of(url)

    def read(self, limit: int) -> bytes:
        """Return the body; at most ``limit`` bytes and one more, to tell that it is larger."""
        try:
            return _read_raw(self._response, limit + 1, self.url)
        finally:
            self.close()

    def stream(self) -> BinaryIO:
        """Return the body as a readable; closing it drops the connection if bytes are left."""
        return cast(BinaryIO, _Body(self._response, self.url))

    def close(self) -> None:
        self._response.close()


def _read_raw(response: requests.Response, count: int, url: str) -> bytes:
    """Read up to ``count`` raw bytes; fewer only at the end of the body."""
    pieces = []
    while count > 0:
        try:
            piece = response.raw.read(count, decode_content=False)
        except urllib3.exceptions.HTTPError as error:
            raise _broken(error, url) from None
        except OSError as error:
            raise _broken(error, url) from None
        if not piece:
            break
        pieces.append(piece)
        count -= len(piece)
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


class _Body:
    """The raw body of a response as a file-like object with ``read`` and ``close``."""

    def __init__(self, response: requests.Response, url: str) -> None:
        self._response = response
        self._url = url

    def read(self, count: int) -> bytes:
        return _read_raw(self._response, count, self._url)

    def close(self) -> None:
        self._response.close()


def _broken(error: Exception, url: str) -> Unreachable:
    host = urlsplit(url).netloc.rpartition("@")[2]
    if isinstance(error, urllib3.exceptions.ReadTimeoutError):
        return Unreachable("{} stopped sending data.".format(host), "Try again, or allow more time with --timeout.")
    return Unreachable("the connection to {} broke before all data had arrived.".format(host), "Try again.")


class _Adapter(requests.adapters.HTTPAdapter):
    """The usual adapter, whose direct connections may have been begun early."""

    def start_with(self, early: EarlyConnections) -> None:
        class _Http(urllib3.connection.HTTPConnection):
            def _new_conn(self) -> Any:
                return _taken(early, self) or super()._new_conn()

        class _Https(urllib3.connection.HTTPSConnection):
            def _new_conn(self) -> Any:
                return _taken(early, self) or super()._new_conn()

        class _HttpPool(urllib3.HTTPConnectionPool):
            ConnectionCls = _Http

        class _HttpsPool(urllib3.HTTPSConnectionPool):
            ConnectionCls = _Https

        # Of this manager alone; connections through a proxy come from managers of their own.
        self.poolmanager.pool_classes_by_scheme = {"http": _HttpPool, "https": _HttpsPool}


def _taken(early: EarlyConnections, connection: Any) -> Optional[socket.socket]:
    taken = early.take(connection.host.strip("[]"), connection.port)
    if taken is not None:
        taken.settimeout(connection.timeout)
    return taken


class Transport:
    """Sends requests. Safe to share between threads.

    ``plain_http`` allows http beyond loopback; ``log`` gets one redacted line
    for each answer; ``early`` holds connections begun before, and is closed here.
    """

    def __init__(
        self,
        plain_http: bool = False,
        timeout: float = READ_TIMEOUT,
        log: Optional[Callable[[str], None]] = None,
        connections: int = 8,
        early: Optional[EarlyConnections] = None,
    ) -> None:
        self._plain_http = plain_http
        self._timeout = (min(CONNECT_TIMEOUT, timeout), timeout)
        self._log = log
        self.requests_made = 0
        self._count_lock = threading.Lock()
        session = requests.Session()
        session.auth = _no_auth
        session.cookies.set_policy(http.cookiejar.DefaultCookiePolicy(allowed_domains=[]))
        session.headers.clear()
        session.headers.update({"User-Agent": "layerslayer/" + __version__, "Accept-Encoding": "identity"})
        adapter = _Adapter(pool_connections=connections, pool_maxsize=connections, max_retries=0)
        self._early = early
        if early:
            adapter.start_with(early)
        session.mount("https://", adapter)
        session.mount("http://", adapter)
        self._session = session

    def base_url(self, host: str) -> str:
        """Return ``scheme://host`` for a registry host (see ``origins.base_url``)."""
        return base_url(host, self._plain_http)

    def close(self) -> None:
        self._session.close()
        if self._early:
            self._early.close()

    def get(
        self,
        url: str,
        headers: Optional[Mapping[str, str]] = None,
        authorize: Optional[Authorize] = None,
        redirects: int = MAX_REDIRECTS,
    ) -> Answer:
        """GET ``url`` and follow at most ``redirects`` redirects by hand.

        ``authorize`` is asked for the Authorization header at each hop. Raises
        Unreachable and RegistryError (for redirects that are not to be followed).
        """
        for _ in range(redirects + 1):
            answer = self._send(url, headers or {}, authorize)
            if answer.status not in _REDIRECTS or "location" not in answer.headers or redirects == 0:
                return answer
            answer.close()
            url = self._next_hop(url, answer.headers["location"])
        raise RegistryError(
            "{} redirects more than {} times.".format(urlsplit(url).netloc.rpartition("@")[2], redirects)
        )

    def _next_hop(self, url: str, location: str) -> str:
        try:
            target = urljoin(url, location)
        except ValueError:
            raise RegistryError("the registry redirects to an unreadable address.") from None
        here, there = origin_of(url), origin_of(target)
        if here.scheme == "https" and there.scheme == "http":
            raise RegistryError("{} redirects from https to http, which is not followed.".format(here.host))
        return target

    def _send(self, url: str, headers: Mapping[str, str], authorize: Optional[Authorize]) -> Answer:
        host = urlsplit(url).netloc.rpartition("@")[2]
        sent = dict(headers)
        authorization = authorize(url) if authorize else None
        if authorization:
            sent["Authorization"] = authorization
        started = time.monotonic()
        try:
            response = self._attempt(url, sent)
        except requests.exceptions.SSLError as error:
            raise Unreachable(
                "{} cannot be trusted: {}.".format(host, _reason(error)),
                "If it serves plain http, add --plain-http; if it has a private CA, set REQUESTS_CA_BUNDLE.",
            ) from None
        except requests.exceptions.ProxyError:
            raise Unreachable(
                "the proxy on the way to {} cannot be used.".format(host), "Check HTTPS_PROXY and NO_PROXY."
            ) from None
        except requests.exceptions.Timeout:
            raise Unreachable(
                "{} does not answer.".format(host), "Check the address, or allow more time with --timeout."
            ) from None
        except (requests.exceptions.ConnectionError, requests.exceptions.ChunkedEncodingError) as error:
            raise Unreachable(
                "{} cannot be reached: {}.".format(host, _reason(error)), "Check the address and the network."
            ) from None
        except (requests.exceptions.RequestException, urllib3.exceptions.HTTPError, ValueError):
            raise RegistryError("the address {} cannot be used.".format(redacted(url))) from None
        if self._log:
            self._log(
                "GET {} -> {} in {:.0f} ms".format(
                    redacted(url), response.status_code, (time.monotonic() - started) * 1000
                )
            )
        return Answer(response, url)

    def _attempt(self, url: str, headers: Mapping[str, str]) -> requests.Response:
        with self._count_lock:
            self.requests_made += 1
        try:
            return self._session.get(url, headers=headers, stream=True, allow_redirects=False, timeout=self._timeout)
        except requests.exceptions.ConnectionError as error:
            if not _was_dropped(error):
                raise
            # A kept connection that the server had closed meanwhile: once more, on a new one.
            return self._session.get(url, headers=headers, stream=True, allow_redirects=False, timeout=self._timeout)


def _no_auth(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


def _was_dropped(error: requests.exceptions.ConnectionError) -> bool:
    cause = error.args[0] if error.args else None
    return isinstance(cause, urllib3.exceptions.ProtocolError)


def _reason(error: Exception) -> str:
    """Say why, without the request's URL, which may be signed."""
    text = str(error).lower()
    for sign, reason in (
        ("certificate verify failed", "its certificate is not valid here"),
        ("wrong version number", "it does not speak https"),
        ("record layer failure", "it does not speak https"),
        ("ssl", "the TLS handshake failed"),
        ("name or service not known", "there is no such host"),
        ("nodename nor servname", "there is no such host"),
        ("getaddrinfo failed", "there is no such host"),
        ("failed to resolve", "there is no such host"),
        ("name resolution", "its name cannot be resolved"),
        ("refused", "nothing listens there"),
        ("unreachable", "there is no route to it"),
        ("reset", "it broke the connection"),
        ("closed connection", "it closed the connection without an answer"),
        ("aborted", "it broke the connection"),
    ):
        if sign in text:
            return reason
    return "the connection failed"


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class SocketAnswer:
    """The answer to a GET over a unix socket, its body unread. Close it."""

    def __init__(self, socket_path: str, target: str, timeout: float) -> None:
        """Ask for ``target``, a path. ``timeout`` is in seconds without a byte. Raises Unreachable."""
        self._name = "unix://" + socket_path
        if not hasattr(socket, "AF_UNIX"):
            raise Unreachable("{} cannot be reached: Python has no unix sockets on this system.".format(self._name))
        self._connection = _UnixConnection(socket_path, timeout)
        try:
            self._connection.request("GET", target, headers={"User-Agent": "layerslayer/" + __version__})
            self._response = self._connection.getresponse()
        except (OSError, http.client.HTTPException, ValueError) as error:
            self._connection.close()
            reason = getattr(error, "strerror", None) or str(error) or "it closed the connection"
            raise Unreachable("{} cannot be reached: {}.".format(self._name, reason)) from None
        self.status: int = self._response.status

    def read(self, count: int) -> bytes:
        """Return up to ``count`` bytes of the body, none at its end. Raises Unreachable for one cut short."""
        try:
            piece = self._response.read(count)
        except (OSError, http.client.HTTPException, ValueError):
            raise Unreachable("{} broke off before all data had arrived.".format(self._name), "Try again.") from None
        if not piece and count and self._response.length:  # 3.7 to 3.11 take an early end of the connection for the end
            raise Unreachable("{} broke off before all data had arrived.".format(self._name), "Try again.")
        return piece

    def close(self) -> None:
        self._response.close()
        self._connection.close()
