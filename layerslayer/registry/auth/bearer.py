"""The bearer-token handshake, bound to one origin (distribution ``spec/auth``).

1. The real request goes out with the token that is known, or with none.
2. On 401 its challenge names an auth service; a token for *our* scope,
   ``repository:PATH:pull``, is fetched there, anonymously.
3. The request is repeated. On a second 401 the challenge's own scope is tried
   once, where it differs (ECR Public); then that is the end of it.

A token the user gave is tried first, sent to its own registry only, and never
to the auth service. A login is looked for when a challenge comes, not before,
and goes to the registry itself (``Basic``) or to an auth service of its own
(``realms``). Neither goes over plain http to another machine, be it that the
user named such a registry (``--plain-http``) or that one that is not checked
turns out to be one (``--insecure``); that gets what anonymous visitors get. The
realm comes from the server and is not trusted: it must be https unless the
registry itself is http, and may not redirect.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, AbstractSet, Callable, List, Optional

from ...errors import Action, Exposed, InvalidAddress, LayerslayerError, RegistryError, Remedy, Unauthorized
from ..credentials import Login, UserToken
from ..http.client import Transport
from ..http.origin import Origin, address_from, netloc_of, origin_of
from ..http.response import Answer
from .challenges import Challenge, first_of, parse_challenges
from .realms import carries_secrets, may_see_login
from .token_cache import TokenCache
from .token_exchange import Token, exchange
from .user_secrets import UserSecrets

if TYPE_CHECKING:
    from ...errors import Tell

ATTEMPTS = 4  # of one request: with the token that is known, our scope, the challenge's scope


class BearerAuth:
    """Tokens for one origin. Safe to share between threads.

    ``tell`` gets a sentence when the user's own token was refused.
    """

    def __init__(
        self,
        transport: Transport,
        origin: Origin,
        user_token: Optional[UserToken] = None,
        tell: Tell = lambda text: None,
        find_login: Callable[[], Optional[Login]] = lambda: None,
        trusted_realms: AbstractSet[str] = frozenset(),
    ) -> None:
        self._transport = transport
        self._origin = origin
        self._trusted_realms = trusted_realms
        self._name = netloc_of(origin)
        self._tell = tell
        self._lock = threading.Lock()
        self._user = UserSecrets(user_token, find_login)
        self._tokens = TokenCache()
        if not carries_secrets(origin):
            self.expose()

    def header(self, url: str, scope: str) -> Optional[str]:
        """Return the Authorization for a request, None where there is none to send.

        A URL of another origin never gets one.
        """
        if origin_of(url) != self._origin:
            return None
        user_token = self._user.token
        if user_token:
            return "Bearer " + user_token.value
        if self._user.basic:
            return self._user.basic
        with self._lock:
            return self._tokens.get(scope)

    def is_secret(self, authorization: str) -> bool:
        """Whether what ``header`` returned may not be seen on its way: all but the tokens of anonymous visitors."""
        return not self._tokens.is_anonymous(authorization)

    def expose(self) -> None:
        """Record that the registry speaks plain http: from now on the user has nothing to show it."""
        token = self._user.expose()
        if token:
            self._tell(f"{self._name} speaks plain http, over which the token from {token.origin} is not sent")

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
            refused = self._user.token
            if refused and sent == "Bearer " + refused.value:
                self._user.token = None
                service = self._service(challenged, bearer)
                self._tell(
                    "{} refused the token from {}; {}.".format(
                        self._name,
                        refused.origin,
                        f"asking {service} for an anonymous one" if service else "going on without it",
                    )
                )
                if not bearer:
                    return True
            if self._user.use_registry_token():
                return True
            if bearer is None:
                return self._answer_basic(sent) if any(item.scheme == "basic" for item in challenges) else False
            if self._tokens.get(scope) not in (None, sent):
                return True  # another thread has just fetched one
            wanted = self._next_scope(bearer, scope, tried)
            if wanted is None:
                return False
            tried.append(wanted)
            realm = self._realm(challenged, bearer)
            service_name = bearer.parameters.get("service", "")
            token = self._exchange(realm, service_name, wanted)
            self._tokens.put(scope, (realm, service_name, wanted), token)
        return True

    def _answer_basic(self, sent: Optional[str]) -> bool:
        login = self._user.login()
        basic = login.basic if login else ""
        if basic and sent != basic:  # though another thread may have sent it meanwhile
            self._user.basic = basic
            return True
        if basic and login:
            raise Unauthorized(f"{self._name} refused the login from {login.origin}.", "Log in again with any tool.")
        if self._user.exposed:
            raise Unauthorized(f"{self._name} wants a login, but speaks plain http, over which none is sent.")
        raise Unauthorized(
            f"{self._name} wants a user name and password.",
            Remedy(Action.LOG_IN),
        )

    def _exchange(self, realm: str, service: str, scope: str) -> Token:
        login = self._user.login()
        if login and not may_see_login(self._origin, origin_of(realm), self._trusted_realms):
            service_host = netloc_of(origin_of(realm))
            told = (
                f"{self._name} names the auth service {service_host}, which is not known to be its own: "
                f"the login from {login.origin} is not shown to it"
            )
            self._tell(LayerslayerError(told, within=Remedy(Action.TRUST_REALM, service_host)))
            self._user.drop_login()
            login = None
        if login:
            try:
                return exchange(self._transport, realm, service, scope, login, self._name)
            except (Unauthorized, Exposed) as error:
                self._tell("{}; going on without it".format(str(error).rstrip(".")))
                self._user.drop_login()
        token = exchange(self._transport, realm, service, scope, None, self._name)
        self._tokens.mark_anonymous(token)
        return token

    @staticmethod
    def _next_scope(bearer: Challenge, scope: str, tried: List[str]) -> Optional[str]:
        offered = bearer.parameters.get("scope", "")
        for candidate in (scope, offered):
            if candidate and candidate not in tried and len(tried) < ATTEMPTS - 2:
                return candidate
        return "" if not scope and not offered and not tried else None

    def _realm(self, challenged: Answer, bearer: Challenge) -> str:
        if not bearer.parameters.get("realm"):
            raise RegistryError(f"{self._name} asks for a token but does not say where to get one.")
        try:
            realm = address_from(challenged.url, bearer.parameters["realm"])
        except InvalidAddress as error:
            raise InvalidAddress(error.reason, f"{self._name} names an auth service by") from None
        if realm.named_user:
            raise RegistryError(
                f"{self._name} names an auth service with a user name in its address, which is not used."
            )
        if realm.origin.scheme == "http" and self._origin.scheme == "https" and not self._user.exposed:
            raise RegistryError(f"{self._name} names an auth service without https, which is not used.")
        return realm.url

    def _service(self, challenged: Answer, bearer: Optional[Challenge]) -> str:
        """Return the host of the auth service that a challenge names, nothing where it names none that is used."""
        try:
            return origin_of(self._realm(challenged, bearer)).host if bearer else ""
        except RegistryError:
            return ""
