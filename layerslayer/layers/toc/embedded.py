"""Whether a layer brings a table of contents of its own, and which."""

from __future__ import annotations

from typing import Optional

from ...errors import CorruptLayer
from ...formats.magic import is_tar_type
from ...limits import DEFAULT, Limits
from ...oci.descriptor import Descriptor
from . import estargz, zstd_chunked
from .base import OpenRange
from .chunked import Toc

_WORTH_IT = 64 * 1024  # bytes of a layer below which asking costs as much as reading


def states_toc(descriptor: Descriptor) -> bool:
    """Whether the manifest says that a layer brings a table of its own."""
    return estargz.DIGEST in descriptor.annotations or zstd_chunked.stated(descriptor)


def worth_asking(descriptor: Descriptor) -> bool:
    """Whether a table that the manifest does not mention is worth looking for."""
    return descriptor.size >= _WORTH_IT and is_tar_type(descriptor.media_type)


def find_toc(descriptor: Descriptor, open_range: OpenRange, limits: Limits = DEFAULT) -> Optional[Toc]:
    """Return a layer's own table of contents, or None.

    By the manifest's annotations, or, as those are often lost, by the blob's
    end. A layer that bears both kinds of annotation is refused, as two readers
    would see two contents. Raises CorruptLayer, DigestMismatch, MissingBinding
    and what ``open_range`` raises.
    """
    if estargz.DIGEST in descriptor.annotations and zstd_chunked.stated(descriptor):
        raise CorruptLayer("layer", 0, "it claims two tables of contents")
    if zstd_chunked.stated(descriptor):
        return zstd_chunked.find(descriptor, open_range, limits)
    if estargz.DIGEST in descriptor.annotations:
        return estargz.find(descriptor, open_range, limits)
    if not worth_asking(descriptor):
        return None
    finder = zstd_chunked.find if descriptor.media_type.endswith("zstd") else estargz.find
    return finder(descriptor, open_range, limits)
