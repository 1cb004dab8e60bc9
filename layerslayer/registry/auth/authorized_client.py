"""One registry's requests, each with the authorization it turns out to need (``bearer``)."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Callable, Dict, List, Mapping, Optional

from ...errors import LayerslayerError, Unreachable
from ..http.client import Transport
from ..http.origin import Origin, origin_of
from ..http.origin_headers import Shown
from ..http.response import MAX_ERROR_BODY, Answer
from .bearer import ATTEMPTS, BearerAuth
from .realms import carries_secrets

if TYPE_CHECKING:
    from ...errors import Tell

_MOST = 3 * ATTEMPTS  # challenges that one request is answered, whoever they come from: each redirect may end elsewhere


class Handshake:
    """Sends one registry's requests with whatever authorization they need."""

    def __init__(
        self,
        transport: Transport,
        auth: BearerAuth,
        base_url: str,
        tell: Tell,
        find_headers: Callable[[], Mapping[str, str]] = dict,
    ) -> None:
        """``find_headers`` is asked once for more headers, which only the registry itself sees."""
        self._transport = transport
        self._base_url = base_url
        self._tell = tell
        self._lock = threading.Lock()
        self._origin = origin_of(base_url)
        self._more = find_headers() if carries_secrets(self._origin) else {}
        self._auths: Dict[Origin, BearerAuth] = {self._origin: auth}

    def get(self, path: str, scope: str, headers: Optional[Dict[str, str]] = None, whole: int = 0) -> Answer:
        """GET ``path`` of the registry (see ``Transport.get``). A 401 comes back only when no token helps."""
        try:
            return self._get(path, scope, headers, whole)
        except LayerslayerError as error:  # which may name a host that the registry named by a secret
            error.reword(self._transport.unspoken)
            raise

    def _get(self, path: str, scope: str, headers: Optional[Dict[str, str]], whole: int) -> Answer:
        tried: Dict[Origin, List[str]] = {}
        sent: Dict[Origin, Optional[str]] = {}

        def secrets(url: str) -> Shown:
            origin = origin_of(url)
            auth = self._auths.get(origin)
            value = sent[origin] = auth.header(url, scope) if auth else None
            more = self._more if origin == self._origin else {}
            if not auth or not value:
                return Shown(more, {})
            header = {"Authorization": value}
            return Shown({**more, **header}, {}) if auth.is_secret(value) else Shown(more, header)

        refused = 0
        while True:
            answer = self._transport.get(self._base_url + path, headers, secrets, whole=whole)
            if answer.status != 401 or refused >= _MOST:
                return answer
            refused += 1
            _spend(answer)
            origin = answer.final_origin
            challenge = answer.headers.get("www-authenticate", "")
            if not challenge and origin == self._origin:
                challenge = self._ping()  # of the registry's own 401 only: its tokens are not for storage hosts
            scopes = tried.setdefault(origin, [])
            if len(scopes) >= ATTEMPTS:
                return answer
            with self._lock:
                # A host we were redirected to may want a token of its own; it gets an anonymous one.
                auth = self._auths.setdefault(origin, BearerAuth(self._transport, origin, None, self._tell))
                if answer.exposed:
                    auth.expose()
            if not auth.answer(answer, sent.get(origin), scope, scopes, challenge):
                return answer

    def _ping(self) -> str:
        """Return the challenge of ``/v2/``, for registries whose real 401 has none (GCR)."""
        answer = self._transport.get(self._base_url + "/v2/")
        _spend(answer)
        return answer.headers.get("www-authenticate", "")


def _spend(answer: Answer) -> None:
    """Read a refusal to its end, where that is near, so that its connection can be used again."""
    try:
        answer.read(MAX_ERROR_BODY)
    except Unreachable:
        answer.close()
