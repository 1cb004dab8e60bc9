"""Docker's credential helpers: programs that keep logins (docker-credential-helpers, "Development").

``docker-credential-<suffix> get`` reads a server's name from its input and
answers in JSON; what goes wrong it says on its *output*, with an exit code.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from typing import Optional

from ...errors import LocalFileError
from ..http.redaction import scrubbed
from .auth_files import Helper
from .login import Login

_PATIENCE = 15.0  # seconds
_MAX_ANSWER = 256 * 1024  # bytes
_NOT_FOUND = "credentials not found in native keychain"
_IDENTITY = "<token>"  # a user name that says: the secret is an identity token


def ask(helper: Helper, origin: str) -> Optional[Login]:
    """Return the login that a helper has, None where it has none. Raises LocalFileError.

    Never through a shell. What the helper says is quoted in errors only by its
    first line, never a secret: those come with success.
    """
    name = "docker-credential-" + helper.suffix
    program = shutil.which(name)
    if program is None or not os.path.isabs(program):  # never what somebody put into the current folder
        raise LocalFileError(f"{origin} names the credential helper {name}, which is not installed.")
    try:
        running = subprocess.Popen(  # noqa: S603 - the user's own program, named in the user's own file
            [program, "get"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        with running:
            try:
                said = running.communicate(helper.server.encode(), _PATIENCE)[0][: _MAX_ANSWER + 1]
            except BaseException:
                running.kill()
                raise
    except subprocess.TimeoutExpired:
        raise LocalFileError(f"{name} did not answer within {_PATIENCE:.0f} seconds.") from None
    except OSError as error:
        raise LocalFileError(f"{name} cannot be run: {error.strerror or error}.") from None
    if running.returncode != 0:
        words = said.decode("utf-8", "replace").strip()
        if words == _NOT_FOUND:
            return None
        first = scrubbed(words.splitlines()[0])[:200] if words else f"exit code {running.returncode}"
        raise LocalFileError("{} failed: {}.".format(name, first.rstrip(".")))
    return _read(said, name, f"{name} ({origin})")


def _read(said: bytes, name: str, origin: str) -> Optional[Login]:
    try:
        answer = json.loads(said.decode("utf-8")) if len(said) <= _MAX_ANSWER else {}
        username, secret = answer["Username"], answer["Secret"]
        if not isinstance(username, str) or not isinstance(secret, str) or not Login("", username, secret).is_whole:
            raise ValueError
    except (ValueError, KeyError, TypeError, RecursionError):
        raise LocalFileError(f"{name} gave an answer that cannot be read.") from None
    if not secret:
        return None
    return Login(origin, identity_token=secret) if username == _IDENTITY else Login(origin, username, secret)
