"""Images in what ``docker save`` writes: a tar, read in place.

Format (Docker image spec v1.2, "Combined Image JSON + Filesystem Changeset
Format"); paths are the archive's own, layers may be links to one another::

    manifest.json  [{"Config": path, "RepoTags": [names] or null, "Layers": [paths]}]

Such an archive keeps no manifest of the image, so one is made up here, as
Docker schema 2 has it. An uncompressed layer is named by the diff_id that the
config states for it, so it is verified as it is read; for a compressed one,
which other tools write, no digest is stated, and it is computed.
"""

from __future__ import annotations

import hashlib
import io
import json
from typing import Any, BinaryIO, Dict, Iterator, List, NamedTuple, Optional, Tuple

from ..errors import InvalidDocument, InvalidReference, NotFound
from ..limits import DEFAULT, Limits
from ..oci.config import stated_diff_ids
from ..oci.descriptor import Descriptor, digest_of
from ..oci.digest import digest_problem
from ..oci.json_document import load_list
from ..oci.local_reference import LocalReference
from ..oci.media_types import DOCKER_MANIFEST
from ..oci.reference import parse_reference
from ..oci.source import Document, Source
from .files import OpenFile, Tree, open_regular
from .oci_layout import inline_part
from .tar_file import TarFile

_MAX_IMAGES = 1000
_NAMES_SHOWN = 8
_PIECE = 512 * 1024  # bytes
_CONFIG_TYPE = "application/vnd.docker.container.image.v1+json"
_LAYER_TYPE = "application/vnd.docker.image.rootfs.diff.tar"
# The first bytes of what a layer may be compressed with, and the type that says so.
_COMPRESSED = (
    (b"\x1f\x8b\x08", _LAYER_TYPE + ".gzip"),
    (b"\x28\xb5\x2f\xfd", "application/vnd.oci.image.layer.v1.tar+zstd"),
)


class _Saved(NamedTuple):
    """One entry of manifest.json."""

    config: str
    names: Tuple[str, ...]
    layers: Tuple[str, ...]


class DockerArchive(Source):
    """The images of an archive. Closes ``tree`` when closed, or when it is no such archive.

    Raises InvalidDocument for what is none, LocalFileError.
    """

    def __init__(self, tree: Tree, limits: Limits = DEFAULT) -> None:
        self.limits = limits
        self._tree = tree
        self.path = tree.path
        self._paths: Dict[str, str] = {}  # digest -> where the blob is
        self._documents: Dict[str, Document] = {}
        try:
            self._images = self._saved()
        except BaseException:
            tree.close()
            raise

    def _saved(self) -> List[_Saved]:
        try:
            body = self._tree.document("manifest.json", self.limits)
        except NotFound as error:
            raise InvalidDocument(f"'{self.path}' is not what docker save writes: {error}") from None
        items = load_list(body, "manifest.json", self.limits)
        if not 0 < len(items) <= _MAX_IMAGES:
            raise InvalidDocument(f"'{self.path}' names {len(items)} images, not 1 to {_MAX_IMAGES}")
        return [_entry(item, self.limits.layers) for item in items]

    def manifest(self, wanted: str, known: Optional[Descriptor] = None) -> Document:
        """Return the made-up manifest of a name, of ``@INDEX``, or for the empty text of the only image.

        By digest those are found that were returned before.
        """
        if digest_problem(wanted) is None:
            if wanted not in self._documents:
                raise NotFound(f"'{self.path}' keeps no manifests, so none has the digest {wanted}.")
            return self._documents[wanted]
        document = self._made_up(self._named(wanted))
        self._documents[document.digest] = document
        return document

    def _named(self, wanted: str) -> _Saved:
        if wanted.startswith("@") and wanted[1:].isdecimal():
            if len(wanted) > 6 or int(wanted[1:]) >= len(self._images):
                count = len(self._images)
                raise NotFound(
                    "'{}' holds {} image{}.".format(self.path, count, "" if count == 1 else "s"), "They count from @0."
                )
            return self._images[int(wanted[1:])]
        asked = _full(wanted)
        found = [image for image in self._images if not wanted or asked in [_full(name) for name in image.names]]
        if len(found) == 1:
            return found[0]
        what = "several images" if found else f"no image '{wanted}'"
        names = [_shown(number, image) for number, image in enumerate(self._images)]
        more = ", ..." if len(names) > _NAMES_SHOWN else ""
        hint = "Name one of: {}{}.".format(", ".join(names[:_NAMES_SHOWN]), more)
        raise NotFound(f"'{self.path}' holds {what}.", hint)

    def _made_up(self, image: _Saved) -> Document:
        config = self._tree.document(image.config, self.limits)
        diff_ids = stated_diff_ids(config, len(image.layers), self.limits)
        digest = digest_of(config)
        self._paths[digest] = image.config
        layers = [self._layer(path, diff_id) for path, diff_id in zip(image.layers, diff_ids)]
        manifest = {
            "schemaVersion": 2,
            "mediaType": DOCKER_MANIFEST,
            "config": {"mediaType": _CONFIG_TYPE, "size": len(config), "digest": digest},
            "layers": layers,
        }
        body = json.dumps(manifest, separators=(",", ":")).encode()
        return Document(body, digest_of(body), DOCKER_MANIFEST)

    def _layer(self, path: str, diff_id: str) -> Dict[str, Any]:
        file = self._tree.open(path)
        try:
            head = file.read(4)
            kinds = [kind for magic, kind in _COMPRESSED if head.startswith(magic)]
            digest = _stated_or_computed(path, head, file) if kinds else diff_id
        finally:
            file.close()
        self._paths[digest] = path
        return {"mediaType": kinds[0] if kinds else _LAYER_TYPE, "size": self._tree.size(path), "digest": digest}

    def blob(self, descriptor: Descriptor) -> BinaryIO:
        if descriptor.data is not None:
            return io.BytesIO(descriptor.data)
        return self._tree.open(self._path_of(descriptor))

    def blob_range(self, descriptor: Descriptor, start: int, length: int) -> BinaryIO:
        if descriptor.data is not None:
            return inline_part(descriptor, start, length)
        return self._tree.open(self._path_of(descriptor), start, length)

    def _path_of(self, descriptor: Descriptor) -> str:
        if descriptor.digest not in self._paths:
            raise NotFound(f"'{self.path}' does not have the blob {descriptor.digest}.")
        return self._paths[descriptor.digest]

    def tags(self, page: int = 0) -> Iterator[str]:
        """Yield the names of all images, as the archive writes them."""
        return iter([name for image in self._images for name in image.names])

    def requests_made(self) -> int:
        return 0

    def close(self) -> None:
        self._tree.close()


def _entry(item: Any, most: int) -> _Saved:
    """Check one entry of manifest.json, of at most so many layers. Raises InvalidDocument."""
    config = item.get("Config") if isinstance(item, dict) else None
    if not isinstance(config, str):
        raise InvalidDocument("an image of manifest.json lacks its Config")
    names, layers = item.get("RepoTags") or [], item.get("Layers") or []
    lists = isinstance(names, list) and isinstance(layers, list) and len(layers) <= most
    if not lists or not all(isinstance(text, str) for text in [*names, *layers]):
        raise InvalidDocument("the RepoTags or Layers of an image of manifest.json are no list of texts")
    return _Saved(config, tuple(names), tuple(layers))


def _stated_or_computed(path: str, head: bytes, file: BinaryIO) -> str:
    """Return the digest of a compressed layer: newer archives name the file by it."""
    parts = path.split("/")
    if len(parts) == 3 and parts[0] == "blobs" and digest_problem(parts[1] + ":" + parts[2]) is None:
        return parts[1] + ":" + parts[2]
    computed = hashlib.sha256(head)
    for piece in iter(lambda: file.read(_PIECE), b""):
        computed.update(piece)
    return "sha256:" + computed.hexdigest()


def _full(name: str) -> str:
    """Return a name as all can be compared: with registry, namespace and tag."""
    try:
        return str(parse_reference(name))
    except InvalidReference:
        return name


def _shown(number: int, image: _Saved) -> str:
    return image.names[0] if image.names else f"@{number}"


def open_docker_archive(reference: LocalReference, limits: Limits = DEFAULT) -> DockerArchive:
    """Open the file of a ``docker-archive:`` reference. Raises as DockerArchive and TarFile."""
    return DockerArchive(TarFile(OpenFile(open_regular(reference.path), reference.path), limits), limits)
