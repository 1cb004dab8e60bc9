"""OCI layouts written: a folder that may hold other images already, or one tar.

OCI image-spec ``image-layout.md``. A blob is in its place only when it is
verified, and the folder's ``index.json`` names an image only when all of it is
there; a tar appears only when it is whole.
"""

from __future__ import annotations

from functools import partial
from typing import Iterator, List, Optional

from ..oci.descriptor import Descriptor
from ..oci.layout import blob_name
from ..oci.verify import Verifier, verified_pieces
from ..parallel import in_order
from .atomic_file import NewFile, discard_unfinished
from .download import file_matches, inner_folder, make_own, save_blob, save_bytes
from .image_content import Content, LayoutImage, blobs_by_size
from .oci_layout_index import as_json, present_index, update_index, with_entry
from .output_folder import Folder
from .tar_writer import TarWriter
from .transfer import ImageTransfer

_AHEAD = 2 * 1024 * 1024  # bytes of each blob fetched before its turn to be written
_VERSION = b'{"imageLayoutVersion":"1.0.0"}'


def write_layout(folder: Folder, image: LayoutImage, transfer: ImageTransfer) -> None:
    """Add an image to the layout ``folder``.

    An image of the same name is replaced; its blobs stay, and so does what
    other runs add meanwhile. Raises LocalFileError, also for a folder that is
    something else, and what reading the blobs raises; then index.json is as it was.
    """
    content = image.content
    present_index(folder, content.limits)  # before anything is fetched
    makers = [partial(_place, folder, blob, transfer) for blob in blobs_by_size(content)]
    try:
        for outcome in in_order(makers, transfer.jobs, 0, lambda path: 0):
            for _ in outcome:
                pass
        for digest, body in content.documents.items():
            save_bytes(_folder_of(folder, digest), digest.partition(":")[2], body)
    finally:
        discard_unfinished()  # an interrupt does not wait for the other blobs' threads
    save_bytes(folder, "oci-layout", _VERSION)
    update_index(folder, image.root, image.name, content.limits)


def _place(folder: Folder, blob: Descriptor, transfer: ImageTransfer) -> Iterator[str]:
    there = _folder_of(folder, blob.digest)
    if file_matches(there, blob.hex, blob) and make_own(there, blob.hex, blob):
        transfer.advance(blob.size)
        yield there.place(blob.hex)
    else:
        yield save_blob(there, blob.hex, "", blob, transfer.blob(blob))


def missing_blobs(folder: Optional[Folder], content: Content) -> List[Descriptor]:
    """Return the blobs of an image that the layout ``folder`` does not have yet; all where there is none."""
    return [blob for blob in content.blobs.values() if folder is None or not _has(folder, blob)]


def _has(folder: Folder, blob: Descriptor) -> bool:
    try:
        there = folder.existing("blobs").existing(blob.digest.partition(":")[0])
    except OSError:
        return False
    return file_matches(there, blob.hex, blob)


def _folder_of(folder: Folder, digest: str) -> Folder:
    return inner_folder(inner_folder(folder, "blobs"), digest.partition(":")[0])


def write_archive(folder: Folder, file_name: str, image: LayoutImage, transfer: ImageTransfer) -> str:
    """Write the tar of a layout with this one image; return its path.

    Raises LocalFileError and what reading the blobs raises; then there is no file.
    """
    blobs: List[Descriptor] = list(image.content.blobs.values())
    makers = [partial(_pieces, blob, transfer) for blob in blobs]
    with NewFile(folder) as file:
        tar = TarWriter(file)
        tar.add("oci-layout", _VERSION)
        tar.add("index.json", as_json(with_entry({"schemaVersion": 2, "manifests": []}, image.root, image.name)))
        for digest, body in image.content.documents.items():
            tar.add(blob_name(digest), body)
        for blob, pieces in zip(blobs, in_order(makers, transfer.jobs, _AHEAD, len)):
            tar.stream(blob_name(blob.digest), transfer.counted(pieces), blob.size)
        tar.close()
        return file.keep(file_name)


def _pieces(blob: Descriptor, transfer: ImageTransfer) -> Iterator[bytes]:
    return verified_pieces(transfer.source.blob(blob), Verifier(blob))
