from __future__ import annotations

import socket
import threading
from typing import Iterator, List

import pytest

from layerslayer.registry.http.client import Transport
from layerslayer.registry.http.preconnect import EarlyConnections, through_proxy

from ...support.registry import Registry, closed_port


class Listener:
    """A port that counts the connections made to it."""

    def __init__(self) -> None:
        self.socket = socket.socket()
        self.socket.bind(("127.0.0.1", 0))
        self.socket.listen(16)
        self.port = int(self.socket.getsockname()[1])

    def accepted(self, wait: float = 10.0) -> socket.socket:
        self.socket.settimeout(wait)
        return self.socket.accept()[0]


@pytest.fixture
def listener() -> Iterator[Listener]:
    listener = Listener()
    yield listener
    listener.socket.close()


def test_each_connection_is_given_once(listener: Listener) -> None:
    early = EarlyConnections("127.0.0.1", listener.port, 2)
    taken = [early.take("127.0.0.1", listener.port) for _ in range(3)]
    assert [connection is not None for connection in taken] == [True, True, False]
    for connection in taken[:2]:
        assert connection is not None
        accepted = listener.accepted()
        accepted.sendall(b"hello")
        connection.settimeout(10)
        assert connection.recv(5) == b"hello"
        connection.close()
        accepted.close()
    early.close()


def test_they_belong_to_one_host_and_port(listener: Listener) -> None:
    early = EarlyConnections("127.0.0.1", listener.port, 1)
    assert early.take("localhost", listener.port) is None
    assert early.take("127.0.0.1", listener.port + 1) is None
    early.close()


@pytest.mark.parametrize("host", ["127.0.0.1", "no such host", "a" * 70 + ".example", "\udc80"])
def test_what_cannot_be_connected_is_no_error(host: str) -> None:
    port = int(closed_port().rpartition(":")[2])
    early = EarlyConnections(host, port, 2)
    assert early.take(host, port) is None
    early.close()


def test_a_connection_that_the_server_has_closed_is_not_used(listener: Listener) -> None:
    early = EarlyConnections("127.0.0.1", listener.port, 1)
    listener.accepted().close()
    assert early.take("127.0.0.1", listener.port) is None
    early.close()


def test_what_nobody_took_is_closed(listener: Listener) -> None:
    early = EarlyConnections("127.0.0.1", listener.port, 1)
    accepted = listener.accepted()
    early.close()
    accepted.settimeout(10)
    assert accepted.recv(1) == b""
    accepted.close()


@pytest.mark.parametrize("name", ["https_proxy", "HTTP_PROXY", "ALL_PROXY"])
def test_a_proxy_is_not_bypassed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for known in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(known, raising=False)
    assert not through_proxy()
    monkeypatch.setenv(name, "http://proxy.example:3128")
    assert through_proxy()


def test_requests_go_out_over_them() -> None:
    before = set(threading.enumerate())
    with Registry() as registry:
        host, _, port = registry.host.rpartition(":")
        early = EarlyConnections(host, int(port), 1)
        used: List[bool] = []
        take = early.take

        def spied(*address: object) -> object:
            connection = take(*address)  # type: ignore[arg-type]
            used.append(connection is not None)
            return connection

        early.take = spied  # type: ignore[method-assign,assignment]
        transport = Transport(early=early)
        for _ in range(2):
            assert transport.get("http://{}/v2/".format(registry.host)).read(1000) is not None
        assert used == [True]  # and the second request reuses the first's connection
        transport.close()
    assert len(set(threading.enumerate()) - before) < 20
