"""What the user may show to one registry: a token, a login; nothing once the registry turns out to speak plain http."""

from __future__ import annotations

from typing import Callable, Optional

from ..credentials import Login, UserToken


class UserSecrets:
    """``token`` is the user's own; ``basic`` the Authorization of the login, once the registry asked for it.

    ``find_login`` is called once, when a login is first wanted.
    """

    def __init__(self, token: Optional[UserToken], find_login: Callable[[], Optional[Login]]) -> None:
        self.token = token
        self.basic = ""
        self.exposed = False
        self._find_login = find_login
        self._looked = False
        self._login: Optional[Login] = None

    def login(self) -> Optional[Login]:
        """Return the user's login, looked for once; never for plain http to another machine."""
        if not self._looked and not self.exposed:
            self._looked = True
            self._login = self._find_login()
        return self._login

    def drop_login(self) -> None:
        """Use the login no more."""
        self._login = None

    def use_registry_token(self) -> bool:
        """Make a stored bearer token the user's own token; return whether there was one."""
        login = self.login()
        if not login or not login.registry_token:
            return False
        self._login = login._replace(registry_token="")
        self.token = UserToken(login.registry_token, login.origin)
        return True

    def expose(self) -> Optional[UserToken]:
        """Record that the registry speaks plain http; return the token that is not sent any more."""
        token, self.token = self.token, None
        self.exposed, self._login, self.basic = True, None, ""
        return token
