"""OCI layouts written: a folder that may hold other images already, or one tar.

OCI image-spec ``image-layout.md``. A blob is in its place only when it is
verified, and the folder's ``index.json`` names an image only when all of it is
there; a tar appears only when it is whole.
"""

from __future__ import annotations

import json
import os
from functools import partial
from typing import Any, BinaryIO, Callable, Dict, Iterator, List, Optional

from ..ahead import in_order
from ..descriptors import Descriptor
from ..documents import load_object
from ..downloads import file_matches, make_folder, save_blob, save_bytes
from ..errors import InvalidDocument, LocalFileError, NotFound
from ..layers.verify import Verifier, verified_pieces
from ..manifest import MAX_INDEX_ENTRIES
from ..media_types import OCI_INDEX
from ..sources.files import Folder
from ..sources.oci_layout import REF_NAME, blob_name
from ..writing import NewFile, discard_unfinished
from .content import Content, blobs_by_size
from .tar_writer import TarWriter

OpenBlob = Callable[[Descriptor], BinaryIO]
Advance = Callable[[int], None]
_AHEAD = 2 * 1024 * 1024  # bytes of each blob fetched before its turn to be written
_VERSION = b'{"imageLayoutVersion":"1.0.0"}'


def described(root: Dict[str, Any], name: Optional[str]) -> Dict[str, Any]:
    """Return the descriptor ``root`` as index.json has it, with the image's name."""
    return dict(root, annotations={REF_NAME: name}) if name else dict(root)


def write_layout(
    folder: str, content: Content, root: Dict[str, Any], name: Optional[str], open_blob: OpenBlob, jobs: int,
    advance: Advance,
) -> None:  # fmt: skip
    """Add an image to the layout ``folder``, which is made if it is not there.

    An image of the same name is replaced; its blobs stay. Raises
    LocalFileError, also for a folder that is something else, and what reading
    the blobs raises; then index.json is as it was.
    """
    make_folder(folder)
    index = _with_entry(_present_index(folder), root, name)
    makers = [partial(_place, folder, blob, open_blob, advance) for blob in blobs_by_size(content)]
    try:
        for outcome in in_order(makers, jobs, 0, lambda path: 0):
            for _ in outcome:
                pass
        for digest, body in content.documents.items():
            save_bytes(_folder_of(folder, digest), digest.partition(":")[2], body)
    finally:
        discard_unfinished()  # an interrupt does not wait for the other blobs' threads
    save_bytes(folder, "oci-layout", _VERSION)
    save_bytes(folder, "index.json", _json(index))


def _place(folder: str, blob: Descriptor, open_blob: OpenBlob, advance: Advance) -> Iterator[str]:
    path = os.path.join(_folder_of(folder, blob.digest), blob.hex)
    if file_matches(path, blob):
        advance(blob.size)
        yield path
    else:
        yield save_blob(os.path.dirname(path), blob.hex, "", blob, lambda: open_blob(blob), advance)


def missing_blobs(folder: str, content: Content) -> List[Descriptor]:
    """Return the blobs of an image that the layout ``folder`` does not have yet."""
    return [
        blob
        for blob in content.blobs.values()
        if not file_matches(os.path.join(folder, *blob_name(blob.digest).split("/")), blob)
    ]


def _folder_of(folder: str, digest: str) -> str:
    path = os.path.join(folder, "blobs", digest.partition(":")[0])
    make_folder(path)
    return path


def _present_index(folder: str) -> Dict[str, Any]:
    """Return the index.json that is there, else an empty one. Raises LocalFileError for what is none."""
    try:
        index = load_object(Folder(folder).document("index.json"), "index.json")
    except NotFound:
        return {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": []}
    except InvalidDocument as error:
        raise _not_a_layout(folder, str(error)) from None
    entries = index.get("manifests")
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise _not_a_layout(folder, "the index.json there lists no manifests")
    if len(entries) >= MAX_INDEX_ENTRIES:
        raise _not_a_layout(folder, "the index.json there is full")
    return index


def _not_a_layout(folder: str, reason: str) -> LocalFileError:
    return LocalFileError(
        "nothing can be added to the layout {}: {}.".format(folder, reason), "Choose another folder with -o."
    )


def _with_entry(index: Dict[str, Any], root: Dict[str, Any], name: Optional[str]) -> Dict[str, Any]:
    def replaced(entry: Dict[str, Any]) -> bool:
        annotations = entry.get("annotations")
        own = annotations.get(REF_NAME) if isinstance(annotations, dict) else None
        return bool(own == name) if name else own is None and entry.get("digest") == root["digest"]

    kept = [entry for entry in index["manifests"] if not replaced(entry)]
    return dict(index, manifests=[*kept, described(root, name)])


def write_archive(
    folder: str, file_name: str, content: Content, root: Dict[str, Any], name: Optional[str], open_blob: OpenBlob,
    jobs: int, advance: Advance,
) -> str:  # fmt: skip
    """Write the tar of a layout with this one image; return its path.

    Raises LocalFileError and what reading the blobs raises; then there is no file.
    """
    make_folder(folder)
    blobs: List[Descriptor] = list(content.blobs.values())
    makers = [partial(_pieces, blob, open_blob) for blob in blobs]
    with NewFile(folder) as file:
        tar = TarWriter(file)
        tar.add("oci-layout", _VERSION)
        tar.add("index.json", _json(_with_entry({"schemaVersion": 2, "manifests": []}, root, name)))
        for digest, body in content.documents.items():
            tar.add(blob_name(digest), body)
        for blob, pieces in zip(blobs, in_order(makers, jobs, _AHEAD, len)):
            tar.stream(blob_name(blob.digest), told(pieces, advance), blob.size)
        tar.close()
        return file.keep(file_name)


def _pieces(blob: Descriptor, open_blob: OpenBlob) -> Iterator[bytes]:
    return verified_pieces(open_blob(blob), Verifier(blob))


def told(pieces: Iterator[bytes], advance: Advance) -> Iterator[bytes]:
    """Yield ``pieces``; ``advance`` is told the length of each."""
    for piece in pieces:
        yield piece
        advance(len(piece))


def _json(document: Dict[str, Any]) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode()
