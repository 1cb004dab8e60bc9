"""Text -> Reference: where an image is, and which one.

Grammar: the ``distribution/reference`` rules, ASCII only::

    [domain[:port]/]path[:tag][@digest]

``docker.io`` is the default domain and ``library/`` the default namespace
there. When a tag and a digest are both given the digest decides.
"""

from __future__ import annotations

import re
from typing import NamedTuple, Optional

from .errors import InvalidReference

DOCKER_HUB = "docker.io"
_HUB_ALIASES = ("docker.io", "index.docker.io", "registry-1.docker.io")
_HUB_API = "registry-1.docker.io"

DIGEST_HEX_LENGTHS = {"sha256": 64, "sha384": 96, "sha512": 128}

_SEPARATOR = r"(?:[._]|__|[-]+)"
_COMPONENT = r"[a-z0-9]+(?:{}[a-z0-9]+)*".format(_SEPARATOR)
_LABEL = r"(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])"
_DOMAIN = r"(?:{0}(?:\.{0})*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?".format(_LABEL)
_DOMAIN_ONLY = re.compile(_DOMAIN, re.ASCII)
_PATH_ONLY = re.compile(r"{0}(?:/{0})*".format(_COMPONENT), re.ASCII)
_TAG_ONLY = re.compile(r"\w[\w.-]{0,127}", re.ASCII)
_DIGEST = re.compile(r"([a-z0-9]+(?:[.+_-][a-z0-9]+)*):([a-zA-Z0-9=_-]+)", re.ASCII)
_BARE_HEX = re.compile("[a-f0-9]{64}")


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


def canonical_host(host: str) -> str:
    """Return a registry host as references write it: Hub aliases become docker.io."""
    lowered = host.lower()
    return DOCKER_HUB if lowered in _HUB_ALIASES else lowered


def is_tag(text: str) -> bool:
    """Whether ``text`` can be a tag."""
    return bool(_TAG_ONLY.fullmatch(text))


def digest_problem(digest: str) -> Optional[str]:
    """Say what is wrong with a digest, or return None when it can be verified."""
    match = _DIGEST.fullmatch(digest)
    if not match:
        return "a digest reads algorithm:hex"
    algorithm, value = match.groups()
    length = DIGEST_HEX_LENGTHS.get(algorithm)
    if length is None:
        return "digest algorithm '{}' is not supported (sha256, sha384 and sha512 are)".format(algorithm)
    if not re.fullmatch("[a-f0-9]{%d}" % length, value):
        return "a {} digest has {} lower-case hex digits".format(algorithm, length)
    return None


def parse_reference(text: str) -> Reference:
    """Parse what a user typed.

    Raises InvalidReference, whose sentence names the part that is wrong.
    """
    if not text:
        raise InvalidReference(text, "it is empty", "Write it like alpine, ghcr.io/user/app:1.2 or localhost:5000/app.")
    if len(text) > 4096:
        raise InvalidReference(text, "it is longer than 4096 characters")
    if "://" in text:
        raise InvalidReference(text, "it looks like a URL", "Leave out the scheme: HOST/PATH[:TAG].")
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
            "the tag '{}' must be 1 to 128 letters, digits, '_', '.' or '-', not starting with '.' or '-'".format(tag),
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
        raise InvalidReference(text, "'{}' is not a host name with an optional port".format(domain))
    port = re.search(r":([0-9]+)\Z", domain)
    if port and not 0 < int(port.group(1)[:6]) < 65536:
        raise InvalidReference(text, "the port must be between 1 and 65535")
    shown = path[len("library/") :] if domain == DOCKER_HUB and path.startswith("library/") else path
    if not shown:
        raise InvalidReference(text, "the repository name is missing", "Write [HOST/]PATH[:TAG].")
    if not _PATH_ONLY.fullmatch(path):
        if _PATH_ONLY.fullmatch(path.lower()):
            raise InvalidReference(text, "a repository name must be lower case", "Try '{}'.".format(text.lower()))
        raise InvalidReference(
            text,
            "the repository name '{}' must be lower-case letters and digits with '.', '_', '-', '/' between".format(
                shown
            ),
        )
    if len(path) > 255:
        raise InvalidReference(text, "the repository name is longer than 255 characters")
