"""SOCI: indexes of an image's layers that are kept beside it (soci-snapshotter ``docs/soci-index-manifest-v2.md``).

A SOCI index is a manifest whose config has the type of the index; its layers
are ztocs, each annotated with the digest of the image's layer it is about.

* v2: the image's manifest names it by digest in an annotation, so it is the publisher's as the layers are;
* v1: it refers to the image's manifest (distribution-spec "Listing Referrers"), so whoever may push can add one.
"""

from __future__ import annotations

import threading
from typing import Dict, NamedTuple, Optional

from ...errors import InvalidDocument, LayerslayerError
from ...formats.memory import Lease
from ...oci.descriptor import UNKNOWN_SIZE, Descriptor
from ...oci.digest import digest_problem
from ...oci.image import Image
from ...oci.manifest import Manifest, parse_manifest
from ...oci.media_types import OCI_MANIFEST, SOCI_PREFIX
from ...oci.source import Source
from ...oci.verify import Verifier, verified_pieces
from .chunked import MAX_TOC
from .ztoc import Ztoc

INDEX_DIGEST = "com.amazon.soci.index-digest"  # of a v2 index, on the image's manifest
LAYER_DIGEST = "com.amazon.soci.image-layer-digest"  # on a ztoc
V1, V2 = SOCI_PREFIX + "v1+json", SOCI_PREFIX + "v2+json"
_ZTOC_TYPE = "application/octet-stream"


class _Found(NamedTuple):
    kind: str
    stated: bool  # by the image's manifest
    ztocs: Dict[str, Descriptor]  # by the digest of the layer each is about


class SociIndex:
    """The SOCI index of an image, looked for when a layer first asks. Safe to use from several threads."""

    def __init__(self, source: Source, image: Image) -> None:
        self._source = source
        self._image = image
        self._lock = threading.Lock()
        self._found: Optional[_Found] = None
        self._problem: Optional[LayerslayerError] = None

    def ztoc(self, layer: Descriptor) -> Optional[Ztoc]:
        """Return what the index knows of a layer, None where there is no index or it leaves that layer out.

        Raises as ``Source.manifest``, and CorruptLayer and LimitReached.
        """
        found = self._once()
        descriptor = found.ztocs.get(layer.digest)
        if descriptor is None:
            return None
        if descriptor.size >= min(layer.size, MAX_TOC):
            raise InvalidDocument("its {} bytes cost more than they spare".format(descriptor.size))
        lease = Lease(self._source.limits)
        lease.take(descriptor.size)
        body = bytearray()  # in one place: there may be a hundred megabytes of it
        for piece in verified_pieces(self._source.blob(descriptor), Verifier(descriptor)):
            body += piece
        lease.close()
        return Ztoc(found.kind, body, layer, found.stated, self._source.limits)

    def _once(self) -> _Found:
        with self._lock:
            if self._problem is not None:
                raise self._problem
            if self._found is None:
                try:
                    self._found = self._look()
                except LayerslayerError as error:
                    self._problem = error
                    raise
            return self._found

    def _look(self) -> _Found:
        digest = self._image.manifest.annotations.get(INDEX_DIGEST)
        if digest is not None:
            problem = digest_problem(digest)
            if problem:
                raise InvalidDocument("the image's manifest names it by no usable digest: {}".format(problem))
            known = Descriptor(OCI_MANIFEST, digest, UNKNOWN_SIZE, {})
            return _Found("SOCI v2", True, self._ztocs(known, V2))
        for entry in self._source.referrers(self._image.document.digest):
            if entry.artifact_type == V1:
                return _Found("SOCI v1", False, self._ztocs(entry, V1))
        return _Found("", False, {})

    def _ztocs(self, index: Descriptor, kind: str) -> Dict[str, Descriptor]:
        document = self._source.manifest(index.digest, index)
        manifest = parse_manifest(document.body, document.media_type, self._source.limits)
        if not isinstance(manifest, Manifest) or kind not in (manifest.config.media_type, manifest.artifact_type):
            raise InvalidDocument("the document {} is no SOCI index".format(index.digest))
        found: Dict[str, Descriptor] = {}
        for item in manifest.layers:
            about = item.annotations.get(LAYER_DIGEST, "")
            if item.media_type == _ZTOC_TYPE and about:  # others say what to fetch first, when an image is run
                found.setdefault(about, item)
        return found
