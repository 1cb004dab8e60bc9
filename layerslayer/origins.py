"""Origins and URLs as text: what a credential is bound to, what a log may show. Pure."""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from .errors import RegistryError

_LOGGED_QUERY = frozenset(("scope", "service", "digest", "n", "last", "ns"))
_LOOPBACK = re.compile(r"localhost|127(?:\.\d{1,3}){3}|::1|\[::1\]")


class Origin(NamedTuple):
    """Scheme, host and port: what a credential is bound to."""

    scheme: str
    host: str
    port: int


def origin_of(url: str) -> Origin:
    """Return the origin of an http(s) URL. Raises RegistryError for other URLs."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise RegistryError("the registry pointed to an address that is not http or https.")
    return Origin(parts.scheme, parts.hostname, port or (443 if parts.scheme == "https" else 80))


def netloc_of(origin: Origin) -> str:
    """Return an origin's host as users write it, with the port where it is not the usual one."""
    host = "[{}]".format(origin.host) if ":" in origin.host else origin.host
    usual = 443 if origin.scheme == "https" else 80
    return host if origin.port == usual else "{}:{}".format(host, origin.port)


def is_loopback(host: str) -> bool:
    """Whether a host name (without port) is this machine by name or literal."""
    return bool(_LOOPBACK.fullmatch(host.lower()))


def redacted(url: str) -> str:
    """Return a URL fit for a log: no userinfo, and only harmless query values."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        host = "[{}]".format(host) if ":" in host else host
        port = ":{}".format(parts.port) if parts.port else ""
        query = [
            (key, value if key in _LOGGED_QUERY else "REDACTED")
            for key, value in parse_qsl(parts.query, keep_blank_values=True)
        ]
    except ValueError:
        return "(unreadable URL)"
    return urlunsplit((parts.scheme, host + port, parts.path, urlencode(query, safe=":/,"), ""))


def base_url(host: str, plain_http: bool = False) -> str:
    """Return ``scheme://host`` for a registry host: https, but http on loopback or when allowed."""
    name = urlsplit("//" + host).hostname or host
    return ("http://" if plain_http or is_loopback(name) else "https://") + host
