"""Bodies of answers: documents read whole and bounded, layers as they come, breaks told after what came before."""

from __future__ import annotations

import gzip
from typing import Iterator

import pytest

from layerslayer.errors import ConnectionLost, Unreachable
from layerslayer.registry.http.client import Transport
from layerslayer.registry.http.origin_headers import Shown
from layerslayer.registry.http.response import Answer

from ...attacks.wire import Wire, head, whole
from ...support.registry import Opened, Registry
from ...support.registry.faults import stalled
from ...support.registry.fetching import fetched, first_layer


@pytest.fixture
def transport() -> Iterator[Transport]:
    made = Transport(attempts=0, timeout=20)
    yield made
    made.close()


def asked(transport: Transport, server: Wire, path: str = "/x") -> Answer:
    return transport.get("http://{}{}".format(server.host, path))


def test_a_document_is_read_once_and_no_further_than_its_bound(transport: Transport) -> None:
    with Wire(lambda path: [whole(b"0123456789")]) as server:
        answer = asked(transport, server)
        assert (answer.status, answer.read(4), answer.read(4)) == (200, b"01234", b"01234")
        assert asked(transport, server).read(10) == b"0123456789"


def test_a_document_that_was_compressed_on_its_way(transport: Transport) -> None:
    packed = gzip.compress(b"a" * 5000)
    more = "Content-Encoding: gzip"
    with Wire(lambda path: [head(more, "Content-Length: {}".format(len(packed))) + packed]) as server:
        answer = asked(transport, server)
        assert answer.encoded and answer.read(5000) == b"a" * 5000
        assert asked(transport, server).read(100) == b"a" * 101
    with Wire(lambda path: [head(more, "Content-Length: 5") + b"plain"]) as server:  # which only says so
        assert asked(transport, server).read(100) == b"plain"


def test_a_stream_gives_what_came_before_it_breaks(transport: Transport) -> None:
    with Wire(lambda path: [head("Content-Length: 100") + b"half"]) as server:
        body = asked(transport, server).stream()
        assert body.read(50) == b"half"
        with pytest.raises(ConnectionLost, match="broke before all data had arrived"):
            body.read(1)
        body.close()


def test_words_of_the_server_are_quoted_without_what_it_was_shown(transport: Transport) -> None:
    with Wire(lambda path: [whole(b"x")]) as server:
        answer = transport.get(
            "http://{}/x".format(server.host), None, lambda url: Shown({"Authorization": "Bearer abcdefghijklmnop"}, {})
        )
        assert "abcdefghijklmnop" not in answer.quoted("you sent abcdefghijklmnop", 200)
        assert answer.quoted("words " * 100, 11) == "words words"
        assert (answer.host, answer.exposed, answer.final_origin.port) == (server.host, False, int(server.host[10:]))
        answer.close()


def test_a_stalled_blob_times_out() -> None:
    with Registry() as registry, Opened(registry, timeout=0.1) as source:
        registry.fault("/blobs/", stalled(100))
        with pytest.raises(Unreachable, match="stopped sending data"):
            fetched(source, first_layer())
