"""Text -> Reference or LocalReference: where an image is, and which one.

Grammar: the ``distribution/reference`` rules, ASCII only::

    [domain[:port]/]path[:tag][@digest]

``docker.io`` is the default domain and ``library/`` the default namespace
there. When a tag and a digest are both given the digest decides.

Images of this machine, and the synonym, are written as skopeo writes them
(containers-transports(5))::

    docker://REFERENCE
    oci:DIR[:NAME]          oci:DIR@DIGEST
    oci-archive:FILE[:NAME] oci-archive:FILE@DIGEST
    docker-archive:FILE[:REFERENCE]     docker-archive:FILE:@INDEX
    docker-daemon:REFERENCE             docker-daemon:IMAGE-ID
"""

from __future__ import annotations

import re
from typing import NamedTuple, Optional, Union

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
_MAX_TEXT = 4096  # characters

OCI, OCI_ARCHIVE, DOCKER_ARCHIVE, DOCKER_DAEMON = "oci", "oci-archive", "docker-archive", "docker-daemon"
TRANSPORTS = (OCI, OCI_ARCHIVE, DOCKER_ARCHIVE, DOCKER_DAEMON)
_SYNONYM = "docker://"
_DRIVE = re.compile(r"[A-Za-z]:[\\/]")
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


class LocalReference(NamedTuple):
    """An image of this machine. ``transport`` is one of TRANSPORTS.

    ``path`` is a file's or folder's, for docker-daemon an image's name or id.
    ``tag`` is the name an image has inside its layout or archive, for
    docker-archive a whole reference or ``@INDEX``. Without tag and digest the
    place must hold one image only.
    """

    transport: str
    path: str
    tag: Optional[str] = None
    digest: Optional[str] = None

    @property
    def wanted(self) -> str:
        """What to ask the place for: the digest, else the tag, else the empty text."""
        return self.digest or self.tag or ""

    @property
    def repository(self) -> str:
        """``transport:path``, without tag and digest."""
        return self.transport + ":" + self.path

    @property
    def name(self) -> str:
        """What the place itself is called: the last part of its path, or the image's name at the daemon."""
        if self.transport == DOCKER_DAEMON:
            return self.path
        return re.split(r"[\\/]", self.path.rstrip("\\/"))[-1]

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


def parse_target(text: str) -> Target:
    """Parse what a user typed for an image, wherever it is.

    A transport's name decides, as with skopeo: ``oci:5000/app`` is the folder
    ``5000/app``; write ``docker://oci:5000/app`` for a registry host called oci.
    A path ends at its first colon (a Windows drive's does not count); see
    ``sources.opening.located`` for paths that hold one. Raises InvalidReference.
    """
    if text.startswith(_SYNONYM):
        return parse_reference(text[len(_SYNONYM) :])
    transport, colon, rest = text.partition(":")
    if not colon or transport not in TRANSPORTS:
        return parse_reference(text)
    if len(text) > _MAX_TEXT or "\0" in text:
        raise InvalidReference(text, "no path is longer than {} characters or holds a NUL".format(_MAX_TEXT))
    if transport == DOCKER_DAEMON:
        return _at_daemon(text, rest)
    rest, digest = _split_local_digest(text, transport, rest)
    drive = 2 if _DRIVE.match(rest) else 0
    path, colon, tag = rest[drive:].partition(":")
    path = rest[:drive] + path
    if not path:
        raise InvalidReference(text, "the path is missing", "Write {}:PATH[:NAME].".format(transport))
    if digest is not None:  # it names no tag, so every colon is the path's
        return LocalReference(transport, rest, None, digest)
    if colon and not tag:
        raise InvalidReference(text, "the name after the path is empty", "Leave the last colon out.")
    return LocalReference(transport, path, tag or None)


def _at_daemon(text: str, rest: str) -> LocalReference:
    if _IMAGE_ID.fullmatch(rest):
        return LocalReference(DOCKER_DAEMON, rest)
    parse_reference(rest)
    named = "@" in rest or ":" in rest.rpartition("/")[2]
    return LocalReference(DOCKER_DAEMON, rest if named else rest + ":latest")


def _split_local_digest(text: str, transport: str, rest: str) -> tuple[str, Optional[str]]:
    path, at, digest = rest.rpartition("@")
    if not at or digest.partition(":")[0] not in DIGEST_HEX_LENGTHS:
        return rest, None
    problem = digest_problem(digest)
    if problem is None and transport == DOCKER_ARCHIVE:
        problem = "such an archive keeps no digests of images"
    if problem:
        raise InvalidReference(text, problem)
    return path, digest


def parse_reference(text: str) -> Reference:
    """Parse what a user typed.

    Raises InvalidReference, whose sentence names the part that is wrong.
    """
    if not text:
        raise InvalidReference(text, "it is empty", "Write it like alpine, ghcr.io/user/app:1.2 or localhost:5000/app.")
    if len(text) > _MAX_TEXT:
        raise InvalidReference(text, "it is longer than {} characters".format(_MAX_TEXT))
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
