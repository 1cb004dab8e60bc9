"""Docker's ``config.json`` and containers' ``auth.json``: what one document says of one repository. Pure.

docker/cli ``config.json``; containers-auth.json(5). Keys are hosts, in Docker's
files also URLs, in containers' files also ``host/namespace/repository``; the
most specific one counts.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from typing import Any, Dict, NamedTuple, Optional, Tuple, Union

from ...errors import LocalFileError
from ...oci.reference import DOCKER_HUB, canonical_host
from .login import Login

HUB_SERVER = "https://index.docker.io/v1/"  # the name of Docker Hub in these files
_SUFFIX = re.compile(r"[A-Za-z0-9._-]{1,128}")


class Helper(NamedTuple):
    """A credential helper that has the login: ``docker-credential-<suffix>``, asked about ``server``."""

    suffix: str
    server: str


def parse(body: bytes, name: str) -> Dict[str, Any]:
    """Return the document. Raises LocalFileError, which quotes nothing of it."""
    try:
        document = json.loads(body.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise LocalFileError(f"the credentials in {name} are not a JSON object, and are not used.")
    return document


def find(document: Dict[str, Any], domain: str, path: str, origin: str) -> Union[Login, Helper, None]:
    """Return what the document has for the repository ``domain/path``, None where that is nothing.

    Helpers of a host come first, then the general helper, then plain logins.
    """
    named = _best(document.get("credHelpers"), domain, path)
    if named and isinstance(named[1], str) and named[1]:
        return _helper(named[1], named[0], origin)
    general = document.get("credsStore")
    if isinstance(general, str) and general:
        return _helper(general, HUB_SERVER if domain == DOCKER_HUB else domain, origin)
    return plain(document.get("auths"), domain, path, origin)


def plain(auths: Any, domain: str, path: str, origin: str) -> Optional[Login]:
    """Return the login that ``auths`` itself holds."""
    found = _best(auths, domain, path)
    if not found or not isinstance(found[1], dict):
        return None
    entry = {key: value for key, value in found[1].items() if isinstance(value, str)}
    username, password = entry.get("username", ""), entry.get("password", "")
    if entry.get("auth"):
        try:
            pair = base64.b64decode(entry["auth"], validate=True).decode("utf-8", "surrogateescape")
        except (binascii.Error, ValueError):
            raise _damaged(domain, origin) from None
        username, _, password = pair.partition(":")
        password = password.rstrip("\0")
    login = Login(origin, username, password, entry.get("identitytoken", ""), entry.get("registrytoken", ""))
    if not login.is_whole:
        raise _damaged(domain, origin)
    return login if login.username or login.identity_token or login.registry_token else None


def _damaged(domain: str, origin: str) -> LocalFileError:
    return LocalFileError(f"the login for {domain} in {origin} is damaged, and is not used.")


def _helper(suffix: str, server: str, origin: str) -> Helper:
    if not _SUFFIX.fullmatch(suffix):
        raise LocalFileError(f"{origin} names a credential helper that cannot be one, and is not used.")
    return Helper(suffix, server)


def _best(table: Any, domain: str, path: str) -> Optional[Tuple[str, Any]]:
    """Return the key and value of the entry that names the repository most closely."""
    if not isinstance(table, dict):
        return None
    wanted = domain + "/" + path
    best: Optional[Tuple[int, str, Any]] = None
    for key, value in table.items():
        place = normalised(key)
        if place and (wanted == place or wanted.startswith(place + "/")) and (best is None or len(place) > best[0]):
            best = (len(place), key, value)
    return (best[1], best[2]) if best else None


def normalised(key: str) -> str:
    """Return a key as ``host`` or ``host/path``, without scheme, API version and aliases of Docker Hub.

    A URL, as Docker's files have them, is about its host, whatever its path.
    """
    text = re.sub(r"\Ahttps?://", "", key.strip(), flags=re.IGNORECASE)
    host, _, path = text.rstrip("/").partition("/")
    host = canonical_host(host.lower())
    return host if text != key.strip() or path in ("", "v1", "v2") else host + "/" + path
