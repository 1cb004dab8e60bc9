"""Where logins are looked for, in order; the first place that has one for the repository counts.

1. ``LAYERSLAYER_USERNAME`` and ``LAYERSLAYER_PASSWORD``; 2. ``DOCKER_AUTH_CONFIG``;
3. the file ``REGISTRY_AUTH_FILE`` names; 4. Docker's ``config.json``; 5. containers'
``auth.json`` of this session, then of this user; 6. ``~/.dockercfg``.
"""

from __future__ import annotations

import os
import sys
from typing import Callable, Iterator, Mapping, Optional, Tuple

from ...errors import LocalFileError
from ...user_input import as_path
from . import auth_files
from .helpers import ask
from .login import Login

_MAX_FILE = 4 * 1024 * 1024  # bytes


def find_login(
    domain: str,
    path: str,
    environment: Mapping[str, str] = os.environ,
    warn: Callable[[str], None] = lambda text: None,
    by_environment: bool = True,
) -> Optional[Login]:
    """Return the login for the repository ``domain/path`` (canonical), None where there is none.

    ``warn`` hears of places that cannot be used; they are passed over. The first
    place names no host: ``by_environment`` is False where it is not this registry's.
    """
    username = environment.get("LAYERSLAYER_USERNAME", "") if by_environment else ""
    if username:
        return Login("LAYERSLAYER_USERNAME", username, environment.get("LAYERSLAYER_PASSWORD", ""))
    inline = environment.get("DOCKER_AUTH_CONFIG", "")
    if inline:
        try:
            document = auth_files.parse(inline.encode("utf-8", "surrogateescape"), "DOCKER_AUTH_CONFIG")
            login = auth_files.plain(document.get("auths"), domain, path, "DOCKER_AUTH_CONFIG")
        except LocalFileError as error:
            warn(str(error))
        else:
            if login:
                return login
    for file, flat in _files(environment):
        try:
            login = _in_file(file, flat, domain, path)
        except LocalFileError as error:
            warn(str(error))
            continue
        if login:
            return login
    return None


def read_small(file: str) -> bytes:
    """Return what is in a file of logins, nothing where there is none. Raises LocalFileError."""
    try:
        with open(file, "rb") as opened:
            body = opened.read(_MAX_FILE + 1)
    except (FileNotFoundError, NotADirectoryError):
        return b""
    except OSError as error:
        reason = error.strerror or error
        raise LocalFileError(f"the logins in {as_path(file)} cannot be read: {reason}.") from None
    if len(body) > _MAX_FILE:
        raise LocalFileError(f"{file} is larger than {_MAX_FILE} bytes, and is not used.")
    return body


def _in_file(file: str, flat: bool, domain: str, path: str) -> Optional[Login]:
    body = read_small(file)
    if not body.strip():
        return None  # podman logout leaves such files
    document = auth_files.parse(body, file)
    found = auth_files.find({"auths": document} if flat else document, domain, path, file)
    if not isinstance(found, auth_files.Helper):
        return found
    # Docker leaves the entry of what a helper has empty; an entry that is not is older than the helper.
    return ask(found, file) or auth_files.plain(document.get("auths"), domain, path, file)


def docker_config(environment: Mapping[str, str]) -> str:
    """Return the path of Docker's ``config.json``."""
    home = environment.get("HOME") or os.path.expanduser("~")
    return os.path.join(environment.get("DOCKER_CONFIG") or os.path.join(home, ".docker"), "config.json")


def _files(environment: Mapping[str, str]) -> Iterator[Tuple[str, bool]]:
    """Yield the files, and whether each is only a table of logins."""
    home = environment.get("HOME") or os.path.expanduser("~")
    named = environment.get("REGISTRY_AUTH_FILE")
    if named:
        yield named, False
    yield docker_config(environment), False
    runtime = environment.get("XDG_RUNTIME_DIR")
    if runtime:
        yield os.path.join(runtime, "containers", "auth.json"), False
    if sys.platform.startswith("linux"):
        yield f"/run/containers/{os.getuid()}/auth.json", False
    config = environment.get("XDG_CONFIG_HOME") or os.path.join(home, ".config")
    yield os.path.join(config, "containers", "auth.json"), False
    yield os.path.join(home, ".dockercfg"), True
