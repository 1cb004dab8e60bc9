"""A token from an auth service (distribution ``spec/auth/token.md`` and ``oauth.md``).

A login goes along as HTTP Basic; an identity token by POST, and where a service
has no such thing, as the password of a GET.
"""

from __future__ import annotations

import json
import re
import time
from datetime import datetime
from typing import List, NamedTuple, Optional, Tuple
from urllib.parse import urlencode

from ...errors import RegistryError, Unauthorized
from ..credentials import Login
from ..http.client import Transport
from ..http.origin import read_address
from ..http.origin_headers import NOTHING, Secrets, Shown
from ..http.response import Answer

_MAX_TOKEN_BODY = 256 * 1024  # bytes
_MIN_LIFETIME = 60.0  # seconds; also the default when the service names none
_EARLY = 5.0  # seconds before its end that a token is renewed
_TOKEN = re.compile(r"[\x21-\x7e]+")
_ISSUED = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.\d+)?Z")
_NO_POST = (400, 401, 404, 405)  # what services answer that have no OAuth endpoint
_NOBODY = "00000000-0000-0000-0000-000000000000"  # ACR's user name for a refresh token as password
CLIENT = "layerslayer"


class Token(NamedTuple):
    """A bearer token; ``expires`` is in time.monotonic()."""

    value: str
    expires: float


def exchange(
    transport: Transport, realm: str, service: str, scope: str, login: Optional[Login], registry: str
) -> Token:
    """Return a token for ``scope``, anonymously without a ``login``. Raises Unauthorized and RegistryError.

    Exposed where the service speaks plain http, and is not shown the ``login``.
    """
    place = read_address(realm)
    realm, host = place.url, place.origin.host
    answer: Optional[Answer] = None
    if login and login.identity_token:
        answer = _post(transport, realm, service, scope, login.identity_token)
        if answer.status in _NO_POST:
            answer.close()
            answer = None
            login = Login(login.origin, login.username or _NOBODY, login.identity_token)
    if answer is None:
        basic = login.basic if login else ""
        query: List[Tuple[str, str]] = [("service", service)] if service else []
        query += [("scope", item) for item in scope.split()]
        query += [("account", login.username), ("client_id", CLIENT)] if login and basic else []
        more = urlencode(query, errors="surrogateescape")
        address = realm + ("&" if "?" in realm else "?") + more if more else realm  # its own query stays as it is
        answer = transport.get(address, None, _shown(basic), redirects=0, whole=_MAX_TOKEN_BODY)
    body = answer.read(_MAX_TOKEN_BODY)
    if answer.status in (401, 403, 404):
        who = f"refuses the login from {login.origin}" if login else "gives no anonymous access"
        raise Unauthorized(
            f"the auth service {host} {who} ({answer.status}).",
            f"The image may be private or not exist; log in to {registry} with any tool,"
            " or put a token into token.txt.",
        )
    if answer.status != 200:
        hint = (
            "Tokens are not fetched from where it redirects to." if 300 <= answer.status < 400 else "Try again later."
        )
        raise RegistryError(f"the auth service {host} answered {answer.status}.", hint, answer.status)
    return _read_token(body, host)


def _shown(basic: str) -> Secrets:
    return lambda url: Shown({"Authorization": basic}, {}, private=True) if basic else NOTHING


def _post(transport: Transport, realm: str, service: str, scope: str, identity_token: str) -> Answer:
    form = {
        "grant_type": "refresh_token",
        "service": service,
        "client_id": CLIENT,
        "scope": scope,
        "refresh_token": identity_token,
    }
    return transport.get(
        realm, redirects=0, whole=_MAX_TOKEN_BODY, secrets=lambda url: Shown({}, {}, private=True), form=form
    )


def _read_token(body: bytes, service: str) -> Token:
    now = time.monotonic()
    try:
        document = json.loads(body.decode("utf-8")) if len(body) <= _MAX_TOKEN_BODY else None
    except (ValueError, RecursionError):
        document = None
    value = document.get("token") or document.get("access_token") if isinstance(document, dict) else None
    if not isinstance(document, dict) or not isinstance(value, str) or not _TOKEN.fullmatch(value):
        raise RegistryError(f"the auth service {service} sent no usable token.")
    lifetime = document.get("expires_in")
    seconds = float(lifetime) if isinstance(lifetime, (int, float)) and 0 < lifetime < 10**9 else 0.0
    return Token(value, now + max(seconds, _MIN_LIFETIME) - _age(document.get("issued_at"), seconds) - _EARLY)


def _age(issued_at: object, lifetime: float) -> float:
    """Seconds since a token was issued; 0 where the clocks cannot agree."""
    match = _ISSUED.fullmatch(issued_at) if isinstance(issued_at, str) else None
    if not match:
        return 0.0
    try:
        issued = datetime.strptime(match.group(1) + "+0000", "%Y-%m-%dT%H:%M:%S%z").timestamp()
    except (ValueError, OverflowError):
        return 0.0
    age = time.time() - issued
    return age if 0 <= age < max(lifetime, _MIN_LIFETIME) - _EARLY else 0.0
