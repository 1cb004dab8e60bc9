"""Images in a tar of an OCI layout, read in place."""

from __future__ import annotations

from ..oci.local_reference import LocalReference
from .files import OpenFile, open_regular
from .oci_layout import OciLayout
from .tar_file import TarIndex


def open_oci_archive(reference: LocalReference) -> OciLayout:
    """Open the file of an ``oci-archive:`` reference. Raises as OciLayout and TarIndex."""
    return OciLayout(TarIndex(OpenFile(open_regular(reference.path), reference.path)))
