"""The menu of faults: each goes through the command line, and ends in the exact listing or in one sentence."""

from __future__ import annotations

import email.utils
import time
from typing import Any, Callable, Dict, Tuple

import pytest

from layerslayer.demo.registry import Request, Response

from ..conftest import PAUSES
from ..support.registry import NAME, Normal, Registry, store
from ..support.registry.faults import (
    HTML,
    altered,
    any_of,
    cut,
    flipped,
    layer_digests,
    redirect,
    stalled,
    token_body,
    unframed,
    with_headers,
)
from ..support.registry.running import Runner
from ..support.registry.wire import raw

LAYERS = any_of(layer_digests(store()))
FIRST = any_of(layer_digests(store())[:1])
PULL_LIMIT = b'{"errors": [{"code": "TOOMANYREQUESTS", "message": "You have reached your pull rate limit."}]}'


def every(count: int) -> Callable[[Request, Normal], Response]:
    """No answer brings more than ``count`` bytes."""

    def answer(request: Request, normal: Normal) -> Response:
        response = normal()
        length = {"Content-Length": str(len(response.body))}
        return response._replace(headers=dict(response.headers, **length), body=response.body[:count])

    return answer


def resumed_with(response: Callable[[Response, Request], Response]) -> Callable[[Request, Normal], Response]:
    """A first answer that breaks off; what asks for the rest gets ``response`` of the normal answer."""

    def answer(request: Request, normal: Normal) -> Response:
        if "range" in request.headers:
            return response(normal(), request)
        if not broken:
            broken.append(True)
            return cut(1000)(request, normal)  # type: ignore[operator]
        return normal()

    broken: list[bool] = []
    return answer


def whole(response: Response, request: Request) -> Response:
    digest = request.path.rpartition("/")[2]
    return Response(200, {"Content-Type": "application/octet-stream"}, store().blobs[digest])


def ranged(value: str) -> Callable[[Response, Request], Response]:
    def change(response: Response, request: Request) -> Response:
        headers = {name: text for name, text in response.headers.items() if name != "Content-Range"}
        return response._replace(headers=dict(headers, **({"Content-Range": value} if value else {})))

    return change


def limited(after: str = "", body: bytes = b"429 Too Many Requests", status: int = 429) -> Response:
    return Response(status, {"Retry-After": after} if after else {}, body)


# name: (path, answer, how many times); after them the listing is exact and the exit code 0
SURVIVED: Dict[str, Tuple[str, Any, int]] = {
    "a layer that breaks off at once": (LAYERS, cut(0), 1),
    "a layer that breaks off in the middle": (FIRST, cut(30000), 1),
    "a layer that breaks off every 20 000 bytes": (LAYERS, every(20000), 10**9),
    "a body shorter than the layer, of an honest length": (FIRST, altered(lambda body: body[:-700]), 1),
    "no Content-Length": (LAYERS, unframed(10**9), 10**9),
    "no Content-Length, and it breaks off": (FIRST, unframed(20000), 1),
    "a layer that stalls": (FIRST, stalled(20000), 1),
    "the rest asked for, all of it comes": (FIRST, resumed_with(whole), 10**9),
    "the rest asked for, another part comes": (FIRST, resumed_with(ranged("bytes 5-74589/74590")), 10**9),
    "the rest asked for, the total is another": (FIRST, resumed_with(ranged("bytes 1000-74589/99999")), 10**9),
    "the rest asked for, no Content-Range": (FIRST, resumed_with(ranged("")), 10**9),
    "the rest asked for, 416": (FIRST, resumed_with(lambda answer, request: Response(416, {}, b"")), 10**9),
    "the rest asked for, 400": (FIRST, resumed_with(lambda answer, request: Response(400, {}, b"")), 10**9),
    "other bytes, once": (FIRST, altered(flipped), 1),
    "429 with seconds": (LAYERS, limited("3"), 2),
    "429 with a date": (LAYERS, limited(email.utils.formatdate(time.time() + 20, usegmt=True)), 1),
    "429 with a negative wait": (LAYERS, limited("-7"), 1),
    "429 with words": (LAYERS, limited("soon"), 1),
    "429 with nothing": (LAYERS, limited(), 3),
    "503 in HTML": (LAYERS, Response(503, {"Content-Type": "text/html"}, HTML), 3),
    "500": (LAYERS, Response(500, {}), 3),
    "502": ("/manifests/", Response(502, {}), 2),
    "504": ("/manifests/", Response(504, {}), 1),
    "408": ("/manifests/", Response(408, {}), 1),
    "a manifest that breaks off": ("/manifests/", cut(20), 2),
    "a manifest that stalls": ("/manifests/", stalled(20), 1),
    "a token service that fails": ("/token", Response(503, {}), 2),
    "a token service that breaks off": ("/token", cut(3), 1),
    "a token that lasts a second": ("/token", None, 0),
    "401 in the middle": (LAYERS, Response(401, {}, b"{}"), 0),
    "gzip as Content-Encoding": (LAYERS, with_headers(Content_Encoding="gzip"), 10**9),
    "a wrong Docker-Content-Digest": ("/manifests/1.0", with_headers(Docker_Content_Digest="sha256:" + "0" * 64), 1),
}

# name: (path, answer, exit code, a part of the sentence)
TOLD: Dict[str, Tuple[str, Any, int, str]] = {
    "429 with an absurd wait": ("/manifests/", limited("99999"), 2, "try again in 27.8 hours"),
    "429 with an absurd wait for a layer": (FIRST, limited("99999"), 3, "(429). try again in 27.8 hours"),
    "a token service that redirects": ("/token", redirect("http://127.0.0.1:1/"), 2, "answered 307. tokens are not"),
    "headers without end": (
        "/manifests/",
        raw(b"HTTP/1.1 100 Continue\r\n\r\n" * 100_000 + b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
        2,
        "its answer has too many headers",
    ),
    "429, the pull limit": ("/manifests/", limited(body=PULL_LIMIT), 2, "the pull limit of"),
    "429 for ever": ("/manifests/", limited(), 2, "limits how many requests may be made at once"),
    "503 for ever": ("/manifests/", Response(503, {}, HTML), 2, "answered 503 to the request"),
    "a layer that never comes whole": (FIRST, cut(40000), 3, "broke before all data had arrived"),
    "other bytes, always": (FIRST, altered(flipped), 3, "layer 0 is not listed completely"),
    "more than stated": (FIRST, altered(lambda body: body + b"\0"), 3, "larger than the"),
    "a redirect loop": (FIRST, lambda request, normal: redirect(request.path), 3, "redirects more than 10 times"),
    "a redirect to a file": (FIRST, redirect("file:///etc/passwd"), 3, "not http or https"),
    "a redirect to nowhere": (FIRST, redirect("http://[::1"), 3, "unreadable address"),
    "a token service that never answers right": ("/token", token_body(HTML), 2, "no usable token"),
    "a token service in pieces": ("/token", cut(3), 2, "broke before all data"),
}


@pytest.mark.parametrize("case", SURVIVED)
def test_what_is_survived(run: Runner, case: str) -> None:
    path, answer, times = SURVIVED[case]
    command = ["--peek-all", "--platform", "linux/amd64", "--timeout", "1", "--no-cache"]
    with Registry(challenge=True) as registry:
        expected = run(*command, "-t", registry.target)
        if answer is not None and times:
            registry.fault(path, answer, times)
        elif path == "/token":
            registry.fault("/token", lambda request, normal: _short_lived(normal()))
        else:
            registry.fault(LAYERS, lambda request, normal: registry.revoke() or normal(), 1)  # type: ignore[func-returns-value]
        ran = run(*command, "-t", registry.target)
    assert ran.code == 0, ran.err
    assert ran.out.replace("; NOTE: it arrived damaged and was read twice", "") == expected.out
    assert "Traceback" not in ran.err


def _short_lived(response: Response) -> Response:
    return response._replace(body=response.body.replace(b'"expires_in": 300', b'"expires_in": 1'))


@pytest.mark.parametrize("case", TOLD)
def test_what_is_told(run: Runner, case: str) -> None:
    path, answer, code, said = TOLD[case]
    with Registry(challenge=True) as registry:
        registry.fault(path, answer)
        ran = run("--peek-all", "--platform", "linux/amd64", "-t", registry.target)
    assert ran.code == code
    told = [line for line in ran.err.lower().splitlines() if said in line and "trying again" not in line]
    assert len(told) == 1, ran.err
    assert "Traceback" not in ran.err
    assert "\x1b" not in ran.err + ran.out


def test_the_pull_limit_is_not_hammered(run: Runner) -> None:
    with Registry() as registry:
        registry.fault("/manifests/", limited(body=PULL_LIMIT))
        run("--peek-all", "-t", registry.target)
        assert len(registry.asked("/manifests/")) == 1


def test_a_wait_is_kept_and_told(run: Runner) -> None:
    PAUSES.clear()
    with Registry() as registry:
        registry.fault("/manifests/", limited("42"), 1)
        ran = run("--peek-all", "-t", registry.target)
    assert PAUSES == [42.0]
    assert ran.err.count("Trying again in 42 seconds") == 1


def test_a_quota_that_ends_is_told_once(run: Runner) -> None:
    quota = {"ratelimit-limit": "100;w=21600", "ratelimit-remaining": "3;w=21600"}
    with Registry() as registry:

        def answer(request: Request, normal: Normal) -> Response:
            response = normal()
            return response._replace(headers=dict(response.headers, **quota))

        registry.fault("/manifests/", answer)
        ran = run("--peek-all", "-t", registry.target)
    assert ran.code == 0
    assert ran.err.count("3 of 100 pulls in 6 hours are left") == 1


@pytest.mark.parametrize("status", [401, 403])
def test_an_address_that_was_signed_is_made_anew(run: Runner, status: int) -> None:
    """Storage that refuses a signature whose time is over; the registry gives a fresh one. No token goes there."""
    with Registry() as storage, Registry(challenge=True) as registry:
        signatures = iter(range(10**6))

        def sign(request: Request, normal: Normal) -> Response:
            response = normal()
            where = "{}{}?sig={}".format(storage.url, request.path, next(signatures))
            return redirect(where) if response.status == 200 else response

        registry.fault(LAYERS, sign)
        storage.fault(LAYERS, Response(status, {}, b"<Error>Request has expired</Error>"), 1)
        ran = run("--peek-all", "--platform", "linux/amd64", "-t", registry.target)
        sent = [request.query["sig"] for request in storage.asked(LAYERS)]
        assert ran.code == 0, ran.err
        assert len(sent) == len({tuple(sig) for sig in sent}) == len(layer_digests(store())) + 1
        assert set(storage.authorizations()) == {None}
        assert "sig=" not in ran.out + ran.err


def test_no_more_tries_than_asked_for(run: Runner) -> None:
    with Registry() as registry:
        registry.fault("/manifests/", Response(503, {}))
        run("--peek-all", "--retries", "2", "-t", registry.target)
        assert len(registry.asked("/manifests/")) == 3
        run("--peek-all", "--retries", "0", "-t", "{}/{}:1.0".format(registry.host, NAME))
        assert len(registry.asked("/manifests/")) == 4
