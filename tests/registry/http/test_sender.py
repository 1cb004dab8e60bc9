"""One request: by the scheme that its host speaks, and nothing shown where it could be read."""

from __future__ import annotations

import ssl
from typing import Iterator, List

import pytest
import trustme

from layerslayer.demo.registry import Response
from layerslayer.errors import Exposed, RegistryError, Unreachable
from layerslayer.registry.http.origin_headers import NOTHING, Shown
from layerslayer.registry.http.sender import Sender
from layerslayer.registry.http.tls import Tls

from ...attacks.wire import Wire, whole
from ...support.registry import Registry

NOTES: List[str] = []


def sender_for(tls: Tls) -> Sender:
    return Sender(5.0, NOTES.append, 4, None, tls, "")


@pytest.fixture
def sender() -> Iterator[Sender]:
    NOTES.clear()
    made = sender_for(Tls(folders=()))
    yield made
    made.close()


@pytest.fixture
def secured() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    return context


def test_a_form_is_posted_and_all_else_is_got(sender: Sender) -> None:
    with Wire(lambda path: [whole(b"ok")]) as server:
        url = "http://{}/x".format(server.host)
        assert sender.send(url, {}, NOTHING, None).read(9) == b"ok"
        assert sender.send(url, {}, NOTHING, {"a": "b"}).read(9) == b"ok"
        assert [note.split()[0] for note in NOTES] == ["GET", "POST"] and sender.requests_made == 2


def test_a_host_of_this_machine_may_speak_https(secured: ssl.SSLContext) -> None:
    with Wire(lambda path: [whole(b"ok")], tls=secured) as server:
        sender = sender_for(Tls(folders=(), insecure={server.host}))
        for _ in range(2):
            answer = sender.send("http://{}/x".format(server.host), {}, NOTHING, None)
            assert answer.read(9) == b"ok"
        sender.close()
        assert server.asked == ["/x", "/x"]


def test_a_host_that_answers_that_it_wants_tls_is_asked_by_it() -> None:
    """As Go's and nginx's servers answer http; this one then speaks no https either."""
    with Registry() as registry:
        registry.fault("/v2/", Response(400, {}, b"Client sent an HTTP request to an HTTPS server.\n"))
        sender = sender_for(Tls(folders=()))
        with pytest.raises(Unreachable, match="it does not speak https"):
            sender.send("http://{}/v2/".format(registry.host), {}, NOTHING, None)
        sender.close()


def test_a_host_that_is_not_checked_may_speak_http() -> None:
    with Registry() as registry:
        sender = sender_for(Tls(folders=(), insecure={registry.host}))
        for _ in range(2):
            assert sender.send("https://{}/v2/".format(registry.host), {}, NOTHING, None).status == 200
        sender.close()


def test_others_speak_what_they_are_said_to(sender: Sender) -> None:
    with Registry() as registry, pytest.raises(Unreachable, match="it does not speak https"):
        sender.send("https://{}/v2/".format(registry.host), {}, NOTHING, None)


def test_a_redirect_may_not_carry_a_secret_over_plain_http(sender: Sender) -> None:
    with Wire(lambda path: [whole(b"ok")]) as server:
        secret = Shown({"Authorization": "Bearer abcdefgh12345678"}, {})
        sender.send("http://{}/x".format(server.host), {}, secret, None).close()
    sender.pass_hop("http://storage.example/x?nothing")
    sender.pass_hop("https://storage.example/x?abcdefgh12345678")
    for part in ("abcdefgh12345678", "%61bcdefgh12345678"):
        with pytest.raises(Exposed):
            sender.pass_hop("http://storage.example/x?token={}".format(part))
    assert "abcdefgh12345678" not in sender.unspoken("no host abcdefgh12345678.example")


def test_a_registry_leads_nowhere_inside() -> None:
    sender = Sender(5.0, NOTES.append, 4, None, Tls(folders=()), "reg.example")
    with pytest.raises(RegistryError):
        sender.send("http://10.0.0.1/x", {}, NOTHING, None)
    assert sender.requests_made == 0
    sender.close()
