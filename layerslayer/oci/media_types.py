"""The media types that decide how a document or blob is read."""

from __future__ import annotations

OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
ARTIFACT_MANIFEST = "application/vnd.oci.artifact.manifest.v1+json"  # of a draft; some registries still hold some
EMPTY_CONFIG = "application/vnd.oci.empty.v1+json"
INDEX_TYPES = (OCI_INDEX, DOCKER_LIST)
MANIFEST_TYPES = (OCI_MANIFEST, DOCKER_MANIFEST)
SCHEMA1_PREFIX = "application/vnd.docker.distribution.manifest.v1+"
ACCEPT = ", ".join(
    (
        OCI_INDEX,
        DOCKER_LIST,
        OCI_MANIFEST,
        DOCKER_MANIFEST,
        ARTIFACT_MANIFEST,
        SCHEMA1_PREFIX + "prettyjws",
        SCHEMA1_PREFIX + "json",
        "*/*",
    )
)
CONFIG_TYPES = ("application/vnd.oci.image.config.v1+json", "application/vnd.docker.container.image.v1+json")
# Old images label their config like this; the content decides (moby registry.go).
VAGUE_TYPES = ("", "application/octet-stream", "application/json", "text/html", "text/plain")
ATTESTATION = "application/vnd.docker.attestation.manifest.v1+json"
SOCI_PREFIX = "application/vnd.amazon.soci.index."
