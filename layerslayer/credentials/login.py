"""A login: a name and password, or one of the tokens that stand for them. Pure."""

from __future__ import annotations

import base64
from typing import NamedTuple


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
        return "Login({!r}, ***)".format(self.origin)  # never in a traceback or log

    @property
    def basic(self) -> str:
        """The Authorization of HTTP Basic (RFC 7617), or nothing."""
        if not self.username or ":" in self.username:
            return ""
        pair = "{}:{}".format(self.username, self.password)
        return "Basic " + base64.b64encode(pair.encode("utf-8", "surrogateescape")).decode("ascii")
