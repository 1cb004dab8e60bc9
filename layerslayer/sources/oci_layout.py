"""Images in an OCI layout: a folder, or a tar of one, read in place.

OCI image-spec ``image-layout.md``::

    oci-layout              {"imageLayoutVersion": "1.0.0"}
    index.json              descriptors; an annotation names each image
    blobs/<algorithm>/<hex> manifests, configs, layers
"""

from __future__ import annotations

import io
from typing import BinaryIO, Iterator, List, Optional

from ..errors import DigestMismatch, InvalidDocument, NotFound
from ..limits import DEFAULT, Limits
from ..oci.descriptor import Descriptor, digest_of
from ..oci.digest import digest_problem
from ..oci.json_document import load_object
from ..oci.layout import REF_NAME, blob_name
from ..oci.local_reference import LocalReference
from ..oci.manifest import Index, parse_manifest
from ..oci.media_types import OCI_INDEX
from ..oci.source import Document, Source
from .files import Folder, OpenFile, Tree, open_regular
from .tar_file import TarFile

_NAMES_SHOWN = 8


def inline_part(descriptor: Descriptor, start: int, length: int) -> BinaryIO:
    """Return a part of a descriptor's inline data. Raises NotFound where it ends before."""
    data = descriptor.data or b""
    if not 0 <= start <= start + length <= len(data):
        raise NotFound(f"the blob {descriptor.digest} has {len(data)} bytes, fewer than were asked for.")
    return io.BytesIO(data[start : start + length])


class OciLayout(Source):
    """The images of a layout. Closes ``tree`` when closed, or when it is no layout.

    Raises InvalidDocument for what is no layout, LocalFileError.
    """

    def __init__(self, tree: Tree, limits: Limits = DEFAULT) -> None:
        self.limits = limits
        self._tree = tree
        self.path = tree.path
        try:
            self._entries = self._index().entries
        except BaseException:
            tree.close()
            raise

    def _index(self) -> Index:
        try:
            header = self._tree.document("oci-layout", self.limits)
            version = load_object(header, "oci-layout file", limits=self.limits).get("imageLayoutVersion")
            body = self._tree.document("index.json", self.limits)
        except NotFound as error:
            raise InvalidDocument(f"'{self.path}' is no OCI layout: {error}") from None
        if not isinstance(version, str) or not version.startswith("1."):
            raise InvalidDocument(f"'{self.path}' is an OCI layout of another version than 1")
        parsed = parse_manifest(body, OCI_INDEX, self.limits)
        if not isinstance(parsed, Index):
            raise InvalidDocument(f"the index.json of {self.path} is not an index")
        return parsed

    def manifest(self, wanted: str, known: Optional[Descriptor] = None) -> Document:
        """Return the document of a digest, of a name in index.json, or for the empty text of the only image."""
        if known is not None and known.data is not None:
            return Document(known.data, known.digest, known.media_type)
        if digest_problem(wanted) is not None:
            known = self._named(wanted)
            wanted = known.digest
        elif known is None:
            known = next((entry for entry in self._entries if entry.digest == wanted), None)
        body = self._tree.document(blob_name(wanted), self.limits)
        digest = digest_of(body, wanted)
        if digest != wanted:
            raise DigestMismatch(f"the manifest {wanted} in {self.path} does not have that digest.")
        return Document(body, digest, known.media_type if known else "")

    def _named(self, wanted: str) -> Descriptor:
        images = [entry for entry in self._entries if not entry.is_companion]
        found = [entry for entry in images if not wanted or entry.annotations.get(REF_NAME) == wanted]
        if not found:
            what = f"no image '{wanted}'" if wanted else "no image"
            raise NotFound(f"'{self.path}' holds {what}.", _choice(images))
        if len({entry.digest for entry in found}) > 1:
            what = f"several images named '{wanted}'" if wanted else "several images"
            raise NotFound(f"'{self.path}' holds {what}.", _choice(images, by_digest=bool(wanted)))
        return found[0]

    def blob(self, descriptor: Descriptor) -> BinaryIO:
        if descriptor.data is not None:
            return io.BytesIO(descriptor.data)
        return self._tree.open(blob_name(descriptor.digest))

    def blob_range(self, descriptor: Descriptor, start: int, length: int) -> BinaryIO:
        if descriptor.data is not None:
            return inline_part(descriptor, start, length)
        return self._tree.open(blob_name(descriptor.digest), start, length)

    def tags(self, page: int = 0) -> Iterator[str]:
        """Yield the names that index.json gives, each once."""
        names = [entry.annotations.get(REF_NAME, "") for entry in self._entries]
        return iter(list(dict.fromkeys(name for name in names if name)))

    def requests_made(self) -> int:
        return 0

    def close(self) -> None:
        self._tree.close()


def _choice(images: List[Descriptor], by_digest: bool = False) -> str:
    """Return the hint that says what a layout does hold."""
    if not images:
        return ""
    names = [entry.annotations.get(REF_NAME) if not by_digest else None for entry in images]
    shown = [name or "@" + entry.digest for name, entry in zip(names, images)]
    more = ", ..." if len(shown) > _NAMES_SHOWN else ""
    return "Name one of: {}{}.".format(", ".join(shown[:_NAMES_SHOWN]), more)


def open_oci_layout(reference: LocalReference, limits: Limits = DEFAULT) -> OciLayout:
    """Open the folder of an ``oci:`` reference. Raises as OciLayout."""
    return OciLayout(Folder(reference.path), limits)


def open_oci_archive(reference: LocalReference, limits: Limits = DEFAULT) -> OciLayout:
    """Open the file of an ``oci-archive:`` reference. Raises as OciLayout and TarFile."""
    return OciLayout(TarFile(OpenFile(open_regular(reference.path), reference.path), limits), limits)
