"""A repository of a registry that speaks the OCI Distribution API.

OCI distribution-spec "Pulling manifests", "Pulling blobs"; the same endpoints
as Docker Registry HTTP API v2.
"""

from __future__ import annotations

import io
from functools import partial
from typing import (
    TYPE_CHECKING,
    AbstractSet,
    BinaryIO,
    Callable,
    Dict,
    Iterator,
    Mapping,
    NamedTuple,
    Optional,
    Sequence,
    Tuple,
)

from ..errors import DigestMismatch, InvalidDocument, NotFound
from ..limits import DEFAULT, Limits, raising
from ..oci.descriptor import Descriptor, digest_of
from ..oci.docker_schema1 import signed_payload
from ..oci.media_types import ACCEPT
from ..oci.reference import Reference
from ..oci.source import Document, Source
from .auth.authorized_client import Handshake
from .auth.bearer import BearerAuth
from .blobs import RemoteBlobs
from .credentials import Login, UserToken
from .endpoint import RepositoryEndpoint
from .http.client import Transport
from .http.origin import origin_of
from .http.response import Answer
from .prefetch import Foresight

if TYPE_CHECKING:
    from ..errors import Tell

_QUOTED = 200  # characters of a server's own words


class Access(NamedTuple):
    """What the user has for one registry.

    ``find_login`` is asked for the login once the registry wants one,
    ``find_headers`` for what else only this registry is to see.
    """

    token: Optional[UserToken] = None
    find_login: Callable[[], Optional[Login]] = lambda: None
    trusted_realms: AbstractSet[str] = frozenset()  # hosts of auth services that see the login too
    find_headers: Callable[[], Mapping[str, str]] = dict


class RegistrySource(Source):
    """One repository of one registry.

    ``warn`` gets sentences for the user: a refused token, a wrong digest
    header, the registry's own warnings. They may quote the server.
    ``handshakes``, by repository, are those of other sources that use the
    transport one after the other; it is then not closed here.
    """

    def __init__(
        self,
        reference: Reference,
        transport: Transport,
        access: Access = Access(),  # noqa: B008  (it never changes)
        warn: Tell = lambda text: None,
        handshakes: Optional[Dict[str, Handshake]] = None,
        limits: Limits = DEFAULT,
    ) -> None:
        self.limits = limits
        self._transport = transport
        self._made_before = transport.requests_made
        self._shared = handshakes is not None
        base = transport.base_url(reference.api_host)
        handshake = handshakes.get(reference.path) if handshakes is not None else None
        if handshake is None:
            tell = transport.unspoken_to(warn)
            auth = BearerAuth(transport, origin_of(base), access.token, tell, access.find_login, access.trusted_realms)
            handshake = Handshake(transport, auth, base, tell, access.find_headers)
        if handshakes is not None:
            handshakes[reference.path] = handshake
        self._endpoint = RepositoryEndpoint(reference, base, handshake, transport.note, warn)
        self._blobs = RemoteBlobs(self._endpoint, transport)
        self._foresight: Foresight[Answer] = Foresight(Answer.close)
        self._lists: Foresight[Tuple[Descriptor, ...]] = Foresight(lambda found: None)

    @property
    def reference(self) -> Reference:
        """The image that the source was opened for."""
        return self._endpoint.reference

    def manifest(self, wanted: str, known: Optional[Descriptor] = None) -> Document:
        if known is not None and known.data is not None:
            return Document(known.data, known.digest, known.media_type)
        if known is not None and known.size > self.limits.document:
            raise _too_large(wanted, self.limits)
        answer = self._foresight.take("/manifests/" + wanted) or self._ask_manifest(wanted)
        body = answer.read(self.limits.document)
        if len(body) > self.limits.document:
            raise _too_large(wanted, self.limits)
        media_type = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
        if ":" in wanted:
            if digest_of(body, wanted) != wanted:
                body = signed_payload(body, self.limits)
            digest = digest_of(body, wanted)
            if digest != wanted:
                raise DigestMismatch("the manifest {} does not have that digest but {}.".format(wanted, digest))
            return Document(body, digest, known.media_type if known and known.media_type else media_type)
        body = signed_payload(body, self.limits)
        digest = digest_of(body)
        stated = answer.headers.get("docker-content-digest", digest)
        if stated.startswith("sha256:") and stated != digest:
            # Many registries get this header wrong for tags, so this warns and goes on.
            said = answer.quoted(stated, _QUOTED)
            self._endpoint.warn("the registry states the digest {} for {}, but it is {}".format(said, wanted, digest))
        return Document(body, digest, media_type)

    def blob(self, descriptor: Descriptor) -> BinaryIO:
        if descriptor.data is not None:
            return io.BytesIO(descriptor.data)
        try:
            return self._blobs.open(descriptor, self._foresight.take("/blobs/" + descriptor.digest))
        except NotFound:
            if not descriptor.urls:
                raise
            from .foreign_layers import ask_foreign  # which most images have no use for

            return ask_foreign(self._transport, descriptor).stream()

    def blob_range(self, descriptor: Descriptor, start: int, length: int) -> BinaryIO:
        """See ``Source.blob_range``. Raises RangeIgnored where the server does not serve just that."""
        if descriptor.data is not None:
            return io.BytesIO(descriptor.data[start : start + length])
        return self._blobs.open_range(descriptor, start, length) if length > 0 else io.BytesIO()

    def watch_repeats(self, spend: Callable[[int], None]) -> None:
        self._blobs.spend = spend

    def foresee_manifest(self, wanted: str) -> None:
        self._foresight.begin("/manifests/" + wanted, partial(self._ask_manifest, wanted))

    def _ask_manifest(self, wanted: str) -> Answer:
        path = self._endpoint.path + "/manifests/" + wanted
        return self._endpoint.ask("image", wanted, path, {"Accept": ACCEPT}, whole=self.limits.document)

    def foresee(self, descriptors: Sequence[Descriptor]) -> None:
        for descriptor in descriptors:
            if descriptor.data is None:
                self._foresight.begin("/blobs/" + descriptor.digest, partial(self._blobs.ask, descriptor.digest))

    def tags(self, page: int = 0) -> Iterator[str]:
        from .listings import MAX_TAGS_PAGE, listed_tags  # no verb but this one lists

        path = self._endpoint.path + "/tags/list" + ("?n={}".format(page) if page else "")
        ask = partial(self._endpoint.ask, "list of tags", "", whole=MAX_TAGS_PAGE)
        return listed_tags(ask, path, self._endpoint.origin, self._endpoint.warn)

    def foresee_referrers(self, digest: str) -> None:
        self._lists.begin(digest, partial(self._ask_referrers, digest))

    def referrers(self, digest: str) -> Tuple[Descriptor, ...]:
        found = self._lists.take(digest)
        return self._ask_referrers(digest) if found is None else found

    def _ask_referrers(self, digest: str) -> Tuple[Descriptor, ...]:
        from .listings import listed_referrers

        ask = partial(self._endpoint.ask, "referrers of", digest, whole=self.limits.document)
        path = self._endpoint.path + "/referrers/" + digest
        found = listed_referrers(ask, path, self._endpoint.origin, self.limits)
        return super().referrers(digest) if found is None else found

    def requests_made(self) -> int:
        return self._transport.requests_made - self._made_before

    def close(self) -> None:
        self._foresight.close()
        if not self._shared:
            self._transport.close()


def _too_large(wanted: str, limits: Limits) -> InvalidDocument:
    return InvalidDocument(
        "the manifest {} is larger than {} bytes.".format(wanted, limits.document), raising("document")
    )
