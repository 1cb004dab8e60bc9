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
    Optional,
    Sequence,
    Tuple,
    cast,
)

from ..errors import DigestMismatch, InvalidDocument, NotFound, RangeIgnored, RegistryError
from ..limits import DEFAULT, Limits, raising
from ..oci.descriptor import UNKNOWN_SIZE, Descriptor, digest_of
from ..oci.docker_schema1 import signed_payload
from ..oci.media_types import ACCEPT, CONFIG_TYPES
from ..oci.reference import Reference
from ..oci.source import Document, Source
from .auth.authorized_client import Handshake
from .auth.bearer import BearerAuth
from .byte_range import Part, range_problem
from .content_encoding import unwrapped
from .credentials import Login, UserToken
from .http.client import Transport
from .http.origin import origin_of
from .http.response import Answer
from .http.retries import allowance
from .prefetch import Foresight
from .resumable_body import SteadyBody

if TYPE_CHECKING:
    from ..errors import Tell

_WHOLE_STATUSES = (200, 206)  # the last where a server takes all for a part
_PART_STATUSES = (200, 206, 400, 416)  # the last two: no such range here, though the blob may be there
_QUOTED = 200  # characters of a server's own words


class RegistrySource(Source):
    """One repository of one registry.

    ``find_login`` is asked for the user's login once the registry wants one,
    ``find_headers`` for what else only this registry is to see.
    ``warn`` gets sentences for the user: a refused token, a wrong digest
    header, the registry's own warnings. They may quote the server.
    ``handshakes``, by repository, are those of other sources that use the
    transport one after the other; it is then not closed here.
    """

    def __init__(
        self,
        reference: Reference,
        transport: Transport,
        token: Optional[UserToken] = None,
        warn: Tell = lambda text: None,
        find_login: Callable[[], Optional[Login]] = lambda: None,
        trusted_realms: AbstractSet[str] = frozenset(),
        find_headers: Callable[[], Mapping[str, str]] = dict,
        handshakes: Optional[Dict[str, Handshake]] = None,
        limits: Limits = DEFAULT,
    ) -> None:
        self.limits = limits
        self.reference = reference
        self._transport = transport
        self._warn = warn
        base = transport.base_url(reference.api_host)
        self._origin = origin_of(base)
        self._told_quota = False
        self._shared = handshakes is not None
        self._made_before = transport.requests_made
        handshake = handshakes.get(reference.path) if handshakes is not None else None
        if handshake is None:
            tell = transport.unspoken_to(warn)
            auth = BearerAuth(transport, self._origin, token, tell, find_login, trusted_realms)
            handshake = Handshake(transport, auth, base, tell, find_headers)
        if handshakes is not None:
            handshakes[reference.path] = handshake
        self._handshake = handshake
        self._foresight: Foresight[Answer] = Foresight(Answer.close)
        self._lists: Foresight[Tuple[Descriptor, ...]] = Foresight(lambda found: None)
        self._spend: Callable[[int], None] = lambda count: None
        self._path = "/v2/" + reference.path
        self._scope = "repository:{}:pull".format(reference.path)

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
            # Many registries get this header wrong for tags, so it is told, not fatal.
            said = answer.quoted(stated, _QUOTED)
            self._warn("the registry states the digest {} for {}, but it is {}".format(said, wanted, digest))
        return Document(body, digest, media_type)

    def blob(self, descriptor: Descriptor) -> BinaryIO:
        if descriptor.data is not None:
            return io.BytesIO(descriptor.data)
        path = "/blobs/" + descriptor.digest
        try:
            stream = self._whole(descriptor, self._foresight.take(path))
        except NotFound:
            if not descriptor.urls:
                raise
            from .foreign_layers import ask_foreign  # which most images have no use for

            return ask_foreign(self._transport, descriptor).stream()
        return self._steady(descriptor, stream, 0, descriptor.size)

    def _whole(self, descriptor: Descriptor, answer: Optional[Answer] = None) -> BinaryIO:
        """Return the whole of a blob as it comes; of ``answer``, if that was asked for before."""
        answer = answer or self._get("/blobs/" + descriptor.digest, "blob", None, _WHOLE_STATUSES)
        problem = range_problem(answer, 0, descriptor.size, descriptor.size) if answer.status == 206 else ""
        if problem:
            answer.close()
            raise RegistryError("{} sent a part of a blob that was asked for whole: {}.".format(answer.host, problem))
        return unwrapped(answer, descriptor.media_type, _is_document(descriptor))

    def blob_range(self, descriptor: Descriptor, start: int, length: int) -> BinaryIO:
        """See ``Source.blob_range``. Raises RangeIgnored where the server does not serve just that.

        Single ranges only (RFC 9110, 14.2): some storages refuse several at once.
        """
        if descriptor.data is not None:
            return io.BytesIO(descriptor.data[start : start + length])
        if length <= 0:
            return io.BytesIO()
        end = start + length
        stream = self._part(descriptor, self._ask_part(descriptor, start, end), start, end)
        return cast(BinaryIO, Part(self._steady(descriptor, stream, start, end), length))

    def _steady(self, descriptor: Descriptor, stream: BinaryIO, start: int, end: int) -> BinaryIO:
        def part(position: int) -> Tuple[BinaryIO, int]:
            if position == 0 and end == descriptor.size:
                return self._whole(descriptor), 0
            answer = self._ask_part(descriptor, position, end)
            if answer.status == 200:  # all of it, though the rest would do
                return self._whole(descriptor, answer), 0
            return self._part(descriptor, answer, position, end), position

        transport = self._transport
        known = None if end == UNKNOWN_SIZE else end
        whole = partial(self._whole, descriptor)
        body = SteadyBody(stream, start, known, part, whole, transport.attempts, transport.note, self._spend)
        return cast(BinaryIO, body)

    def _ask_part(self, descriptor: Descriptor, start: int, end: int) -> Answer:
        wanted = {"Range": "bytes={}-{}".format(start, end - 1)}
        return self._get("/blobs/" + descriptor.digest, "blob", wanted, _PART_STATUSES)

    def _part(self, descriptor: Descriptor, answer: Answer, start: int, end: int) -> BinaryIO:
        """Return the body of an answer as the bytes [start, end) of a blob. Raises RangeIgnored."""
        problem = range_problem(answer, start, end - start, descriptor.size)
        if problem:
            answer.close()
            raise RangeIgnored("{} does not serve parts of a blob: {}.".format(answer.host, problem), "", answer.status)
        return answer.stream(_is_document(descriptor))

    def watch_repeats(self, spend: Callable[[int], None]) -> None:
        self._spend = spend

    def foresee_manifest(self, wanted: str) -> None:
        self._foresight.begin("/manifests/" + wanted, partial(self._ask_manifest, wanted))

    def _ask_manifest(self, wanted: str) -> Answer:
        path = self._path + "/manifests/" + wanted
        return self._ask("image", wanted, path, {"Accept": ACCEPT}, whole=self.limits.document)

    def foresee(self, descriptors: Sequence[Descriptor]) -> None:
        for descriptor in descriptors:
            if descriptor.data is None:
                path = "/blobs/" + descriptor.digest
                self._foresight.begin(path, partial(self._get, path, "blob", None, _WHOLE_STATUSES))

    def tags(self, page: int = 0) -> Iterator[str]:
        from .listings import MAX_TAGS_PAGE, listed_tags  # no verb but this one lists

        path = self._path + "/tags/list" + ("?n={}".format(page) if page else "")
        return listed_tags(partial(self._ask, "list of tags", "", whole=MAX_TAGS_PAGE), path, self._origin, self._warn)

    def foresee_referrers(self, digest: str) -> None:
        self._lists.begin(digest, partial(self._ask_referrers, digest))

    def referrers(self, digest: str) -> Tuple[Descriptor, ...]:
        found = self._lists.take(digest)
        return self._ask_referrers(digest) if found is None else found

    def _ask_referrers(self, digest: str) -> Tuple[Descriptor, ...]:
        from .listings import listed_referrers

        ask = partial(self._ask, "referrers of", digest, whole=self.limits.document)
        found = listed_referrers(ask, self._path + "/referrers/" + digest, self._origin, self.limits)
        return super().referrers(digest) if found is None else found

    def requests_made(self) -> int:
        return self._transport.requests_made - self._made_before

    def close(self) -> None:
        self._foresight.close()
        if not self._shared:
            self._transport.close()

    def _get(
        self, path: str, what: str, headers: Optional[Dict[str, str]] = None, good: Tuple[int, ...] = (200,)
    ) -> Answer:
        return self._ask(what, path.rpartition("/")[2], self._path + path, headers, good)

    def _ask(
        self,
        what: str,
        wanted: str,
        path: str,
        headers: Optional[Dict[str, str]],
        good: Tuple[int, ...] = (200,),
        whole: int = 0,
    ) -> Answer:
        """GET ``path``, its body of up to ``whole`` bytes at once (see ``Transport.get``).

        ``what`` and ``wanted`` say in errors what it was for, ``good`` which statuses are none.
        """
        answer = self._handshake.get(path, self._scope, headers, whole)
        warning = answer.headers.get("warning", "")
        if warning.startswith("299 "):
            self._warn("the registry says: " + answer.quoted(warning[4:].lstrip("- "), _QUOTED))
        self._watch_quota(answer)
        if answer.status in good:
            return answer
        from .refusals import refusal  # which most runs do without

        raise refusal(answer, self.reference, self._origin, what, wanted)

    def _watch_quota(self, answer: Answer) -> None:
        quota = allowance(answer.headers)
        if quota is None:
            return
        self._transport.note("{}: {}".format(self.reference.domain, quota))
        if quota.low and not self._told_quota:
            self._told_quota = True
            self._warn("{}: {}; log in for more".format(self.reference.domain, quota))


def _is_document(descriptor: Descriptor) -> bool:
    """Whether a blob is an image's config or a statement about it, and no layer."""
    return descriptor.media_type in CONFIG_TYPES or descriptor.media_type.endswith("json")


def _too_large(wanted: str, limits: Limits) -> InvalidDocument:
    return InvalidDocument(
        "the manifest {} is larger than {} bytes.".format(wanted, limits.document), raising("document")
    )
