"""What ``docker load`` takes, and podman and skopeo read: a tar of config, uncompressed layers and manifest.json.

Docker image spec v1.2, "Combined Image JSON + Filesystem Changeset Format"::

    <config-hex>.json   <diff_id-hex>.tar ...
    manifest.json       [{"Config": path, "RepoTags": [name], "Layers": [paths]}]
"""

from __future__ import annotations

import hashlib
import json
from functools import partial
from typing import Dict, Iterator, Optional

from ..errors import DigestMismatch, InvalidDocument
from ..formats.decompress import Decompressor
from ..oci.config import stated_diff_ids
from ..oci.descriptor import Descriptor, digest_of
from ..oci.image import Image
from ..oci.verify import Verifier, verified_pieces
from ..parallel import in_order
from .atomic_file import NewFile
from .download import output_folder
from .output_folder import Root
from .tar_writer import TarWriter
from .transfer import ImageTransfer

_AHEAD = 2 * 1024 * 1024  # bytes of each layer unpacked before its turn to be written


def write_docker_archive(
    output: Root, file_name: str, image: Image, name: Optional[str], transfer: ImageTransfer
) -> str:
    """Write an image into a tar; return its path.

    Layers are verified as stored and unpacked. Raises InvalidDocument for what is no
    container image, LocalFileError, and what reading the layers raises; then there
    is no file.

    Args:
        output: where the tar goes
        file_name: its name
        image: what is written
        name: the REPOSITORY:TAG that the image has when loaded
        transfer: how its layers come
    """
    if image.config_body is None:
        raise InvalidDocument("{} is no container image, so docker cannot load it".format(image.reference))
    config = digest_of(image.config_body)[len("sha256:") :] + ".json"
    diff_ids = stated_diff_ids(image.config_body, len(image.layers), transfer.source.limits)
    layers: Dict[str, Descriptor] = {}
    for diff_id, layer in zip(diff_ids, image.layers):
        layers.setdefault(diff_id, layer.descriptor)
    paths = {diff_id: diff_id.partition(":")[2][:64] + ".tar" for diff_id in layers}
    entry = {"Config": config, "RepoTags": [name] if name else None, "Layers": [paths[item] for item in diff_ids]}
    folder = output_folder(output)
    makers = [partial(_unpacked, layer, diff_id, transfer) for diff_id, layer in layers.items()]
    with NewFile(folder) as file:
        tar = TarWriter(file)
        for diff_id, pieces in zip(layers, in_order(makers, transfer.jobs, _AHEAD, len)):
            tar.stream_unsized(paths[diff_id], pieces)
        tar.add(config, image.config_body)
        tar.add("manifest.json", json.dumps([entry], separators=(",", ":")).encode())
        tar.close()
        return file.keep(file_name)


def _unpacked(layer: Descriptor, diff_id: str, transfer: ImageTransfer) -> Iterator[bytes]:
    """Yield the uncompressed bytes of a layer; the end comes only after both digests were checked."""
    stored = transfer.counted(verified_pieces(transfer.source.blob(layer), Verifier(layer)))
    algorithm, _, stated = diff_id.partition(":")
    unpacked = hashlib.new(algorithm)
    for piece in Decompressor(limits=transfer.source.limits).run(stored):
        unpacked.update(piece)
        yield piece
    for _ in stored:  # what follows the compressed stream counts for the digest
        pass
    if unpacked.hexdigest() != stated:
        raise DigestMismatch("the layer {} unpacked is not what the image config names".format(layer.digest))
