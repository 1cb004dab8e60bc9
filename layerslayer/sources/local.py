"""LocalReference -> the source that reads it. What is not needed is not loaded."""

from __future__ import annotations

import os

from ..limits import DEFAULT, Limits
from ..oci.local_reference import DOCKER_ARCHIVE, DOCKER_DAEMON, OCI, LocalReference
from ..oci.reference import Target
from ..oci.source import Source


def located(target: Target) -> Target:
    """Return ``target`` with the path that exists, where one with colons was meant.

    As written a path ends at its first colon. If nothing is there, the next
    colons are tried as part of the path: ``oci:a:b:c`` may be the folder ``a:b``.
    """
    if not isinstance(target, LocalReference) or target.transport == DOCKER_DAEMON:
        return target
    path, rest = target.path, target.tag
    while rest is not None and not os.path.lexists(path):
        more, colon, tail = rest.partition(":")
        path, rest = path + ":" + more, tail if colon else None
        if os.path.lexists(path):
            return target._replace(path=path, tag=rest or None)
    return target


def open_local(reference: LocalReference, limits: Limits = DEFAULT) -> Source:
    """Return the source of an image of this machine; the caller closes it.

    Raises LocalFileError for what cannot be read, InvalidDocument or
    CorruptLayer for what is something else; for docker-daemon also NotFound
    and Unreachable.
    """
    if reference.transport == OCI:
        from .oci_layout import open_oci_layout

        return open_oci_layout(reference, limits)
    if reference.transport == DOCKER_DAEMON:
        from .docker_daemon import open_docker_daemon

        return open_docker_daemon(reference, limits)
    if reference.transport == DOCKER_ARCHIVE:
        from .docker_archive import open_docker_archive

        return open_docker_archive(reference, limits)
    from .oci_layout import open_oci_archive

    return open_oci_archive(reference, limits)
