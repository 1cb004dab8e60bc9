"""Names inside an OCI image layout (OCI image-spec ``image-layout.md``). Pure."""

from __future__ import annotations

REF_NAME = "org.opencontainers.image.ref.name"


def blob_name(digest: str) -> str:
    """Return where a layout keeps the blob of a validated digest."""
    algorithm, _, value = digest.partition(":")
    return f"blobs/{algorithm}/{value}"
