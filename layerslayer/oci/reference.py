"""Text -> Reference or LocalReference: where an image is, and which one.

Grammar: the ``distribution/reference`` rules, ASCII only::

    [domain[:port]/]path[:tag][@digest]

``docker.io`` is the default domain and ``library/`` the default namespace
there. When a tag and a digest are both given the digest decides.

``docker://REFERENCE`` is a synonym. For images of this machine see
``local_reference``; ``parse_target`` takes either.
"""

from __future__ import annotations

import re
from typing import NamedTuple, Optional, Union

from ..errors import Action, InvalidReference, Remedy
from ..user_input import HIDDEN, without_login
from .digest import digest_problem
from .host import host_problem
from .local_reference import DOCKER_DAEMON, TRANSPORTS, LocalReference, parse_local

DOCKER_HUB = "docker.io"
_HUB_ALIASES = ("docker.io", "index.docker.io", "registry-1.docker.io")
_HUB_API = "registry-1.docker.io"

_SEPARATOR = r"(?:[._]|__|[-]+)"
_COMPONENT = rf"[a-z0-9]+(?:{_SEPARATOR}[a-z0-9]+)*"
_LABEL = r"(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])"
_DOMAIN = rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?"
_DOMAIN_ONLY = re.compile(_DOMAIN, re.ASCII)
_PATH_ONLY = re.compile(rf"{_COMPONENT}(?:/{_COMPONENT})*", re.ASCII)
_TAG_ONLY = re.compile(r"\w[\w.-]{0,127}", re.ASCII)
_BARE_HEX = re.compile("[a-f0-9]{64}")
_MAX_TEXT = 4096  # characters

_NO_LOGIN = Remedy(Action.NAME_LOGIN)
_SYNONYM = "docker://"
_SCHEME = re.compile("[a-z]{1,20}://", re.IGNORECASE)
_HOST_LIKE = re.compile("[.:A-Z]")
_IMAGE_ID = re.compile("(?:sha256:)?[a-f0-9]{64}")


class Reference(NamedTuple):
    """A parsed image reference. ``tag`` or ``digest`` (or both) is set."""

    domain: str
    path: str
    tag: Optional[str]
    digest: Optional[str]

    @property
    def api_host(self) -> str:
        """The host (and port) that speaks the registry API for ``domain``."""
        return _HUB_API if self.domain == DOCKER_HUB else self.domain

    @property
    def wanted(self) -> str:
        """What to ask the registry for: the digest, else the tag."""
        return self.digest or self.tag or "latest"

    @property
    def repository(self) -> str:
        """``domain/path``, without tag and digest."""
        return self.domain + "/" + self.path

    def __str__(self) -> str:
        tag = ":" + self.tag if self.tag else ""
        digest = "@" + self.digest if self.digest else ""
        return self.repository + tag + digest


Target = Union[Reference, LocalReference]


def canonical_host(host: str) -> str:
    """Return a registry host as references write it: Hub aliases become docker.io."""
    lowered = host.lower()
    return DOCKER_HUB if lowered in _HUB_ALIASES else lowered


def is_tag(text: str) -> bool:
    """Whether ``text`` can be a tag."""
    return bool(_TAG_ONLY.fullmatch(text))


def parse_target(text: str) -> Target:
    """Parse what a user typed for an image, wherever it is.

    A transport's name decides, as with skopeo: ``oci:5000/app`` is the folder
    ``5000/app``; write ``docker://oci:5000/app`` for a registry host called oci.
    See ``sources.local.located`` for paths that hold a colon. Raises InvalidReference.
    """
    if text.startswith(_SYNONYM):
        return parse_reference(text[len(_SYNONYM) :])
    transport, colon, rest = text.partition(":")
    if not colon or transport not in TRANSPORTS:
        return parse_reference(text)
    if len(text) > _MAX_TEXT or "\0" in text:
        raise InvalidReference(text, f"no path is longer than {_MAX_TEXT} characters or holds a NUL")
    if transport == DOCKER_DAEMON:
        return _at_daemon(text, rest)
    return parse_local(text, transport, rest)


def registry_named(text: str) -> Optional[str]:
    """Return the domain of the registry that a text names, though the rest of it may be no reference; else None.

    For who has to know whom a user meant: ``ghcr.io/Me/App`` cannot be asked
    for, but it is GHCR that was named, and ``Ubuntu`` is meant for Docker Hub.
    What can be no host comes back as it stands, if it was written in the place of one.
    """
    try:
        target = parse_target(text)
    except InvalidReference:
        return _domain_of_no_reference(text[:_MAX_TEXT])
    return target.domain if isinstance(target, Reference) else None


def _domain_of_no_reference(text: str) -> Optional[str]:
    scheme = _SCHEME.match(text)
    if not scheme and text.partition(":")[0] in TRANSPORTS:
        return None
    rest = text[scheme.end() :] if scheme else text
    first, slash, _ = rest.partition("/")
    is_url = scheme is not None and scheme.group() != _SYNONYM
    if is_url or (slash and (first == "localhost" or _HOST_LIKE.search(first))):
        if "@" not in first and without_login(text) != text:
            return f"({HIDDEN})"  # a part of a password, perhaps: nobody's, and not repeated
        host = first.rpartition("@")[2].rstrip(".")
        return canonical_host(host) if host else None
    name = re.split("[:@]", rest, maxsplit=1)[0].lower()
    return DOCKER_HUB if _PATH_ONLY.fullmatch(name) else None


def _at_daemon(text: str, rest: str) -> LocalReference:
    if _IMAGE_ID.fullmatch(rest):
        return LocalReference(DOCKER_DAEMON, rest)
    parse_reference(rest)
    named = "@" in rest or ":" in rest.rpartition("/")[2]
    return LocalReference(DOCKER_DAEMON, rest if named else rest + ":latest")


def parse_reference(text: str) -> Reference:
    """Parse what a user typed.

    Raises InvalidReference, whose sentence names the part that is wrong.
    """
    if not text:
        raise InvalidReference(text, "it is empty", "Write it like alpine, ghcr.io/user/app:1.2 or localhost:5000/app.")
    if len(text) > _MAX_TEXT:
        raise InvalidReference(text, f"it is longer than {_MAX_TEXT} characters")
    if "://" in text:
        raise InvalidReference(text, "it looks like a URL", "Leave out the scheme: HOST/PATH[:TAG].")
    if without_login(text) != text:
        raise InvalidReference(text, "it holds a login", _NO_LOGIN)
    if _BARE_HEX.fullmatch(text):
        raise InvalidReference(text, "64 hex digits alone are ambiguous", "Write NAME@sha256:HEX.")
    name, digest = _split_digest(text)
    name, tag = _split_tag(text, name)
    domain, path = _split_domain(name)
    _check_name(text, domain, path)
    if tag is None and digest is None:
        tag = "latest"
    return Reference(domain, path, tag, digest)


def _split_digest(text: str) -> tuple[str, Optional[str]]:
    name, at, digest = text.partition("@")
    if not at:
        return name, None
    problem = digest_problem(digest)
    if problem:
        raise InvalidReference(text, problem)
    return name, digest


def _split_tag(text: str, name: str) -> tuple[str, Optional[str]]:
    head, slash, last = name.rpartition("/")
    last, colon, tag = last.partition(":")
    if not colon:
        return name, None
    if not slash and last.startswith("["):
        raise InvalidReference(text, "a host alone names no repository", "Write HOST/PATH[:TAG].")
    if not _TAG_ONLY.fullmatch(tag):
        raise InvalidReference(
            text,
            f"the tag '{tag}' must be 1 to 128 letters, digits, '_', '.' or '-', not starting with '.' or '-'",
        )
    return head + slash + last, tag


def _split_domain(name: str) -> tuple[str, str]:
    first, slash, rest = name.partition("/")
    has_domain = slash and (first == "localhost" or "." in first or ":" in first or first != first.lower())
    domain, path = (first, rest) if has_domain else (DOCKER_HUB, name)
    if domain.lower() in _HUB_ALIASES:
        domain = DOCKER_HUB
        if "/" not in path:
            path = "library/" + path
    return domain, path


def _check_name(text: str, domain: str, path: str) -> None:
    if not _DOMAIN_ONLY.fullmatch(domain):
        raise InvalidReference(text, f"'{domain}' is not a host name with an optional port")
    port = re.search(r":([0-9]+)\Z", domain)
    if port and not (len(port.group(1)) < 6 and 0 < int(port.group(1)) < 65536):
        raise InvalidReference(text, "the port must be between 1 and 65535")
    problem = host_problem(domain[: port.start()] if port else domain)
    if problem:
        raise InvalidReference(text, f"'{domain}' cannot be asked: {problem}")
    shown = path[len("library/") :] if domain == DOCKER_HUB and path.startswith("library/") else path
    if not shown:
        raise InvalidReference(text, "the repository name is missing", "Write [HOST/]PATH[:TAG].")
    if not _PATH_ONLY.fullmatch(path):
        if _PATH_ONLY.fullmatch(path.lower()):
            raise InvalidReference(text, "a repository name must be lower case", f"Try '{text.lower()}'.")
        raise InvalidReference(
            text,
            f"the repository name '{shown}' must be lower-case letters and digits with '.', '_', '-', '/' between",
        )
    if len(path) > 255:
        raise InvalidReference(text, "the repository name is longer than 255 characters")
