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
* What may pass by itself is asked again, with jitter (``retries``); the whole
  way from the first address on, so that signed addresses are made anew.

Beside it stands one plain GET over a local unix socket, for daemons.
"""

from __future__ import annotations

import http.client
import http.cookiejar
import socket
import threading
import time
from typing import Any, BinaryIO, Callable, Dict, List, Mapping, Optional, Set, cast
from urllib.parse import urljoin, urlsplit

import requests
import urllib3

from . import __version__, retries
from .addresses import is_inside
from .early import EarlyConnections
from .errors import ConnectionLost, RegistryError, Unreachable
from .metered import MeteredResponse, TooSlow
from .origins import base_url, is_loopback, origin_of, redacted
from .tls import Tls

CONNECT_TIMEOUT = 15.0  # seconds
READ_TIMEOUT = 30.0  # seconds without a byte
MAX_REDIRECTS = 10
MAX_ERROR_BODY = 64 * 1024  # bytes
_REDIRECTS = frozenset((301, 302, 303, 307, 308))
_EXPIRED = 403  # what storages answer to a signed address whose time is over
_HANDSHAKE = "the TLS handshake failed"
_BROKE = "it broke the connection"
_CLOSED = "it closed the connection without an answer"
_NO_HTTPS = "it does not speak https"
_SAID = 4096  # bytes looked at to see why a server refuses http
_PASSING_REASONS = (_BROKE, _CLOSED)

Guard = Callable[[str, str], None]  # host and address of a connection just opened
Authorize = Callable[[str], Optional[str]]  # URL -> the Authorization for it, if any


class Answer:
    """A response whose body has not been read. Close it, or read it to its end."""

    def __init__(self, response: requests.Response, url: str) -> None:
        self._response = response
        self.url = url
        self.status: int = response.status_code
        self.headers: Mapping[str, str] = response.headers
        self.final_origin = origin_of(url)
        self._body: Optional[bytes] = None
        metered = _metered(response)
        if metered is not None:
            metered.forgiving = True

    def read(self, limit: int) -> bytes:
        """Return the body; at most ``limit`` bytes and one more, to tell that it is larger.

        May be called again with the same ``limit``.
        """
        if self._body is None:
            body = _Body(self._response, self.url)
            try:
                data = body.read(limit + 1)
                while len(data) <= limit:
                    piece = body.read(limit + 1 - len(data))
                    if not piece:
                        break
                    data += piece
                self._body = data
            finally:
                self.close()
        return self._body[: limit + 1]

    def stream(self) -> BinaryIO:
        """Return the body as a readable; closing it drops the connection if bytes are left."""
        return cast(BinaryIO, _Body(self._response, self.url))

    def close(self) -> None:
        self._response.close()


def _metered(response: requests.Response) -> Any:
    """Return the ``Metered`` of a response, None where the connection has none."""
    return getattr(getattr(response.raw, "_original_response", None), "metered", None)


class _Body:
    """The raw body of a response as a file-like object with ``read`` and ``close``."""

    def __init__(self, response: requests.Response, url: str) -> None:
        self._response = response
        self._url = url
        self._error: Optional[ConnectionLost] = None
        self._metered = _metered(response)

    def read(self, count: int) -> bytes:
        """Return up to ``count`` bytes; fewer at the end, or before a break, which the next call raises."""
        if self._error is not None:
            raise self._error
        pieces: List[bytes] = []
        while count > 0:
            try:
                piece = self._response.raw.read(count, decode_content=False)
            except (urllib3.exceptions.HTTPError, OSError) as error:
                self._error = _broken(error, self._url)
                piece = b""
            if not piece:
                break
            pieces.append(piece)
            count -= len(piece)
        if self._metered is not None and self._metered.error is not None:
            self._error = _broken(self._metered.error, self._url)
        if self._error is not None and not pieces:
            raise self._error
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def close(self) -> None:
        self._response.close()


def _broken(error: Exception, url: str) -> ConnectionLost:
    host = urlsplit(url).netloc.rpartition("@")[2]
    if isinstance(error, TooSlow):
        return ConnectionLost("{} sends data far too slowly.".format(host), "Try again later.")
    if isinstance(error, (urllib3.exceptions.ReadTimeoutError, socket.timeout)):
        return ConnectionLost("{} stopped sending data.".format(host), "Try again, or allow more time with --timeout.")
    return ConnectionLost("the connection to {} broke before all data had arrived.".format(host), "Try again.")


class _Adapter(requests.adapters.HTTPAdapter):
    """The usual adapter, whose direct connections may have been begun early."""

    def start_with(self, early: Optional[EarlyConnections], guard: Guard) -> None:
        self.poolmanager.pool_classes_by_scheme = _pool_classes(early, guard)

    def proxy_manager_for(self, proxy: str, **named: Any) -> Any:
        manager = super().proxy_manager_for(proxy, **named)
        manager.pool_classes_by_scheme = _pool_classes(None, _let_pass)  # a proxy is the user's own choice
        return manager


def _let_pass(host: str, address: str) -> None:
    return


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

    class _Http(urllib3.connection.HTTPConnection):
        response_class = MeteredResponse

        def _new_conn(self) -> Any:
            return guarded(self, _taken(early, self) or super()._new_conn())

    class _Https(urllib3.connection.HTTPSConnection):
        response_class = MeteredResponse

        def _new_conn(self) -> Any:
            return guarded(self, _taken(early, self) or super()._new_conn())

    class _HttpPool(urllib3.HTTPConnectionPool):
        ConnectionCls = _Http

    class _HttpsPool(urllib3.HTTPSConnectionPool):
        ConnectionCls = _Https

    return {"http": _HttpPool, "https": _HttpsPool}


def _taken(early: Optional[EarlyConnections], connection: Any) -> Optional[socket.socket]:
    taken = early.take(connection.host.strip("[]"), connection.port) if early else None
    if taken is not None:
        taken.settimeout(connection.timeout)
    return taken


class Transport:
    """Sends requests. Safe to share between threads.

    ``plain_http`` allows http beyond loopback; ``log`` gets one redacted line
    for each answer; ``early`` holds connections begun before, and is closed here.
    ``attempts`` is how often a request that failed is made again; ``tell`` hears
    of waits that a user should know of. ``tls`` has certificates by host.
    ``home`` is the registry the user named: unless that is itself in a private
    network, nothing it says leads into one, by name or by what a name resolves
    to. Without it nothing is refused.
    """

    def __init__(
        self,
        plain_http: bool = False,
        timeout: float = READ_TIMEOUT,
        log: Optional[Callable[[str], None]] = None,
        connections: int = 8,
        early: Optional[EarlyConnections] = None,
        attempts: int = retries.ATTEMPTS,
        tell: Callable[[str], None] = lambda text: None,
        tls: Optional[Tls] = None,
        home: str = "",
    ) -> None:
        self._home = (urlsplit("//" + home).hostname or "").lower()
        self._inside = not home or is_inside(self._home)  # whether private networks are open to the registry
        self.attempts = attempts
        self._tls = tls or Tls()
        self._tell = tell
        self._answered: Set[str] = set()  # hosts that have
        self._switched: Set[str] = set()  # netlocs that speak the other scheme than was thought
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
        adapter.start_with(early, self._guard)
        session.mount("https://", adapter)
        session.mount("http://", adapter)
        self._connections = connections
        self._dressed: Set[str] = set()  # netlocs whose TLS settings were looked up
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
        whole: int = 0,
        form: Optional[Mapping[str, str]] = None,
    ) -> Answer:
        """GET ``url``, or POST ``form`` to it, and follow at most ``redirects`` redirects by hand.

        ``authorize`` is asked for the Authorization header at each hop. A body
        of up to ``whole`` bytes is read at once, so that one that breaks off is
        asked for again; ``read`` then has it. Raises
        Unreachable and RegistryError (for redirects that are not to be followed).
        """
        failures = 0
        renewed = False
        while True:
            try:
                answer = self._follow(url, headers, authorize, redirects, form)
                if whole and answer.status == 200:
                    answer.read(whole)
            except ConnectionLost as error:
                if failures >= self.attempts:
                    raise
                wait, why = retries.backoff(failures + 1), str(error)
            else:
                if answer.status == _EXPIRED and answer.final_origin != origin_of(url) and not renewed:
                    renewed = True  # an address that was signed, and held for too short a time
                    answer.close()
                    continue
                asked = self._wait_after(answer, failures)
                if asked is None:
                    return answer
                answer.close()
                wait, why = asked, "{} answered {}.".format(answer.final_origin.host, answer.status)
            failures += 1
            told = self._tell if wait >= retries.WORTH_TELLING else self.note
            told("{} Trying again in {}.".format(why, retries.in_words(wait) if wait >= 1 else "a moment"))
            retries.pause(wait)

    def _wait_after(self, answer: Answer, failures: int) -> Optional[float]:
        """Return the seconds to wait before asking again; None when ``answer`` is the one to go by."""
        if not retries.may_pass(answer.status) or failures >= self.attempts:
            return None
        asked = retries.retry_after(answer.headers.get("retry-after", ""), time.time())
        if asked is not None:
            return max(asked, retries.backoff(1)) if asked <= retries.LONGEST_WAIT else None
        try:
            if answer.status == 429 and retries.is_pull_limit(answer.read(MAX_ERROR_BODY)):
                return None
        except Unreachable:
            pass  # then it is the status that counts
        return retries.backoff(failures + 1)

    def note(self, text: str) -> None:
        """Tell those who want to know all (``log``)."""
        if self._log:
            self._log(text)

    def _follow(
        self,
        url: str,
        headers: Optional[Mapping[str, str]],
        authorize: Optional[Authorize],
        redirects: int,
        form: Optional[Mapping[str, str]],
    ) -> Answer:
        for _ in range(redirects + 1):
            answer = self._send(url, headers or {}, authorize, form)
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

    def _send(
        self, url: str, headers: Mapping[str, str], authorize: Optional[Authorize], form: Optional[Mapping[str, str]]
    ) -> Answer:
        host = urlsplit(url).netloc.rpartition("@")[2]
        name = origin_of(url).host
        if not self._inside and name != self._home and is_inside(name):
            raise _way_inside(name)
        sent = dict(headers)
        authorization = authorize(url) if authorize else None
        if authorization:
            sent["Authorization"] = authorization
        self._dress(url)
        started = time.monotonic()
        try:
            response = self._by_the_right_scheme(url, sent, form)
        except requests.exceptions.SSLError as error:
            if _reason(error) == _HANDSHAKE and host in self._answered:
                raise ConnectionLost("the TLS connection to {} failed.".format(host), "Try again.") from None
            raise Unreachable(
                "{} cannot be trusted: {}.".format(host, _reason(error)),
                "If it serves plain http, add --plain-http; if its certificate authority is private, --ca-file FILE.",
            ) from None
        except requests.exceptions.ProxyError:
            raise Unreachable(
                "the proxy on the way to {} cannot be used.".format(host), "Check HTTPS_PROXY and NO_PROXY."
            ) from None
        except requests.exceptions.Timeout:
            raise (ConnectionLost if host in self._answered else Unreachable)(
                "{} does not answer.".format(host), "Check the address, or allow more time with --timeout."
            ) from None
        except (requests.exceptions.ConnectionError, requests.exceptions.ChunkedEncodingError) as error:
            # Where nobody has answered yet, a refusal is more likely a wrong address than a bad moment.
            passing = host in self._answered or _reason(error) in _PASSING_REASONS
            raise (ConnectionLost if passing else Unreachable)(
                "{} cannot be reached: {}.".format(host, _reason(error)), "Check the address and the network."
            ) from None
        except (requests.exceptions.RequestException, urllib3.exceptions.HTTPError, ValueError):
            raise RegistryError("the address {} cannot be used.".format(redacted(url))) from None
        self._answered.add(host)
        self.note(
            "{} {} -> {} in {:.0f} ms".format(
                "POST" if form else "GET", redacted(url), response.status_code, (time.monotonic() - started) * 1000
            )
        )
        return Answer(response, url)

    def _by_the_right_scheme(
        self, url: str, sent: Dict[str, str], form: Optional[Mapping[str, str]]
    ) -> requests.Response:
        """Send a request by the scheme that the host turns out to speak, where that is open.

        A host on this machine is taken to speak http, and may speak https; one
        that ``--insecure`` names is taken to speak https, and may speak http, but
        then sees no credentials. A host that has answered stays as it is.
        """
        parts = urlsplit(url)
        loopback = is_loopback(parts.hostname or "")
        other = parts._replace(scheme="https" if parts.scheme == "http" else "http").geturl()
        open_to = loopback if parts.scheme == "http" else not self._tls.verify(url)
        if parts.netloc not in self._switched:
            if parts.netloc in self._answered or not open_to:
                return self._attempt(url, sent, form)
            try:
                response = self._attempt(url, sent, form)
                if not _wants_tls(response):
                    return response
                response.close()
            except requests.exceptions.SSLError as error:
                if _reason(error) != _NO_HTTPS:
                    raise
            except requests.exceptions.ConnectionError as error:
                if parts.scheme != "http" or _reason(error) not in _PASSING_REASONS:
                    raise
            self._switched.add(parts.netloc)
        if parts.scheme == "https" and not loopback:
            sent.pop("Authorization", None)
        self._dress(other)
        return self._attempt(other, sent, form)

    def _guard(self, host: str, address: str) -> None:
        """See a connection to ``host``, now open to ``address``. Raises RegistryError for one that leads inside."""
        inside = is_inside(address)
        if host.lower() == self._home:
            self._inside = self._inside or inside
        elif inside and not self._inside:
            raise _way_inside(host)

    def _dress(self, url: str) -> None:
        """Give a host whose TLS is special connections of its own."""
        parts = urlsplit(url)
        if parts.scheme != "https" or parts.netloc in self._dressed:
            return
        with self._count_lock:
            context = self._tls.context(url)
            if context is not None:
                adapter = _Adapter(pool_connections=1, pool_maxsize=self._connections, max_retries=0)
                adapter.start_with(self._early, self._guard)
                adapter.poolmanager.connection_pool_kw["ssl_context"] = context
                self._session.mount("https://{}/".format(parts.netloc), adapter)  # the slash: no other host begins so
            self._dressed.add(parts.netloc)

    def _attempt(self, url: str, headers: Mapping[str, str], form: Optional[Mapping[str, str]]) -> requests.Response:
        with self._count_lock:
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
            if not _was_dropped(error):
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
        ("wrong version number", _NO_HTTPS),
        ("record layer failure", _NO_HTTPS),
        ("http_request", _NO_HTTPS),
        ("unknown protocol", _NO_HTTPS),
        ("ssl", _HANDSHAKE),
        ("name or service not known", "there is no such host"),
        ("nodename nor servname", "there is no such host"),
        ("getaddrinfo failed", "there is no such host"),
        ("failed to resolve", "there is no such host"),
        ("name resolution", "its name cannot be resolved"),
        ("refused", "nothing listens there"),
        ("unreachable", "there is no route to it"),
        ("reset", _BROKE),
        ("closed connection", _CLOSED),
        ("aborted", _BROKE),
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
