"""One blob made a file, whole and right, or gone on with where an earlier run broke off."""

from __future__ import annotations

import hashlib
import io
import os
from typing import BinaryIO, Callable, Iterator, Optional, Sequence

from ..errors import Action, DigestMismatch, LocalFileError, RangeIgnored, Remedy
from ..oci.descriptor import UNKNOWN_SIZE, Descriptor
from ..oci.verify import Verifier, pieces_of
from ..parallel import Ahead
from .atomic_file import NewFile
from .names import SUFFIXES, suffix_of
from .output_folder import Folder, Root, UnnamedLink, opened
from .partial_file import PartialFile
from .transfer import BlobTransfer

_PIECE = 512 * 1024  # bytes
_AHEAD = 1024 * 1024  # bytes of a blob read before they are written
_HEAD = 512  # bytes looked at to name a file


def output_folder(root: Root, parts: Sequence[str] = ()) -> Folder:
    """Return the folder that ``parts`` lead to below ``root``, made where it is missing. Raises LocalFileError."""
    try:
        return opened(root, parts)
    except OSError as error:
        raise _no_folder(os.path.join(root.path, *parts), error) from None


def inner_folder(folder: Folder, name: str) -> Folder:
    """Return the folder ``name`` in ``folder``, made where it is missing. Raises LocalFileError."""
    try:
        return folder.inner(name)
    except OSError as error:
        raise _no_folder(folder.place(name), error) from None


def _no_folder(path: str, error: OSError) -> LocalFileError:
    reason = error.strerror or str(error)
    if error.filename and error.filename != path:
        reason = "{}: {}".format(error.filename, reason)  # one on the way there
    return LocalFileError(
        "the folder {} cannot be made: {}.".format(path, reason),
        Remedy(Action.CHOOSE_FOLDER, "Choose another"),
        Remedy(Action.NAME_FOLDER) if isinstance(error, UnnamedLink) else None,
    )


def present(folder: Folder, stem: str, descriptor: Descriptor) -> Optional[str]:
    """Return the name of an earlier download of ``descriptor`` in ``folder`` that is whole and right."""
    for suffix in SUFFIXES:
        if file_matches(folder, stem + suffix, descriptor):
            return stem + suffix
    return None


def file_matches(folder: Folder, name: str, descriptor: Descriptor) -> bool:
    """Whether ``name`` is a file, no link, and whole and right."""
    digest = hashlib.new(descriptor.digest.partition(":")[0])
    try:
        if descriptor.size not in (folder.status(name).st_size, UNKNOWN_SIZE):
            return False
        for piece in _pieces(folder, name):
            digest.update(piece)
    except OSError:
        return False
    return digest.hexdigest() == descriptor.hex


def _pieces(folder: Folder, name: str) -> Iterator[bytes]:
    with os.fdopen(folder.open_file(name), "rb", buffering=0) as file:
        yield from iter(lambda: file.read(_PIECE), b"")


def make_own(folder: Folder, name: str, descriptor: Descriptor) -> bool:
    """See to it that a file which ``file_matches`` belongs to the user; False where it is no longer right.

    Whose file it is can change it after it was verified: then a copy takes its
    place. Raises LocalFileError.
    """
    try:
        owner = folder.status(name).st_uid
        if not hasattr(os, "geteuid") or owner in (0, os.geteuid()):
            return True
        with NewFile(folder) as copy:
            if copy.owner == owner:
                return True  # as all files there, on this disk
            verifier = Verifier(descriptor)
            for piece in _pieces(folder, name):
                verifier.update(piece)
                copy.write(piece)
            verifier.finish()
            copy.keep(name)
    except (OSError, DigestMismatch):
        return False
    return True


def file_size(folder: Folder, name: str) -> int:
    """Return the size in bytes of a file that is there. Raises LocalFileError."""
    try:
        return folder.status(name).st_size
    except OSError as error:
        raise LocalFileError("the file {} is gone: {}.".format(folder.place(name), error.strerror or error)) from None


def save_blob(folder: Folder, stem: str, suffix: Optional[str], descriptor: Descriptor, transfer: BlobTransfer) -> str:
    """Download a blob to a file and return its path.

    The file appears only after size and digest were verified. When they are wrong,
    the blob is fetched once more from its first byte. Raises LocalFileError,
    DigestMismatch, and what opening and reading the blob raises.

    Args:
        folder: where the file goes
        stem: its name without what the content decides
        suffix: the rest of its name; None finds it from the content
        descriptor: of the blob
        transfer: how its bytes come
    """
    with PartialFile(folder, descriptor, transfer.open_rest is not None) as file:
        try:
            head = _download(file, descriptor, transfer)
        except DigestMismatch:
            file.restart()
            try:
                head = _download(file, descriptor, transfer._replace(open_rest=None))
            except DigestMismatch:
                file.restart()
                raise
        ending = suffix_of(head, descriptor.media_type) if suffix is None else suffix
        return file.keep(stem + ending)


def _download(file: PartialFile, descriptor: Descriptor, transfer: BlobTransfer) -> bytes:
    """Fill ``file`` with the blob; return its first bytes.

    Takes ``advance`` back before it raises DigestMismatch.
    """
    open_blob, open_rest, advance = transfer
    verifier = Verifier(descriptor)
    head = b""
    rest: Optional[BinaryIO] = None
    arrived = 0
    if file.size and open_rest and file.size <= descriptor.size:
        for piece in file.beginning():
            verifier.update(piece)
            head = (head + piece[:_HEAD])[:_HEAD]
            advance(len(piece))
            arrived += len(piece)
        # Asked for only now: what came in meanwhile would be lost if this run were ended as well.
        rest = _rest(open_rest, file.size, descriptor.size)
    if rest is None:
        file.restart()
        advance(-arrived)
        verifier, head, arrived = Verifier(descriptor), b"", 0
    # Bytes are read in a thread of their own, while earlier ones are hashed and written here.
    pieces = Ahead(lambda: pieces_of(rest or open_blob(), _PIECE), _AHEAD, len)
    try:
        for piece in pieces:
            verifier.update(piece)
            file.write(piece)
            if len(head) < _HEAD:
                head = (head + piece[:_HEAD])[:_HEAD]
            advance(len(piece))
            arrived += len(piece)
        verifier.finish()
    except DigestMismatch:
        advance(-arrived)
        raise
    return head


def _rest(open_rest: Callable[[int], BinaryIO], start: int, size: int) -> Optional[BinaryIO]:
    """Open the bytes [start, size) of a blob; None where no parts are served."""
    if start == size:
        return io.BytesIO()
    try:
        return open_rest(start)
    except RangeIgnored:
        return None


def save_bytes(folder: Folder, name: str, body: bytes) -> str:
    """Write ``body`` to ``name`` in ``folder``, whole or not at all; return its path."""
    with NewFile(folder) as file:
        file.write(body)
        return file.keep(name)
