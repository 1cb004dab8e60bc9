"""The bearer-token handshake, bound to one origin (distribution ``spec/auth``).

1. The real request goes out with the token at hand, or with none.
2. On 401 its challenge names an auth service; a token for *our* scope,
   ``repository:PATH:pull``, is fetched there, anonymously.
3. The request is repeated. On a second 401 the challenge's own scope is tried
   once, where it differs (ECR Public); then that is the end of it.

A token the user gave is tried first, sent to its own registry only, and never
to the auth service. The realm comes from the server and is not trusted: it
never sees a token, must be https unless the registry itself is http, and may
not redirect.
"""

from __future__ import annotations

import json
import re
import threading
import time
from datetime import datetime
from typing import Callable, Dict, List, NamedTuple, Optional, Tuple
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit, urlunsplit

from .challenges import Challenge, first_of, parse_challenges
from .credentials import UserToken
from .errors import RegistryError, Unauthorized
from .origins import Origin, netloc_of, origin_of
from .transport import Answer, Transport

_MAX_TOKEN_BODY = 256 * 1024  # bytes
_MIN_LIFETIME = 60.0  # seconds; also the default when the service names none
_EARLY = 5.0  # seconds before its end that a token is renewed
_TOKEN = re.compile(r"[\x21-\x7e]+")
_ISSUED = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.\d+)?Z")
_ATTEMPTS = 4  # of one request: with the token at hand, our scope, the challenge's scope


class _Token(NamedTuple):
    value: str
    expires: float  # time.monotonic()


class BearerAuth:
    """Tokens for one origin. Safe to share between threads.

    ``tell`` gets a sentence when the user's own token was refused.
    """

    def __init__(
        self,
        transport: Transport,
        origin: Origin,
        user_token: Optional[UserToken] = None,
        tell: Callable[[str], None] = lambda text: None,
    ) -> None:
        self._transport = transport
        self._origin = origin
        self._name = netloc_of(origin)
        self._user_token = user_token
        self._tell = tell
        self._lock = threading.Lock()
        # One token per realm, service and scope; this object is per registry host.
        self._tokens: Dict[Tuple[str, str, str], _Token] = {}
        self._used: Dict[str, Tuple[str, str, str]] = {}  # our scope -> the key that worked for it

    def header(self, url: str, scope: str) -> Optional[str]:
        """Return the Authorization for a request, None where there is none to send.

        A URL of another origin never gets one.
        """
        if origin_of(url) != self._origin:
            return None
        user_token = self._user_token
        if user_token:
            return "Bearer " + user_token.value
        with self._lock:
            token = self._tokens.get(self._used.get(scope, ("", "", "")))
        if token and token.expires > time.monotonic():
            return "Bearer " + token.value
        return None

    def answer(
        self, challenged: Answer, sent: Optional[str], scope: str, tried: List[str], challenge_header: str
    ) -> bool:
        """Act on a 401; return whether repeating the request makes sense.

        ``sent`` is the Authorization that was refused, ``tried`` the scopes asked
        for since (extended here). Raises Unauthorized and RegistryError.
        """
        challenges = parse_challenges(challenge_header)
        bearer = first_of(challenges, "bearer")
        with self._lock:
            refused = self._user_token
            if refused and sent == "Bearer " + refused.value:
                self._user_token = None
                service = urlsplit(bearer.parameters.get("realm", "")).hostname if bearer else None
                self._tell(
                    "{} refused the token from {}; {}.".format(
                        self._name,
                        refused.origin,
                        "asking {} for an anonymous one".format(service) if service else "going on without it",
                    )
                )
                if not bearer:
                    return True
            if bearer is None:
                if any(challenge.scheme == "basic" for challenge in challenges):
                    raise Unauthorized(
                        "{} wants a user name and password.".format(self._name),
                        "Put a bearer token for it into token.txt as 'HOST TOKEN', or use --token-file.",
                    )
                return False
            known = self._tokens.get(self._used.get(scope, ("", "", "")))
            if known and sent != "Bearer " + known.value and known.expires > time.monotonic():
                return True  # another thread has just fetched one
            wanted = self._next_scope(bearer, scope, tried)
            if wanted is None:
                return False
            tried.append(wanted)
            realm = self._realm(challenged, bearer)
            service_name = bearer.parameters.get("service", "")
            key = (realm, service_name, wanted)
            self._tokens[key] = self._exchange(realm, service_name, wanted)
            self._used[scope] = key
        return True

    @staticmethod
    def _next_scope(bearer: Challenge, scope: str, tried: List[str]) -> Optional[str]:
        offered = bearer.parameters.get("scope", "")
        for candidate in (scope, offered):
            if candidate and candidate not in tried and len(tried) < _ATTEMPTS - 2:
                return candidate
        return "" if not scope and not offered and not tried else None

    def _realm(self, challenged: Answer, bearer: Challenge) -> str:
        realm = urljoin(challenged.url, bearer.parameters.get("realm", ""))
        where = origin_of(realm)
        if not bearer.parameters.get("realm"):
            raise RegistryError("{} asks for a token but does not say where to get one.".format(self._name))
        if where.scheme == "http" and self._origin.scheme == "https":
            raise RegistryError("{} names an auth service without https, which is not used.".format(self._name))
        if "@" in urlsplit(realm).netloc:
            raise RegistryError(
                "{} names an auth service with a user name in its address, which is not used.".format(self._name)
            )
        return realm

    def _exchange(self, realm: str, service: str, scope: str) -> _Token:
        """GET a token anonymously (``spec/auth/token.md``)."""
        parts = urlsplit(realm)
        query = parse_qsl(parts.query, keep_blank_values=True)
        query += [("service", service)] if service else []
        query += [("scope", item) for item in scope.split()]
        answer = self._transport.get(
            urlunsplit(parts._replace(query=urlencode(query), fragment="")), redirects=0, whole=_MAX_TOKEN_BODY
        )
        body = answer.read(_MAX_TOKEN_BODY)
        if answer.status in (401, 403, 404):
            raise Unauthorized(
                "the auth service {} gives no anonymous access ({}).".format(parts.hostname, answer.status),
                "The image may be private or not exist; put a token for {} into token.txt.".format(self._name),
            )
        if answer.status != 200:
            raise RegistryError(
                "the auth service {} answered {}.".format(parts.hostname, answer.status),
                "Try again later.",
                answer.status,
            )
        return _read_token(body, parts.hostname or "")


def _read_token(body: bytes, service: str) -> _Token:
    now = time.monotonic()
    try:
        document = json.loads(body.decode("utf-8")) if len(body) <= _MAX_TOKEN_BODY else None
    except (ValueError, RecursionError):
        document = None
    value = document.get("token") or document.get("access_token") if isinstance(document, dict) else None
    if not isinstance(document, dict) or not isinstance(value, str) or not _TOKEN.fullmatch(value):
        raise RegistryError("the auth service {} sent no usable token.".format(service))
    lifetime = document.get("expires_in")
    seconds = float(lifetime) if isinstance(lifetime, (int, float)) and 0 < lifetime < 10**9 else 0.0
    return _Token(value, now + max(seconds, _MIN_LIFETIME) - _age(document.get("issued_at"), seconds) - _EARLY)


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


class Handshake:
    """Sends one registry's requests with whatever authorization they need."""

    def __init__(self, transport: Transport, auth: BearerAuth, base_url: str, tell: Callable[[str], None]) -> None:
        self._transport = transport
        self._base_url = base_url
        self._tell = tell
        self._lock = threading.Lock()
        self._origin = origin_of(base_url)
        self._auths: Dict[Origin, BearerAuth] = {self._origin: auth}

    def get(self, path: str, scope: str, headers: Optional[Dict[str, str]] = None, whole: int = 0) -> Answer:
        """GET ``path`` of the registry (see ``Transport.get``). A 401 comes back only when no token helps."""
        tried: Dict[Origin, List[str]] = {}
        sent: Dict[Origin, Optional[str]] = {}

        def authorize(url: str) -> Optional[str]:
            origin = origin_of(url)
            auth = self._auths.get(origin)
            sent[origin] = auth.header(url, scope) if auth else None
            return sent[origin]

        while True:
            answer = self._transport.get(self._base_url + path, headers, authorize, whole=whole)
            if answer.status != 401:
                return answer
            origin = answer.final_origin
            challenge = answer.headers.get("www-authenticate", "")
            if not challenge and origin == self._origin:
                challenge = self._ping()  # of the registry's own 401 only: its tokens are not for storage hosts
            scopes = tried.setdefault(origin, [])
            if len(scopes) >= _ATTEMPTS:
                return answer
            with self._lock:
                # A host we were redirected to may want a token of its own; it gets an anonymous one.
                auth = self._auths.setdefault(origin, BearerAuth(self._transport, origin, None, self._tell))
            try:
                again = auth.answer(answer, sent.get(origin), scope, scopes, challenge)
            except BaseException:
                answer.close()
                raise
            if not again:
                return answer
            answer.close()

    def _ping(self) -> str:
        """Return the challenge of ``/v2/``, for registries whose real 401 has none (GCR)."""
        answer = self._transport.get(self._base_url + "/v2/")
        answer.close()
        return answer.headers.get("www-authenticate", "")
