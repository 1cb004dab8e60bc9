"""Who the user is to a registry: tokens and logins, from the command line or from where tools keep them.

What names its host goes by it; what names none is for the owner alone (``unscoped``).
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Callable, Dict, Mapping, NamedTuple, Optional, Sequence, Tuple, Union

from ...errors import Action, LocalFileError, Remedy, UsageError
from ...oci.reference import Reference, canonical_host
from ..http.origin import netloc_given
from . import TOKEN_FILE, Login, UserToken, read_token_file
from .unscoped import Given

if TYPE_CHECKING:
    from ...errors import Tell, Told

_TOKEN = re.compile(r"[\x21-\x7e]{1,16384}")


class CredentialOptions(NamedTuple):
    """What the user says of logins. ``password`` may be what reads it, once it is needed.

    ``say`` gets sentences about what is used, with ``verbose`` about what was looked for as well.
    """

    username: Optional[str]
    password: Union[str, Callable[[], str], None]
    token_file: Optional[str]
    takes_token_txt: bool  # that of the current folder, where no ``token_file`` is named
    verbose: bool
    say: Callable[[str], None]
    warn: Tell
    named: str = "the user name"  # what ``username`` is called in sentences


class Identity:
    """What one run shows registries. ``given`` says whose that is which names no host."""

    def __init__(self, options: CredentialOptions, given: Given) -> None:
        self._options = options
        self._given = given

    def login(self, reference: Reference, mirror: bool = False) -> Optional[Login]:
        """Return the user's login for a registry, from the command line or wherever other tools keep theirs.

        A ``mirror`` is never the registry that was named first.
        """
        owns = self._given.owns(reference) and not mirror
        if owns and self._options.username:
            return Login(self._options.named, self._options.username, self._password())
        from .lookup import find_login  # which most registries do not ask for

        domain = canonical_host(reference.domain)
        # With --username the password of the environment is that user's.
        by_environment = owns and not self._options.username
        login = find_login(domain, reference.path, warn=self._options.warn, by_environment=by_environment)
        if not owns:
            self._tell_what_is_kept(reference)
        if self._options.verbose:
            found = f"Using the login from {login.origin}" if login else "No login was found"
            self._options.say(f"{found} for {reference.domain}.")
        return login

    def _tell_what_is_kept(self, reference: Reference) -> None:
        what = self._options.named if self._options.username else "LAYERSLAYER_USERNAME"
        if self._options.username or os.environ.get("LAYERSLAYER_USERNAME"):
            self._given.tell_once(what, reference, self._options.say)

    def headers(self, reference: Reference) -> Mapping[str, str]:
        """Return what else the user has a registry shown: Docker's headers name no host."""
        from .http_headers import meta_headers

        found = meta_headers()
        names = ", ".join(sorted(found))
        if found and not self._given.owns(reference):
            self._given.tell_once(f"What Docker's config.json has as {names}", reference, self._options.say)
            return {}
        if found and self._options.verbose:
            self._options.say(f"Sending the headers {names} of Docker's config.json.")
        return found

    def shown_certificate(self, reference: Reference) -> str:
        """Return the host (and port) that ``--client-cert`` is shown to of those a registry leads to, or nothing."""
        return netloc_given(reference.api_host) if self._given.owns(reference) else ""

    def take_password(self) -> None:
        """Read the password now, before anything else that is read from standard input."""
        self._password()

    def _password(self) -> str:
        with self._given.reading:
            if self._given.password is None:
                self._given.password = self._read_password()
            return self._given.password

    def _read_password(self) -> str:
        stated = self._options.password
        read = callable(stated)
        given = stated() if callable(stated) else stated or os.environ.get("LAYERSLAYER_PASSWORD")
        password = (given or "").rstrip("\r\n")
        if not password and read:
            raise UsageError("No password came from standard input.", "Pipe it in: printf %s PASSWORD | ...")
        if given is None:
            raise UsageError(f"{self._options.named} needs a password.", Remedy(Action.PIPE_PASSWORD))
        return password

    def token(self, reference: Reference) -> Optional[UserToken]:
        """Return the bearer token that the user has for a registry. Raises UsageError and LocalFileError."""
        owns = self._given.owns(reference)
        if owns and self._options.username:
            return None
        given = os.environ.get("LAYERSLAYER_TOKEN", "").strip()
        if given and not self._options.token_file:
            if owns:
                return _by_environment(given)
            self._given.tell_once("LAYERSLAYER_TOKEN", reference, self._options.say)
        domain, name = canonical_host(reference.domain), os.path.basename(self._options.token_file or TOKEN_FILE)
        tokens, complaints = self._tokens(domain if owns else "")
        for complaint in complaints:
            self._options.warn(complaint)
        token = tokens.get(domain)
        if token:
            self._options.say(f"Using the token for {domain} from {name}.")
        elif self._options.token_file and owns and not self._given.several:
            raise LocalFileError(f"the token file {self._options.token_file} holds no token for {domain}.")
        elif tokens:
            self._options.say(
                "{} holds a token for {}; it is not sent to {}.".format(name, ", ".join(sorted(tokens)), domain)
            )
        return token

    def _tokens(self, owner: str) -> Tuple[Dict[str, UserToken], Sequence[Told]]:
        """Return the tokens of ``--token-file``, whose bare one is the ``owner``'s, or of ``token.txt``, if there."""
        if self._options.token_file:
            return read_token_file(self._options.token_file, bare_host=owner or self._given.owner)
        if not self._options.takes_token_txt or not os.path.exists(TOKEN_FILE):
            return {}, []
        try:
            return read_token_file(TOKEN_FILE, found=True)
        except LocalFileError as error:
            return {}, [error]


def _by_environment(token: str) -> UserToken:
    if not _TOKEN.fullmatch(token):
        raise UsageError("LAYERSLAYER_TOKEN holds something else than a token.", "A token is one word of plain ASCII.")
    return UserToken(token, "LAYERSLAYER_TOKEN")
