"""Where downloads go: folder and file names, safe on every system, and files
that appear under their final name only when they are whole and right."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
from typing import BinaryIO, Callable, List, Optional, Set

from .ahead import Ahead
from .descriptors import UNKNOWN_SIZE, Descriptor
from .errors import LocalFileError
from .image import Layer
from .layers.kinds import compression_of, is_tar_type
from .layers.verify import Verifier, verified_pieces
from .reference import DOCKER_HUB, LocalReference, Target

_PIECE = 512 * 1024  # bytes
_AHEAD = 1024 * 1024  # bytes of a blob read before they are written
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
_RESERVED = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)(?:\..*)?", re.IGNORECASE)
_TAR_SUFFIXES = {"gzip": ".tar.gz", "zstd": ".tar.zst", "none": ".tar"}
_OTHER_SUFFIXES = {"gzip": ".gz", "zstd": ".zst", "none": ".blob"}
_USTAR_AT = 257
_HEAD = 512  # bytes looked at to name a file


def safe_component(text: str) -> str:
    """Return ``text`` as one file name that Linux, macOS and Windows all take."""
    name = _UNSAFE.sub("_", text).strip("_") or "_"
    if _RESERVED.fullmatch(name) or name.startswith("."):
        name = "_" + name
    return name + "_" if name.endswith(".") else name


def image_name(reference: Target) -> str:
    """Return ``<registry>_<user>_<repo>`` (docker.io is left out), or ``<transport>_<file name>``, as a file name."""
    if isinstance(reference, LocalReference):
        return safe_component(reference.transport + "_" + reference.name)
    registry = "" if reference.domain == DOCKER_HUB else reference.domain + "_"
    return safe_component(registry + reference.path.replace("/", "_"))


def image_folder(root: str, reference: Target, platform: str = "") -> str:
    """Return ``root/<image_name>/<tag or digest>[/<platform>]``."""
    parts = [root, image_name(reference), safe_component((reference.wanted or "image").replace(":", "-"))]
    return os.path.join(*parts, *([safe_component(platform)] if platform else []))


def layer_stem(layer: Layer) -> str:
    """Return ``<index>_<hex>``: a layer's file name without its suffix."""
    return "{}_{}".format(layer.number, layer.descriptor.hex)


def suffix_of(head: bytes, media_type: str) -> str:
    """Return the suffix for a blob that begins with ``head``, by its real compression."""
    kind = compression_of(head)
    is_tar = is_tar_type(media_type) or (kind == "none" and head[_USTAR_AT : _USTAR_AT + 5] == b"ustar")
    return (_TAR_SUFFIXES if is_tar else _OTHER_SUFFIXES)[kind]


def make_folder(path: str) -> None:
    """Create a folder and its parents. Raises LocalFileError."""
    try:
        os.makedirs(path, exist_ok=True)
    except OSError as error:
        raise LocalFileError(
            "the folder {} cannot be made: {}.".format(path, error.strerror or error), "Choose another with -o."
        ) from None


def present(folder: str, stem: str, descriptor: Descriptor) -> Optional[str]:
    """Return the path of an earlier download of ``descriptor`` in ``folder`` that is whole and right."""
    for suffix in sorted({*_TAR_SUFFIXES.values(), *_OTHER_SUFFIXES.values()}):
        path = os.path.join(folder, stem + suffix)
        if file_matches(path, descriptor):
            return path
    return None


def file_matches(path: str, descriptor: Descriptor) -> bool:
    """Whether the file at ``path`` is whole and right."""
    try:
        if not os.path.isfile(path) or descriptor.size not in (os.path.getsize(path), UNKNOWN_SIZE):
            return False
        digest = hashlib.new(descriptor.digest.partition(":")[0])
        with open(path, "rb") as file:
            for piece in iter(lambda: file.read(_PIECE), b""):
                digest.update(piece)
    except OSError:
        return False
    return digest.hexdigest() == descriptor.hex


def file_size(path: str) -> int:
    """Return the size in bytes of a file that is there. Raises LocalFileError."""
    try:
        return os.path.getsize(path)
    except OSError as error:
        raise LocalFileError("the file {} is gone: {}.".format(path, error.strerror or error)) from None


class NewFile:
    """A file written beside its final place; ``keep`` puts it there, leaving without drops it.

    Raises LocalFileError for whatever the disk refuses.
    """

    def __init__(self, folder: str) -> None:
        self._folder = folder
        try:
            self._path = os.path.join(folder, ".layerslayer-{}.part".format(secrets.token_hex(8)))
            self._file: BinaryIO = open(self._path, "xb", buffering=0)
        except OSError as error:
            raise self._failure(error) from None
        self._kept = False
        _unfinished.add(self)

    def __enter__(self) -> NewFile:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        self.discard()

    def discard(self) -> None:
        """Remove the file unless it was kept. May be called from any thread."""
        _unfinished.discard(self)
        if not self._kept:
            try:
                os.unlink(self._path)
            except OSError:
                pass  # gone already

    def write(self, piece: bytes) -> None:
        view = memoryview(piece)
        try:
            while view:
                view = view[self._file.write(view) :]
        except OSError as error:
            raise self._failure(error) from None

    def rewrite(self, offset: int, piece: bytes) -> None:
        """Write ``piece`` over what was written at ``offset`` before; writing goes on at the end."""
        try:
            self._file.seek(offset)
            self.write(piece)
            self._file.seek(0, os.SEEK_END)
        except OSError as error:
            raise self._failure(error) from None

    def keep(self, name: str) -> str:
        """Give the file the name ``name``; return the final path.

        The disk is not waited for: what a power failure spoils is found by the
        next run, which trusts no file whose digest it has not computed.
        """
        path = os.path.join(self._folder, name)
        try:
            self._file.close()
            os.replace(self._path, path)
            self._kept = True
        except OSError as error:
            raise self._failure(error) from None
        return path

    def _failure(self, error: OSError) -> LocalFileError:
        return LocalFileError(
            "nothing can be written to {}: {}.".format(self._folder, error.strerror or error),
            "Choose another folder with -o.",
        )


_unfinished: Set[NewFile] = set()  # being written now, by whatever thread


def discard_unfinished() -> None:
    """Remove the files being written; for an end that does not wait for their threads."""
    for file in list(_unfinished):
        file.discard()


def save_blob(
    folder: str,
    stem: str,
    suffix: Optional[str],
    descriptor: Descriptor,
    open_blob: Callable[[], BinaryIO],
    advance: Callable[[int], None] = lambda count: None,
) -> str:
    """Download a blob to ``folder/stem + suffix`` and return its path.

    ``suffix`` None finds it from the content. The file appears only after size
    and digest were verified. ``advance`` is told how many bytes arrived.
    """
    # Bytes are read and hashed in a thread of their own, while earlier ones are written here.
    verified = Ahead(lambda: verified_pieces(open_blob(), Verifier(descriptor), _PIECE), _AHEAD, len)
    with NewFile(folder) as file:
        head: List[bytes] = []
        length = 0
        for piece in verified:
            file.write(piece)
            if length < _HEAD:
                head.append(piece)
                length += len(piece)
            advance(len(piece))
        ending = suffix_of(b"".join(head)[:_HEAD], descriptor.media_type) if suffix is None else suffix
        return file.keep(stem + ending)


def save_bytes(folder: str, name: str, body: bytes) -> str:
    """Write ``body`` to ``folder/name``, whole or not at all; return its path."""
    with NewFile(folder) as file:
        file.write(body)
        return file.keep(name)
