"""Faults of framing and of several kinds at once: they end in the exact listing, or in one sentence."""

from __future__ import annotations

import itertools
import re
import socket
import struct
from typing import Any, Callable, Dict, Tuple

import pytest

from layerslayer.demo.registry import Request, Response

from ..support.registry import NAME, Normal, Registry, store
from ..support.registry.faults import any_of, cut, first_byte, layer_digests, redirect, with_headers
from ..support.registry.running import Runner
from ..support.registry.wire import chunked, chunks_of, encoded, framed, head_of, http10, raw, with_length

LAYERS = any_of(layer_digests(store()))
FIRST = any_of(layer_digests(store())[:1])
ALWAYS = 10**9
PEEK = ["--peek-all", "--platform", "linux/amd64", "--timeout", "2", "--no-cache"]


def stated(*lengths: str) -> Any:
    """A whole body under these Content-Lengths."""
    return framed(lambda response: head_of(response, *("Content-Length: " + text for text in lengths)) + response.body)


def of_two_minds(request: Request, normal: Normal) -> Response:
    """Breaks off every 20 000 bytes; sends all, from its beginning, to who asks for the rest the first time."""
    response = cut(first_byte(request) + 20000)(request, normal)  # type: ignore[operator]
    if first_byte(request) == 20000:
        return Response(200, {"Content-Length": "99999"}, store().blobs[request.path.rpartition("/")[2]][:40000])
    return response


def all_as_a_part(request: Request, normal: Normal) -> Response:
    response = normal()
    if response.status != 200:
        return response
    size = len(response.body)
    span = {"Content-Range": "bytes 0-{}/{}".format(size - 1, size)}
    return response._replace(status=206, headers=dict(response.headers, **span))


def relative_realm(request: Request, normal: Normal) -> Response:
    response = normal()
    challenge = response.headers.get("WWW-Authenticate", "")
    shorter = {"WWW-Authenticate": re.sub('realm="http://[^/]*', 'realm="', challenge)} if challenge else {}
    return response._replace(headers=dict(response.headers, **shorter))


def closing(request: Request, normal: Normal) -> Response:
    """The connection is gone after each answer, which did not say so."""
    response = normal()
    return raw(head_of(response, "Content-Length: {}".format(len(response.body))) + response.body)


def encoded_and_cut() -> Callable[[Request, Normal], Response]:
    turns = itertools.count()

    def answer(request: Request, normal: Normal) -> Response:
        response = encoded()(request, normal)  # type: ignore[operator]
        if "range" in request.headers or next(turns) % 2:
            return response
        length = {"Content-Length": str(len(response.body))}
        return response._replace(headers=dict(response.headers, **length), body=response.body[:50000])

    return answer


def encoded_parts(request: Request, normal: Normal) -> Response:
    if "range" not in request.headers:
        return cut(20000)(request, normal)  # type: ignore[operator]
    response = normal()
    if first_byte(request) < 40000:
        return response._replace(headers=dict(response.headers, **{"Content-Encoding": "gzip"}))
    return response


CHUNKS_AND_LENGTH = framed(
    lambda response: (
        head_of(response, "Content-Length: 5", "Transfer-Encoding: chunked")
        + b"".join(chunks_of(response.body, 500))
        + b"0\r\n\r\n"
    )
)
# name: (path, answer, how many times); the listing is exact, what is saved is right, and the exit code 0
EXACT: Dict[str, Tuple[str, Any, int]] = {
    "chunks": (LAYERS, chunked(), ALWAYS),
    "chunks that break off": (LAYERS, chunked(30000), ALWAYS),
    "chunks that break off in their framing": (FIRST, chunked(30 * 1007, b"zz\r\n"), 1),
    "parts at some times only": (LAYERS, of_two_minds, ALWAYS),
    "206 for the whole": (LAYERS, all_as_a_part, ALWAYS),
    "a length too long": (LAYERS, with_length(100), ALWAYS),
    "a length too long, in manifests": ("/manifests/", with_length(100), 1),
    "a length too short": (LAYERS, with_length(-100), 1),
    "a length too short, in manifests": ("/manifests/", with_length(-100), 1),
    "a length beyond all": (FIRST, stated("9" * 30), ALWAYS),
    "a length that is no number": (FIRST, stated("abc"), ALWAYS),
    "a negative length": (FIRST, stated("-5"), ALWAYS),
    "a length and chunks": (FIRST, CHUNKS_AND_LENGTH, ALWAYS),
    "compressed for its way": (LAYERS, encoded(), ALWAYS),
    "compressed for its way, by an old name": (LAYERS, encoded("x-gzip"), ALWAYS),
    "compressed for its way, and it breaks off": (LAYERS, encoded_and_cut(), ALWAYS),
    "said to be compressed for its way": (LAYERS, with_headers(Content_Encoding="x-gzip"), ALWAYS),
    "parts compressed for their way": (FIRST, encoded_parts, 2),
    "compressed manifests": ("/manifests/", encoded(), ALWAYS),
    "a compressed token": ("/token", encoded(), ALWAYS),
    "HTTP/1.0": ("/", http10(True), ALWAYS),
    "HTTP/1.0 without lengths": ("/", http10(False), ALWAYS),
    "connections closed between requests": ("/", closing, ALWAYS),
    "no answer, once": ("/", raw(b""), 1),
    "no http, once": (FIRST, raw(b"hello\r\n"), 1),
    "continue, fifty times": (
        FIRST,
        framed(lambda response: b"HTTP/1.1 100 Continue\r\n\r\n" * 50 + head_of(response) + response.body),
        ALWAYS,
    ),
    "a relative realm": ("/v2/", relative_realm, ALWAYS),
}
TOLD: Dict[str, Tuple[str, Any, int, str]] = {
    "two lengths": (FIRST, stated("74590", "5"), 3, "headers contradict each other"),
    "no http": ("/manifests/", raw(b"hello\r\n"), 2, "its answer is no http"),
    "a long header": (
        FIRST, framed(lambda response: head_of(response, "X-A: " + "a" * 70000)), 3, "too many headers, or too long",
    ),
    "many headers": (FIRST, framed(lambda r: head_of(r, *["X-{}: a".format(i) for i in range(300)])), 3, "too many h"),
    "never an answer": (FIRST, raw(b""), 3, "it closed the connection without an answer"),
    "204": (FIRST, Response(204, {}), 3, "answered 204"),
    "206 for a piece": (FIRST, Response(206, {"Content-Range": "bytes 0-3/74590"}, b"abcd"), 3, "was asked for whole"),
    "a redirect to nowhere": (FIRST, redirect("http://127.0.0.1:99999/x"), 3, "its port is not between"),
    "a redirect of a thousand letters": (FIRST, redirect("http://" + "a" * 1000 + "/"), 3, "cannot be used"),
    "a redirect in bytes": (FIRST, redirect("http://\xff\x9b[31m/"), 3, "unreadable address"),
    "a token service that redirects": ("/token", redirect("/other"), 2, "answered 307"),
    "an endless token": ("/token", framed(lambda response: head_of(response) + b" " * 2**20), 2, "no usable token"),
    "an endless manifest": ("/manifests/", framed(lambda r: head_of(r) + b" " * 2**23), 2, "is larger than"),
    "an endless error": ("/manifests/", framed(lambda r: head_of(r._replace(status=404)) + b" " * 2**23), 2, "no ima"),
}  # fmt: skip


@pytest.mark.parametrize("case", EXACT)
def test_what_ends_exact(run: Runner, case: str) -> None:
    path, answer, times = EXACT[case]
    with Registry(challenge=True) as registry:
        expected = run(*PEEK, "-t", registry.target)
        registry.fault(path, answer, times)
        ran = run(*PEEK, "-t", registry.target)
    assert (ran.code, ran.out) == (0, expected.out), ran.err


@pytest.mark.parametrize("case", EXACT)
def test_what_is_saved_right(run: Runner, case: str) -> None:
    path, answer, times = EXACT[case]
    with Registry(challenge=True) as registry:
        registry.fault(path, answer, times)
        ran = run("--save-all", *PEEK[1:], "-t", registry.target)
    assert ran.code == 0, ran.err
    assert ran.out.count("digest verified") == len(layer_digests(store()))


@pytest.mark.parametrize("case", TOLD)
def test_what_is_told(run: Runner, case: str) -> None:
    path, answer, code, said = TOLD[case]
    with Registry(challenge=True) as registry:
        registry.fault(path, answer)
        ran = run(*PEEK, "-t", registry.target)
    assert ran.code == code
    told = [line for line in ran.err.splitlines() if said in line and "rying again" not in line]
    assert len(told) == 1, ran.err
    assert len(told[0]) < 500
    assert "Traceback" not in ran.err and "\x1b" not in ran.err + ran.out and "\x9b" not in ran.err + ran.out


def test_connections_reset_between_requests(run: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    with Registry(challenge=True) as registry:
        expected = run(*PEEK, "-t", registry.target)
        send = registry.send

        def reset_after(handler: Any, response: Response) -> None:
            send(handler, response)
            handler.connection.shutdown(socket.SHUT_WR)
            handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 0, 0))
            handler.close_connection = True

        monkeypatch.setattr(registry, "send", reset_after)
        ran = run(*PEEK, "-t", registry.target)
    assert (ran.code, ran.out) == (0, expected.out), ran.err


def test_a_storage_that_cuts_and_whose_addresses_serve_once(run: Runner) -> None:
    """Every part needs an address made anew; some are over before they were used."""
    with Registry() as storage, Registry(challenge=True) as registry:
        expected = run(*PEEK, "-t", registry.target)
        signatures = itertools.count()
        used = set()

        def sign(request: Request, normal: Normal) -> Response:
            where = "{}{}?sig={}".format(storage.url, request.path, next(signatures))
            return redirect(where) if normal().status in (200, 206) else normal()

        def once(request: Request, normal: Normal) -> Response:
            signature = request.query["sig"][0]
            if signature in used:
                return Response(403, {}, b"<Error>Request has expired</Error>")
            used.add(signature)
            return chunked(25000)(request, normal)  # type: ignore[operator]

        registry.fault(LAYERS, sign)
        storage.fault(LAYERS, once)
        ran = run(*PEEK, "-t", registry.target)
        assert (ran.code, ran.out) == (0, expected.out), ran.err
        assert len(used) > len(layer_digests(store()))
        assert set(storage.authorizations()) == {None}


def test_a_token_that_ends_in_the_middle_of_a_layer(run: Runner) -> None:
    with Registry(challenge=True) as registry:
        expected = run(*PEEK, "-t", registry.target)

        revocations = iter([True])

        def revoked(request: Request, normal: Normal) -> Response:
            if "range" not in request.headers:
                return cut(30000)(request, normal)  # type: ignore[operator]
            if next(revocations, False):
                registry.revoke()
            return normal()

        registry.fault(FIRST, revoked)
        ran = run(*PEEK, "-t", registry.target)
    assert (ran.code, ran.out) == (0, expected.out), ran.err


def test_the_body_of_a_redirect_is_not_read(run: Runner) -> None:
    """Or a server could send for ever what nobody asked for."""
    with Registry() as registry:
        sent = []

        def endless(handler: Any, response: Response) -> None:
            if response.status != 307:
                send(handler, response)
                return
            handler.wfile.write(head_of(response))
            try:
                while len(sent) < 4096:
                    handler.wfile.write(bytes(65536))
                    sent.append(65536)
            except OSError:
                pass
            handler.close_connection = True

        send = registry.send
        registry.send = endless  # type: ignore[method-assign]
        registry.fault(FIRST, lambda request, normal: normal() if request.query else redirect(request.path + "?x=1"))
        ran = run(*PEEK, "-t", registry.target)
        assert ran.code == 0, ran.err
        assert len(sent) < 4096


@pytest.mark.skipif(not socket.has_ipv6, reason="there is no IPv6 here")
def test_a_registry_at_an_ipv6_address(run: Runner) -> None:
    listener = socket.socket(socket.AF_INET6)
    try:
        listener.bind(("::1", 0))
    except OSError:
        pytest.skip("there is no IPv6 here")
    listener.listen(16)
    registry = Registry(challenge=True)
    registry._server.socket.close()
    registry._server.socket = listener
    registry.host = "[::1]:{}".format(listener.getsockname()[1])
    registry.url = "http://" + registry.host
    with registry:
        ran = run(*PEEK, "-t", "{}/{}:1.0".format(registry.host, NAME))
    assert ran.code == 0, ran.err
    assert ran.out.count("digest verified; complete") == len(layer_digests(store()))
