"""Parts of blobs: what the registry answers decides whether they are believed."""

from __future__ import annotations

from typing import Callable, Dict

import pytest

from layerslayer.demo.registry import Request, Response
from layerslayer.errors import NotFound, RangeIgnored, RegistryError, Unreachable
from layerslayer.oci.descriptor import Descriptor, digest_of

from ..support.registry import Normal, Opened, Registry, store
from ..support.registry.faults import cut

BODY = bytes(range(200))
BLOB = Descriptor("application/octet-stream", digest_of(BODY), len(BODY), {})


def registry() -> Registry:
    content = store()
    content.blobs[BLOB.digest] = BODY
    return Registry(content)


@pytest.mark.parametrize("start, length", [(0, 1), (0, 200), (199, 1), (50, 70), (10, 0)])
def test_a_part_is_just_those_bytes(start: int, length: int) -> None:
    with registry() as server, Opened(server) as source:
        part = source.blob_range(BLOB, start, length)
        assert part.read(7) + part.read(1000) == BODY[start : start + length]
        part.close()


def test_inline_data_needs_no_request() -> None:
    with registry() as server, Opened(server) as source:
        assert source.blob_range(BLOB._replace(data=BODY), 3, 4).read() == BODY[3:7]
        assert server.requests == []


def answered(status: int, content_range: str = "", body: bytes = BODY[50:60]) -> Response:
    headers: Dict[str, str] = {"Content-Range": content_range} if content_range else {}
    return Response(status, headers, body)


IGNORED = {
    "the whole": answered(200, "", BODY),
    "no such range": answered(416, "bytes */200"),
    "bad request": answered(400),
    "no header": answered(206),
    "another start": answered(206, "bytes 51-60/200"),
    "another end": answered(206, "bytes 50-58/200"),
    "another total": answered(206, "bytes 50-59/201"),
    "nonsense": answered(206, "bytes fifty"),
    "huge": answered(206, "bytes " + "5" * 100 + "-59/200"),
}


@pytest.mark.parametrize("answer", IGNORED.values(), ids=IGNORED.keys())
def test_another_answer_is_not_believed(answer: Response) -> None:
    with registry() as server, Opened(server) as source:
        server.fault("/blobs/", answer)
        with pytest.raises(RangeIgnored):
            source.blob_range(BLOB, 50, 10)


def test_an_unknown_total_will_do() -> None:
    with registry() as server, Opened(server) as source:
        server.fault("/blobs/", answered(206, "bytes 50-59/*"))
        assert source.blob_range(BLOB, 50, 10).read() == BODY[50:60]


def test_a_part_that_ends_early_is_told() -> None:
    with registry() as server, Opened(server) as source:
        server.fault("/blobs/", cut(55))
        with pytest.raises(Unreachable, match="broke before all data"):
            source.blob_range(BLOB, 50, 10).read()


@pytest.mark.parametrize("status, error", [(404, NotFound), (500, RegistryError)])
def test_other_refusals_are_as_for_whole_blobs(status: int, error: Callable[..., Exception]) -> None:
    with registry() as server, Opened(server) as source:
        server.fault("/blobs/", Response(status, {}, b""))
        with pytest.raises(error):  # type: ignore[call-overload]
            source.blob_range(BLOB, 50, 10)


def test_the_range_goes_along_with_a_redirect() -> None:
    with registry() as storage, registry() as server, Opened(server) as source:

        def redirect(request: Request, normal: Normal) -> Response:
            return Response(307, {"Location": "http://{}{}".format(storage.host, request.path)}, b"")

        server.fault("/blobs/", redirect)
        assert source.blob_range(BLOB, 50, 10).read() == BODY[50:60]
        assert storage.authorizations("/blobs/") == [None]
