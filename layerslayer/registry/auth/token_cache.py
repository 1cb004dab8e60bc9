"""Tokens that auth services gave, by what they are for. Several threads may read; who writes holds a lock."""

from __future__ import annotations

import time
from typing import Dict, Optional, Set, Tuple

from .token_exchange import Token

_Key = Tuple[str, str, str]  # realm, service, scope


class TokenCache:
    """One token per realm, service and scope, and for each scope that was wanted the one that worked for it."""

    def __init__(self) -> None:
        self._tokens: Dict[_Key, Token] = {}
        self._used: Dict[str, _Key] = {}
        self._anonymous: Set[str] = set()

    def get(self, scope: str) -> Optional[str]:
        """Return the Authorization for a scope, None where there is none or it has expired."""
        token = self._tokens.get(self._used.get(scope, ("", "", "")))
        return "Bearer " + token.value if token and token.expires > time.monotonic() else None

    def put(self, scope: str, key: _Key, token: Token) -> None:
        """Keep the token that was fetched by ``key`` when ``scope`` was wanted."""
        self._tokens[key] = token
        self._used[scope] = key

    def mark_anonymous(self, token: Token) -> None:
        """Record that everybody gets such a token who asks for one."""
        self._anonymous.add("Bearer " + token.value)

    def is_anonymous(self, authorization: str) -> bool:
        """Whether an Authorization is that of an anonymous visitor."""
        return authorization in self._anonymous
