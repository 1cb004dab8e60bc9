"""Servers whose every received byte is kept, and what a secret looks like among them.

``Watched`` is the registry of the tests on an address of its own; ``Keeper`` is
one that wants a credential, and whether it was given the right one decides what
it serves. ``traces`` are the ways in which a secret may be written.
"""

from __future__ import annotations

import base64
import json
import socket
import ssl
from http.server import BaseHTTPRequestHandler
from typing import Any, Dict, List, Optional, Set, Tuple
from urllib.parse import parse_qs, quote, quote_plus, unquote_to_bytes

from layerslayer.demo.registry import Request, Response, error

from ..support.registry import NAME, SCOPE, Registry, store

USER = "watched.user-Zq7"
PASSWORD = "pass:word/Xy+9&=%\u00e9"
TOKEN = "tok.EN-4f9Kz/+_x=="
REFRESH = "refresh-Tq8/+v&w"
META = "meta-Wm5 value"
SECRETS = (USER, PASSWORD, TOKEN, REFRESH, META)
BASIC = "Basic " + base64.b64encode("{}:{}".format(USER, PASSWORD).encode()).decode()


def traces(secret: str) -> Set[bytes]:
    """Return what of a secret would be seen, however it was written: as it is, in a URL, in base64, hex or JSON."""
    raw = secret.encode()
    found = {raw, raw.hex().encode(), json.dumps(secret)[1:-1].encode(), secret.encode("latin-1")}
    found |= {quote(secret).encode(), quote(secret, safe="").encode(), quote_plus(secret).encode()}
    for alphabet in (base64.b64encode, base64.urlsafe_b64encode):
        for before in range(3):  # it may stand anywhere in what was encoded: only the middle is the same then
            encoded = alphabet(b"\0" * before + raw)
            found.add(encoded[(before * 8 + 5) // 6 : len(encoded) // 4 * 4 - 4])
    return found


def shows(text: bytes, *secrets: str) -> List[str]:
    """Return which of the secrets can be read out of ``text``."""
    texts = (text, unquote_to_bytes(text), unquote_to_bytes(text.replace(b"+", b" ")))
    return [secret for secret in secrets if any(trace in item for trace in traces(secret) for item in texts)]


class _Recording(socket.socket):
    """A connection that writes down what arrives."""

    heard: bytearray

    def recv_into(self, buffer: Any, nbytes: int = 0, flags: int = 0) -> int:
        count = super().recv_into(buffer, nbytes, flags)
        self.heard += memoryview(buffer)[:count]
        return count


class _RecordingTls(ssl.SSLSocket):
    """The same of a TLS connection: what came through it."""

    heard: bytearray

    def recv_into(self, buffer: Any, nbytes: Optional[int] = None, flags: int = 0) -> int:
        count = super().recv_into(buffer, nbytes, flags)
        self.heard += memoryview(buffer)[:count]
        return count


class Watched(Registry):
    """A registry that keeps every byte it is sent, whatever that is, in ``heard``.

    At ``address``, by the name ``name``; with ``tls`` it speaks TLS. ``tempt`` is
    what it asks of everybody: ``""`` nothing, ``"basic"`` or ``"bearer"``.
    """

    def __init__(
        self, address: str = "127.0.0.1", name: str = "", tls: Optional[ssl.SSLContext] = None, tempt: str = ""
    ) -> None:
        super().__init__(store(), tempt == "bearer")
        self.tempt = tempt
        self._heard: List[bytearray] = []
        self.certificates: List[bool] = []  # of each TLS connection, whether it showed one
        self._server.server_close()
        server = self._server.__class__((address, 0), self._server.RequestHandlerClass)
        server.get_request = lambda: self._accepted(server.socket, tls)  # type: ignore[method-assign]
        server.RequestHandlerClass.do_POST = lambda handler: self._posted(handler)  # type: ignore[attr-defined]
        self._server = server
        self.port = int(server.server_address[1])
        self.host = "{}:{}".format(name or address, self.port)
        self.url = ("https://" if tls else "http://") + self.host

    def __enter__(self) -> Watched:
        super().__enter__()
        return self

    def _accepted(self, listening: socket.socket, tls: Optional[ssl.SSLContext]) -> Tuple[socket.socket, Any]:
        plain, address = listening.accept()
        heard = bytearray()
        self._heard.append(heard)
        accepted: Any = _Recording(fileno=plain.detach())
        if tls is not None:
            accepted.heard = bytearray()
            tls.sslsocket_class = _RecordingTls
            accepted = tls.wrap_socket(accepted, server_side=True)
            self.certificates.append(bool(accepted.getpeercert(True)))
        accepted.heard = heard
        return accepted, address

    def forget(self) -> None:
        """Begin anew."""
        self._heard.clear()
        self.certificates.clear()
        self.requests.clear()

    @property
    def heard(self) -> bytes:
        return b"\n\n".join(self._heard)

    def _posted(self, handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        form = parse_qs(body.decode("utf-8", "replace"))
        headers = {name.lower(): value for name, value in handler.headers.items()}
        request = Request(handler.path, form, headers)
        self.requests.append(request)
        self.send(handler, self.posted(request))

    def posted(self, request: Request) -> Response:
        """Answer a POST; ``request.query`` is its form."""
        return self.token(request)

    def respond(self, request: Request) -> Response:
        if self.tempt == "basic" and request.path.startswith("/v2/"):
            return Response(401, {"WWW-Authenticate": 'Basic realm="tell me"'}, b"{}")
        return super().respond(request)


class Keeper(Watched):
    """A registry that serves nobody but who shows it what it ``wants``.

    ``basic``: name and password. ``login``: a token of its auth service, which
    wants those. ``refresh``: the same for an identity token. ``token``: a token
    that the user has. ``meta``: a header. Blobs are at ``storage``, if there is
    one, tokens at ``realm``.
    """

    def __init__(self, *where: Any, **named: Any) -> None:
        super().__init__(*where, **named)
        self.wants = "basic"
        self.served = 0  # answers to who was let in
        self.storage: Optional[Watched] = None
        self.realm = self.url + "/token"

    def __enter__(self) -> Keeper:
        super().__enter__()
        return self

    def forget(self) -> None:
        super().forget()
        self.served = 0

    def respond(self, request: Request) -> Response:
        if request.path.endswith("/token"):
            refused = self.wants in ("login", "refresh") and request.headers.get("authorization") != BASIC
            return error(401, "DENIED", "no") if refused else self.token(request)
        if not self._content(request):
            return self._challenged()
        self.served += 1
        if "/blobs/" in request.path and self.storage is not None:
            return Response(307, {"Location": self.storage.url + request.path})
        return super().respond(request)

    def posted(self, request: Request) -> Response:
        known = request.query.get("refresh_token") == [REFRESH]
        return self.token(request) if known else error(401, "DENIED", "no")

    def _content(self, request: Request) -> bool:
        shown = request.headers.get("authorization", "")
        if self.wants == "meta":
            return request.headers.get("x-meta-team") == META
        if self.wants == "basic":
            return shown == BASIC
        return shown == "Bearer " + TOKEN if self.wants == "token" else self.allowed(request, NAME)

    def _challenged(self) -> Response:
        bearer = 'Bearer realm="{}",service="keeper",scope="{}"'.format(self.realm, SCOPE)
        said = 'Basic realm="keeper"' if self.wants == "basic" else bearer
        return Response(401, {"WWW-Authenticate": said}, b"{}")


def resolving(names: Dict[str, str]) -> Any:
    """Return a ``socket.getaddrinfo`` that knows more names."""
    real = socket.getaddrinfo

    def resolve(host: Any, *more: Any, **named: Any) -> Any:
        text = host.decode() if isinstance(host, bytes) else host
        return real(names.get(text, host), *more, **named)

    return resolve
