"""An image of the local Docker daemon: saved into a file without a name, and read from there.

Docker Engine API: ``GET /images/{name}/get`` over the daemon's unix socket
answers with what ``docker save`` writes.
"""

from __future__ import annotations

import json
import os
import tempfile
from typing import BinaryIO, Mapping, cast
from urllib.parse import quote

from ..errors import LocalFileError, NotFound, RegistryError, UsageError
from ..limits import DEFAULT, Limits
from ..oci.local_reference import LocalReference
from ..registry.http.unix_socket import SocketAnswer
from .docker_archive import DockerArchive
from .files import OpenFile
from .tar_file import TarFile

_SOCKET = "/var/run/docker.sock"
_SCHEME = "unix://"
_PATIENCE = 600.0  # seconds without a byte: the daemon may gather a whole image before it sends the first
_PIECE = 512 * 1024  # bytes
_MAX_ERROR_BODY = 64 * 1024  # bytes
_SAID_LIMIT = 200  # characters quoted of the daemon's own words


def socket_path(environment: Mapping[str, str]) -> str:
    """Return the path of the daemon's socket, as DOCKER_HOST has it. Raises UsageError for other addresses."""
    host = environment.get("DOCKER_HOST") or _SCHEME + _SOCKET
    if not host.startswith(_SCHEME) or not host[len(_SCHEME) :]:
        raise UsageError(
            f"DOCKER_HOST is '{host[:120]}', and only unix sockets are spoken to.",
            "Use docker save and docker-archive:FILE there.",
        )
    return host[len(_SCHEME) :]


def open_docker_daemon(reference: LocalReference, limits: Limits = DEFAULT) -> DockerArchive:
    """Fetch an image from the daemon. The file is gone when the source is closed.

    Raises Unreachable, NotFound, RegistryError, LocalFileError, UsageError, and as DockerArchive.
    """
    path = socket_path(os.environ)
    answer = SocketAnswer(path, "/images/{}/get".format(quote(reference.path, safe="/:@")), _PATIENCE)
    try:
        if answer.status != 200:
            raise _refusal(answer, reference)
        file = _spooled(answer)
    finally:
        answer.close()
    return DockerArchive(TarFile(OpenFile(file, str(reference)), limits), limits)


def _spooled(answer: SocketAnswer) -> BinaryIO:
    try:
        file = cast(BinaryIO, tempfile.TemporaryFile(buffering=0))
    except OSError as error:
        raise _no_room(error) from None
    try:
        for piece in iter(lambda: answer.read(_PIECE), b""):
            view = memoryview(piece)
            while view:
                view = view[file.write(view) :]
    except OSError as error:
        file.close()
        raise _no_room(error) from None
    except BaseException:
        file.close()
        raise
    return file


def _no_room(error: OSError) -> LocalFileError:
    return LocalFileError(
        f"the image cannot be kept in {tempfile.gettempdir()}: {error.strerror or error}.",
        "Set TMPDIR to a folder with more room.",
    )


def _refusal(answer: SocketAnswer, reference: LocalReference) -> Exception:
    said = _said(answer.read(_MAX_ERROR_BODY))
    told = "{}{}".format(answer.status, ", " + said if said else "")
    if answer.status == 404:
        return NotFound(f"the docker daemon has no image {reference.path} ({told}).", "See: docker images")
    return RegistryError(f"the docker daemon answered {told}.", "Try again later.", answer.status)


def _said(body: bytes) -> str:
    """Return the message of an error body, or nothing."""
    try:
        message = json.loads(body.decode("utf-8", "replace"))["message"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return ""
    return " ".join(message.split())[:_SAID_LIMIT] if isinstance(message, str) else ""
