"""Text -> LocalReference: images of this machine, written as skopeo writes them (containers-transports(5)).

Grammar::

    oci:DIR[:NAME]          oci:DIR@DIGEST
    oci-archive:FILE[:NAME] oci-archive:FILE@DIGEST
    docker-archive:FILE[:REFERENCE]     docker-archive:FILE:@INDEX
    docker-daemon:REFERENCE             docker-daemon:IMAGE-ID
"""

from __future__ import annotations

import re
from typing import NamedTuple, Optional

from ..errors import InvalidReference
from .digest import HEX_LENGTHS, digest_problem

OCI, OCI_ARCHIVE, DOCKER_ARCHIVE, DOCKER_DAEMON = "oci", "oci-archive", "docker-archive", "docker-daemon"
TRANSPORTS = (OCI, OCI_ARCHIVE, DOCKER_ARCHIVE, DOCKER_DAEMON)
_DRIVE = re.compile(r"[A-Za-z]:[\\/]")


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


def parse_local(text: str, transport: str, rest: str) -> LocalReference:
    """Parse ``text``, which is ``transport:rest``, for all transports but the daemon's. Raises InvalidReference.

    A path ends at its first colon (a Windows drive's does not count).
    """
    rest, digest = _split_local_digest(text, transport, rest)
    drive = 2 if _DRIVE.match(rest) else 0
    path, colon, tag = rest[drive:].partition(":")
    path = rest[:drive] + path
    if not path:
        raise InvalidReference(text, "the path is missing", f"Write {transport}:PATH[:NAME].")
    if digest is not None:  # it names no tag, so every colon is the path's
        return LocalReference(transport, rest, None, digest)
    if colon and not tag:
        raise InvalidReference(text, "the name after the path is empty", "Leave the last colon out.")
    return LocalReference(transport, path, tag or None)


def _split_local_digest(text: str, transport: str, rest: str) -> tuple[str, Optional[str]]:
    path, at, digest = rest.rpartition("@")
    if not at or digest.partition(":")[0] not in HEX_LENGTHS:
        return rest, None
    problem = digest_problem(digest)
    if problem is None and transport == DOCKER_ARCHIVE:
        problem = "such an archive keeps no digests of images"
    if problem:
        raise InvalidReference(text, problem)
    return path, digest
