"""Addresses, read once and in one way, and their origins: what a credential is bound to. Pure.

Libraries differ in what they make of one text: where a backslash, a control
character or an ``@`` stands, one takes for the host what another takes for a
path, and what was checked is not what is connected to. So there is one reader,
this one. It takes what every reader takes alike (RFC 3986, ASCII, without
percent-encoding in the host) and refuses all else; what goes to the HTTP
library is made again from what was read.
"""

from __future__ import annotations

import re
from typing import List, NamedTuple, Tuple

from ...errors import InvalidAddress, UsageError
from ...oci.host import host_problem
from ...user_input import without_user
from .private_networks import is_loopback

__all__ = [
    "Address",
    "Origin",
    "address_from",
    "base_url",
    "host_given",
    "is_loopback",
    "netloc_given",
    "netloc_of",
    "origin_of",
    "read_address",
]

_PORTS = {"http": 80, "https": 443}
_MAX_LENGTH = 16 * 1024  # characters; signed addresses take two or three thousand
_UNREADABLE = re.compile(r"[\x00-\x20\x7f-\x9f\ud800-\udfff\\]")
_SCHEME = re.compile(r"([a-zA-Z][a-zA-Z0-9+.-]*):")
_ABSOLUTE = re.compile("[^/?#]*:")  # as what is left out may not begin (RFC 3986, 4.2)
_HIERARCHY = re.compile(r"//([^/?#]*)([^?#]*)(\?[^#]*)?(?:#.*)?", re.DOTALL)
_RELATIVE = re.compile(r"([^?#]*)((?:\?[^#]*)?)(?:#.*)?", re.DOTALL)
_USER = re.compile(r"[A-Za-z0-9._~!$&'()*+,;=:%-]*")
_NETLOC = re.compile(r"(\[[^\[\]@]*\]|[^:\[\]@]*)(?::(.*))?")
_PORT = re.compile("[0-9]{1,5}")
_SHOWN = 80  # characters of what a user gave


class Origin(NamedTuple):
    """Scheme, host and port: what a credential is bound to. The host is lower case, IPv6 without brackets."""

    scheme: str
    host: str
    port: int


class Address(NamedTuple):
    """An http(s) address as it was read.

    ``target`` is path and query, as a request line has them. ``named_user`` is whether it held a user name, which is
    left out and sent to nobody.
    """

    origin: Origin
    target: str
    named_user: bool = False

    @property
    def url(self) -> str:
        """The address as a text, which reads as just this again."""
        return f"{self.origin.scheme}://{netloc_of(self.origin)}{self.target}"

    def by(self, scheme: str) -> Address:
        """Return the same address of another scheme; the usual port becomes the other's usual one."""
        usual = self.origin.port == _PORTS[self.origin.scheme]
        return self._replace(origin=Origin(scheme, self.origin.host, _PORTS[scheme] if usual else self.origin.port))


def read_address(text: str) -> Address:
    """Read an absolute http(s) address. Raises InvalidAddress for one that not all readers read alike."""
    if len(text) > _MAX_LENGTH:
        raise InvalidAddress(f"it is longer than {_MAX_LENGTH} characters")
    if _UNREADABLE.search(text):
        raise InvalidAddress("a space, a backslash or a control character makes it an unreadable address")
    start = _SCHEME.match(text)
    scheme = start.group(1).lower() if start else ""
    if not start or scheme not in _PORTS:
        raise InvalidAddress("it is not http or https")
    parts = _HIERARCHY.fullmatch(text, start.end())
    if not parts:
        raise InvalidAddress("it names no host")
    authority, path, query = parts.groups()
    user, at, netloc = authority.rpartition("@")
    if not _USER.fullmatch(user):
        raise InvalidAddress("what stands before its host is no user name")
    host, port, problem = _read_netloc(netloc)
    if problem:
        raise InvalidAddress(problem)
    target = _quoted(_without_dots(path) + (query if query and query != "?" else ""))
    return Address(Origin(scheme, host.strip("[]"), port or _PORTS[scheme]), target, bool(at))


def address_from(here: str, reference: str) -> Address:
    """Read what an answer from the address ``here`` names: an address, or what is left out of one (RFC 3986, 5.2).

    Raises InvalidAddress.
    """
    if _ABSOLUTE.match(reference):
        return read_address(reference)
    base = read_address(here)
    if reference.startswith("//"):
        return read_address(base.origin.scheme + ":" + reference)
    root = base._replace(target="").url
    parts = _RELATIVE.fullmatch(reference)
    assert parts is not None  # anything is one
    path, query = parts.groups()
    own = base.target.partition("?")[0]
    if not path:
        return read_address(root + own + query) if query else base._replace(named_user=False)
    return read_address(root + (path if path.startswith("/") else own[: own.rindex("/") + 1] + path) + query)


def origin_of(url: str) -> Origin:
    """Return the origin of an http(s) address. Raises InvalidAddress, as ``read_address``."""
    return read_address(url).origin


def netloc_of(origin: Origin) -> str:
    """Return an origin's host as users write it, with the port where it is not the usual one."""
    host = f"[{origin.host}]" if ":" in origin.host else origin.host
    return host if origin.port == _PORTS[origin.scheme] else f"{host}:{origin.port}"


def netloc_given(text: str) -> str:
    """Return ``HOST[:PORT]`` that a user gave as addresses of https have it: lower case, without the usual port.

    Raises UsageError.
    """
    host, port = _given(text)
    return netloc_of(Origin("https", host, port or _PORTS["https"]))


def host_given(text: str) -> str:
    """Return the host of ``HOST[:PORT]`` that a user gave, lower case, IPv6 without brackets. Raises UsageError."""
    return _given(text)[0]


def base_url(host: str, plain_http: bool = False) -> str:
    """Return ``scheme://host`` for a registry's ``HOST[:PORT]``: https, but http on loopback or when allowed.

    Raises UsageError.
    """
    name, port = _given(host)
    scheme = "http" if plain_http or is_loopback(name) else "https"
    return Address(Origin(scheme, name, port or _PORTS[scheme]), "").url


def _given(text: str) -> Tuple[str, int]:
    host, port, problem = _read_netloc(text)
    if problem:
        shown = without_user(text)
        problem = problem if shown == text else "there is no place for a login"
        shown = shown if len(shown) <= _SHOWN else shown[: _SHOWN - 3] + "..."
        raise UsageError(f"'{shown}' is not a host with an optional port: {problem}.", "Write HOST[:PORT].")
    return host.strip("[]"), port


def _read_netloc(netloc: str) -> Tuple[str, int, str]:
    """Return host (an IPv6 one in brackets) and port of an address, 0 for none, and what is wrong with them, if so."""
    parts = _NETLOC.fullmatch(netloc)
    if not parts:
        return "", 0, host_problem(netloc) or "its host is no name that can be looked up"
    host, port = parts.groups()
    if port and not (_PORT.fullmatch(port) and 0 < int(port) < 65536):
        return "", 0, "its port is not between 1 and 65535"
    return host.lower(), int(port or 0), host_problem(host)  # as it stands: beyond ASCII lower() makes other letters


def _without_dots(path: str) -> str:
    """Return a path whose segments ``.`` and ``..`` were followed (RFC 3986, 5.2.4); ``/`` for none."""
    if "/." not in path:
        return path or "/"
    kept: List[str] = []
    segments = path.split("/")[1:]
    for segment in segments:
        if segment == "..":
            del kept[-1:]
        elif segment != ".":
            kept.append(segment)
    if segments[-1] in (".", ".."):
        kept.append("")
    return "/" + "/".join(kept)


def _quoted(target: str) -> str:
    """Return path and query with what is not ASCII percent-encoded; all else stays as it is, which may be signed."""
    if target.isascii():
        return target
    return "".join(
        letter if letter < "\x80" else "".join(f"%{byte:02X}" for byte in letter.encode()) for letter in target
    )
