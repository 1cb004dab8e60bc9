"""Who the user is to a registry: tokens and logins, from the command line or from where tools keep them."""

from __future__ import annotations

import os
from typing import Dict, Mapping, Optional

from ..console import Console
from ..credentials import TOKEN_FILE, Login, UserToken, read_token_file
from ..errors import LocalFileError, UsageError
from ..reference import Reference, parse_target
from ..sources.opening import located
from .options import Options


class Identity:
    """``given`` holds the password once it was read; sessions for other images share it."""

    def __init__(self, options: Options, console: Console, given: Dict[str, str]) -> None:
        self._options = options
        self._console = console
        self._given = given

    def login(self, reference: Reference) -> Optional[Login]:
        """Return the user's login for a registry, from the command line or wherever other tools keep theirs."""
        if self._options.username:
            if not self._is_meant(reference):
                return None
            return Login("--username", self._options.username, self._password())
        from ..credentials.lookup import find_login  # which most registries do not ask for

        login = find_login(reference.domain, reference.path, warn=self._console.warn)
        if self._options.verbose:
            found = "Using the login from {}".format(login.origin) if login else "No login was found"
            self._console.say("{} for {}.".format(found, reference.domain))
        return login

    def headers(self) -> Mapping[str, str]:
        """Return what the user has every registry shown besides."""
        from ..credentials.headers import meta_headers

        found = meta_headers()
        if found and self._options.verbose:
            self._console.say("Sending the headers {} of Docker's config.json.".format(", ".join(sorted(found))))
        return found

    def _is_meant(self, reference: Reference) -> bool:
        """Whether ``--username`` is for this registry: the one of the image named first, and no mirror of it."""
        if not self._options.target:
            return True
        target = located(parse_target(self._options.target))
        return isinstance(target, Reference) and target.domain == reference.domain

    def _password(self) -> str:
        if "password" not in self._given:
            given = (
                self._console.read_rest() if self._options.password_stdin else os.environ.get("LAYERSLAYER_PASSWORD")
            )
            password = (given or "").rstrip("\r\n")
            if not password and self._options.password_stdin:
                raise UsageError("No password came from standard input.", "Pipe it in: printf %s PASSWORD | ...")
            if given is None:
                raise UsageError("--username needs a password.", "Pipe it in with --password-stdin.")
            self._given["password"] = password
        return self._given["password"]

    def token(self, reference: Reference) -> Optional[UserToken]:
        if self._options.username:
            return None
        given = os.environ.get("LAYERSLAYER_TOKEN")
        if given and not self._options.token_file and self._is_meant(reference):
            return UserToken(given.strip(), "LAYERSLAYER_TOKEN")
        path, domain = self._options.token_file, reference.domain.lower()
        if path:
            tokens, complaints = read_token_file(path, bare_host=domain)
            if domain not in tokens:
                raise LocalFileError("the token file {} holds no token for {}.".format(path, domain))
        elif os.path.exists(TOKEN_FILE):
            try:
                tokens, complaints = read_token_file(TOKEN_FILE, found=True)
            except LocalFileError as error:
                self._console.warn(str(error))
                return None
        else:
            return None
        for complaint in complaints:
            self._console.warn(complaint)
        token = tokens.get(domain)
        name = os.path.basename(path or TOKEN_FILE)
        if token:
            self._console.say("Using the token for {} from {}.".format(domain, name))
        elif tokens:
            self._console.say(
                "{} holds a token for {}; it is not sent to {}.".format(name, ", ".join(sorted(tokens)), domain)
            )
        return token
