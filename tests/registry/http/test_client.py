"""Redirects followed by hand, and failures that may pass tried again, from the first address on."""

from __future__ import annotations

import re
from typing import Dict, Iterator, List

import pytest

from layerslayer.errors import ConnectionLost, Exposed, InvalidAddress, RegistryError, Unreachable
from layerslayer.registry.http.client import MAX_REDIRECTS, Transport
from layerslayer.registry.http.origin_headers import Shown

from ...attacks.wire import Wire, head, whole

Answers = Dict[str, List[bytes]]


class Server(Wire):
    """Answers each path with what ``answers`` has for it, one after the other, the last for ever."""

    def __init__(self, answers: Answers) -> None:
        super().__init__(lambda path: [answers[path].pop(0) if len(answers[path]) > 1 else answers[path][0]])

    def url(self, path: str) -> str:
        return "http://{}{}".format(self.host, path)


def to(path: str, status: int = 307) -> bytes:
    return head("Location: " + path, "Content-Length: 0", status=status)


def refusal(status: int, *more: str) -> bytes:
    return head("Content-Length: 0", *more, status=status)


@pytest.fixture
def transport() -> Iterator[Transport]:
    made = Transport(attempts=2, timeout=20)
    yield made
    made.close()


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_followed(transport: Transport, status: int) -> None:
    with Server({"/a/b": [to("c?d", status)], "/a/c?d": [to("/e", status)], "/e": [whole(b"ok")]}) as server:
        answer = transport.get(server.url("/a/b"))
        assert (answer.read(9), answer.url) == (b"ok", server.url("/e"))
        assert server.asked == ["/a/b", "/a/c?d", "/e"] and transport.requests_made == 3


def test_redirects_without_end_are_given_up(transport: Transport) -> None:
    with Server({"/a": [to("/a")]}) as server:
        with pytest.raises(RegistryError, match="redirects more than {} times".format(MAX_REDIRECTS)):
            transport.get(server.url("/a"))
        assert len(server.asked) == MAX_REDIRECTS + 1


def test_where_none_is_to_be_followed_it_is_the_answer(transport: Transport) -> None:
    with Server({"/a": [to("/b")]}) as server:
        assert transport.get(server.url("/a"), redirects=0).status == 307


@pytest.mark.parametrize("target", ["ftp://there/x", "http://there:99999/", "http://"])
def test_a_redirect_to_what_is_no_address(transport: Transport, target: str) -> None:
    with Server({"/a": [to(target)]}) as server, pytest.raises(InvalidAddress, match="redirects to an address"):
        transport.get(server.url("/a"))


def test_secrets_are_asked_for_at_each_hop(transport: Transport) -> None:
    hops: List[str] = []

    def secrets(url: str) -> Shown:
        hops.append(url)
        return Shown({}, {})

    with Server({"/a": [to("/b")], "/b": [whole(b"ok")]}) as server:
        transport.get(server.url("/a"), secrets=secrets).close()
        assert hops == [server.url("/a"), server.url("/b")]


def test_what_is_private_never_leaves_over_plain_http() -> None:
    transport = Transport(attempts=0, plain_http=True)
    with pytest.raises(Exposed):
        transport.get("http://reg.example/token", secrets=lambda url: Shown({}, {}, private=True))
    transport.close()


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_what_may_pass_is_tried_again(transport: Transport, status: int) -> None:
    with Server({"/a": [refusal(status), refusal(status, "Retry-After: 2"), whole(b"ok")]}) as server:
        assert transport.get(server.url("/a")).read(9) == b"ok"
    with Server({"/a": [refusal(status)]}) as server:
        assert transport.get(server.url("/a")).status == status
        assert len(server.asked) == 3


@pytest.mark.parametrize("status", [200, 400, 401, 403, 404, 501])
def test_what_will_not_pass_is_the_answer_at_once(transport: Transport, status: int) -> None:
    with Server({"/a": [refusal(status)]}) as server:
        assert transport.get(server.url("/a")).status == status
        assert len(server.asked) == 1


def test_a_document_that_breaks_off_is_asked_for_again(transport: Transport) -> None:
    cut = head("Content-Length: 9") + b"half"
    with Server({"/a": [cut, whole(b"the whole")]}) as server:
        assert transport.get(server.url("/a"), whole=100).read(100) == b"the whole"
    with Server({"/a": [cut]}) as server:
        with pytest.raises(ConnectionLost):
            transport.get(server.url("/a"), whole=100)
        assert len(server.asked) == 3


def test_an_address_that_was_signed_and_is_over_is_made_again(transport: Transport) -> None:
    """Once, from the first address on: storages refuse what was held for too long."""
    with Server({"/k": [refusal(403), whole(b"ok")]}) as storage, Server({"/a": [to(storage.url("/k"))]}) as server:
        assert transport.get(server.url("/a")).read(9) == b"ok"
        assert len(server.asked) == 2
    with Server({"/k": [refusal(403)]}) as storage, Server({"/a": [to(storage.url("/k"))]}) as server:
        assert transport.get(server.url("/a")).status == 403
        assert len(server.asked) == 2


def test_a_log_has_one_line_for_each_answer() -> None:
    lines: List[str] = []
    transport = Transport(log=lines.append)
    with Server({"/a?sig=secret": [whole(b"ok")]}) as server:
        transport.get(server.url("/a?sig=secret")).close()
        assert len(lines) == 1 and re.fullmatch(
            r"GET http://{}/a\?sig=\S+ -> 200 in \d+ ms".format(server.host), lines[0]
        )
        assert "secret" not in lines[0]
    transport.close()


def test_a_host_that_is_not_there() -> None:
    transport = Transport(attempts=0)
    with pytest.raises(Unreachable):
        transport.get("http://127.0.0.1:1/")
    transport.close()
