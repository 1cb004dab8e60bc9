"""What accompanies an image: attestations, SBOMs and signatures, found wherever people put them.

* the referrers API or its tag (distribution-spec "Listing Referrers");
* cosign's tags ``sha256-<hex>.sig``, ``.att``, ``.sbom``;
* attestation manifests beside the image in its index (BuildKit);
* the first two for the index too, since its digest is what a tag's signature signs.
"""

from __future__ import annotations

import base64
import binascii
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Sequence, Set, Tuple

from ..errors import InvalidDocument, LayerslayerError, NotFound
from ..oci.descriptor import Descriptor
from ..oci.image import Image
from ..oci.json_document import load_bounded
from ..oci.manifest import Index, Manifest, parse_manifest
from ..oci.source import Source
from ..oci.verify import Verifier, verified_pieces

MAX_PAYLOAD = 16 * 1024 * 1024  # bytes
_MAX_PAYLOADS = 4 * MAX_PAYLOAD  # all of one run together
_MAX_REFERRERS = 200  # looked into
_MAX_SHARE = 4  # times a document's bytes that all their manifests may have
_QUOTED = 1000  # characters of a statement's own words
_COSIGN = (".sig", ".att", ".sbom")
_SUBJECT = "vnd.docker.reference.digest"


class Payload(NamedTuple):
    """One blob of a referrer, and what it says if it could be read."""

    descriptor: Descriptor
    kind: str  # in-toto predicate type, or the media type
    told: str  # one line about it, or empty
    document: Optional[Dict[str, Any]]  # the statement, taken out of its envelope
    problem: str  # why it was not read


class Referrer(NamedTuple):
    """A manifest that refers to an image. ``found`` says how: referrers, attestation, or a tag.

    ``payloads`` are fetched one by one as they are asked for, once: all their documents would be too many.
    """

    found: str
    digest: str
    artifact_type: str
    payloads: Iterator[Payload]
    problem: str
    subject: str  # digest of the image, or of the index it was found in


def find_referrers(source: Source, image: Image) -> Iterator[Referrer]:
    """Yield what refers to an image, each manifest once. Raises what the source raises for the lists themselves."""
    seen = {image.document.digest}
    reading = _Reading(source)
    count = 0
    for found, wanted, descriptor, subject in _candidates(source, image):
        if descriptor is not None and descriptor.digest in seen:
            continue
        referrer = reading.referrer(found, wanted, descriptor, subject)
        if referrer is None or referrer.digest in seen:
            continue
        seen.add(referrer.digest)
        yield referrer
        count += 1
        if count >= _MAX_REFERRERS:
            raise InvalidDocument(
                "more than {} documents refer to the image; the rest is not shown.".format(_MAX_REFERRERS)
            )


def _candidates(source: Source, image: Image) -> Iterator[Tuple[str, str, Optional[Descriptor], str]]:
    digest = image.document.digest
    yield from _attached(source, digest)
    index, entries = _index_of(source, image)
    for descriptor in entries:
        yield "attestation", descriptor.digest, descriptor, digest
    if index not in ("", digest):
        yield from _attached(source, index)


def _attached(source: Source, digest: str) -> Iterator[Tuple[str, str, Optional[Descriptor], str]]:
    for descriptor in source.referrers(digest):
        yield "referrers", descriptor.digest, descriptor, digest
    for ending in _COSIGN:
        yield "tag", digest.replace(":", "-") + ending, None, digest


def _index_of(source: Source, image: Image) -> Tuple[str, Sequence[Descriptor]]:
    """Return the digest of the index that led to the image (empty for none), and its entries that are about it."""
    document = source.manifest(image.reference.wanted)
    parsed = parse_manifest(document.body, document.media_type, source.limits)
    if not isinstance(parsed, Index):
        return "", ()
    # The tag may have moved since the image was found; then these entries are about others, and none fits.
    about = [entry for entry in parsed.entries if entry.annotations.get(_SUBJECT) == image.document.digest]
    listed = any(entry.digest == image.document.digest or entry.is_index for entry in parsed.entries)
    return document.digest if listed else "", about


class _Reading:
    """Reads referrers, as many bytes in all as honest ones have many times over."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._manifests = _MAX_SHARE * source.limits.document  # bytes left
        self._payloads = _MAX_PAYLOADS

    def referrer(self, found: str, wanted: str, descriptor: Optional[Descriptor], subject: str) -> Optional[Referrer]:
        """Return a referrer of ``subject`` with its payloads; None for a tag that is not there."""
        if self._manifests <= 0:
            raise InvalidDocument("the documents that refer to the image are too large; the rest is not shown.")
        stated = descriptor.artifact_type if descriptor else ""
        try:
            document = self._source.manifest(wanted, descriptor)
            self._manifests -= len(document.body)
            parsed = parse_manifest(document.body, document.media_type, self._source.limits)
        except LayerslayerError as error:
            if isinstance(error, NotFound) and descriptor is None:
                return None
            return Referrer(found, wanted, stated, iter(()), str(error), subject)
        label = found if descriptor else "tag " + wanted
        if not isinstance(parsed, Manifest):
            return Referrer(label, document.digest, parsed.media_type, iter(()), "", subject)
        stated = stated or parsed.artifact_type or parsed.config.media_type
        payloads = (self._payload(layer, subject) for layer in parsed.layers)
        return Referrer(label, document.digest, stated, payloads, "", subject)

    def _payload(self, descriptor: Descriptor, subject: str) -> Payload:
        kind = descriptor.annotations.get("in-toto.io/predicate-type") or descriptor.media_type
        if not descriptor.media_type.endswith("json"):
            return Payload(descriptor, kind, "", None, "")
        if descriptor.size > MAX_PAYLOAD:
            return Payload(descriptor, kind, "", None, "it is larger than {} bytes".format(MAX_PAYLOAD))
        if descriptor.size > self._payloads:
            return Payload(descriptor, kind, "", None, "all are larger than {} bytes together".format(_MAX_PAYLOADS))
        self._payloads -= descriptor.size
        try:
            document = opened(_document(self._source, descriptor))
        except LayerslayerError as error:
            return Payload(descriptor, kind, "", None, str(error))
        predicate = document.get("predicateType")
        about = subjects(document)
        problem = "it is about ANOTHER image" if about and subject.partition(":")[2] not in about else ""
        return Payload(descriptor, predicate if isinstance(predicate, str) else kind, gist(document), document, problem)


def _document(source: Source, descriptor: Descriptor) -> Dict[str, Any]:
    body = b"".join(verified_pieces(source.blob(descriptor), Verifier(descriptor)))
    return load_bounded(body, "payload", MAX_PAYLOAD)


def opened(document: Dict[str, Any]) -> Dict[str, Any]:
    """Return the statement inside of a DSSE envelope or sigstore bundle; other documents as they are.

    Signatures are not verified.
    """
    inner = document.get("dsseEnvelope")
    envelope = inner if isinstance(inner, dict) else document
    payload = envelope.get("payload")
    if not isinstance(payload, str) or "payloadType" not in envelope:
        return document
    try:
        return load_bounded(base64.b64decode(payload, validate=True), "payload", MAX_PAYLOAD)
    except (binascii.Error, ValueError):
        return document


def subjects(document: Dict[str, Any]) -> Set[str]:
    """Return the hex digests that an in-toto statement or a cosign signature is about; none where it names none."""
    found: Set[str] = set()
    listed = document.get("subject")
    for item in listed if isinstance(listed, list) else ():
        digests = item.get("digest") if isinstance(item, dict) else None
        if isinstance(digests, dict):
            found.update(value for value in digests.values() if isinstance(value, str))
    critical = document.get("critical")
    signed = critical.get("image") if isinstance(critical, dict) else None
    digest = signed.get("docker-manifest-digest") if isinstance(signed, dict) else None
    if isinstance(digest, str):
        found.add(digest.partition(":")[2])
    return found


def gist(document: Dict[str, Any]) -> str:
    """Say in a few words what a statement, SBOM or signature holds; nothing for what is not known."""
    predicate = document.get("predicate")
    body = predicate if isinstance(predicate, dict) else document
    told: List[str] = []
    for key, word in (("packages", "packages"), ("components", "components"), ("files", "files")):
        if isinstance(body.get(key), list):
            told.append("{} {}".format(len(body[key]), word))
    critical = document.get("critical")
    signed = critical.get("image") if isinstance(critical, dict) else None
    if isinstance(signed, dict) and isinstance(signed.get("docker-manifest-digest"), str):
        told.append("signs {}".format(signed["docker-manifest-digest"][:_QUOTED]))
    builder = body.get("builder")
    if isinstance(builder, dict) and isinstance(builder.get("id"), str) and builder["id"]:
        told.append("built by {}".format(builder["id"][:_QUOTED]))
    return ", ".join(told)
