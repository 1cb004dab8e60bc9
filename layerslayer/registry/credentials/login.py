"""A login: a name and password, or one of the tokens that stand for them. Pure."""

from __future__ import annotations

import base64
import re
from typing import NamedTuple

_BEARER = re.compile(r"[\x21-\x7e]{1,65536}")


class Login(NamedTuple):
    """What to show one registry, and where it was found (for messages).

    ``identity_token`` is an OAuth refresh token, for the auth service only;
    ``registry_token`` a bearer token, for the registry itself.
    """

    origin: str
    username: str = ""
    password: str = ""
    identity_token: str = ""
    registry_token: str = ""

    def __repr__(self) -> str:
        return f"Login({self.origin!r}, ***)"  # never in a traceback or log

    @property
    def is_whole(self) -> bool:
        """Whether all of it can be sent: texts, or the bytes of a file; of a bearer token visible ASCII only."""
        try:
            for text in (self.username, self.password):
                text.encode("utf-8", "surrogateescape")
            self.identity_token.encode("utf-8")
        except UnicodeEncodeError:
            return False
        return not self.registry_token or bool(_BEARER.fullmatch(self.registry_token))

    @property
    def basic(self) -> str:
        """The Authorization of HTTP Basic (RFC 7617), or nothing."""
        if not self.username or ":" in self.username:
            return ""
        pair = f"{self.username}:{self.password}"
        return "Basic " + base64.b64encode(pair.encode("utf-8", "surrogateescape")).decode("ascii")
