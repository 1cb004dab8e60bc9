"""A registry whose name leads elsewhere later (DNS rebinding): its first connection decides which networks it may open.

127.0.0.1 stands for the public internet here, and 127.0.0.2 for the user's own network.
"""

from __future__ import annotations

import socket
import sys
import threading
from typing import Any, Callable, Dict, Iterator, List

import pytest

from layerslayer.demo.registry import Response
from layerslayer.errors import Action, LayerslayerError, NotFound, RegistryError, Remedy
from layerslayer.oci.descriptor import Descriptor
from layerslayer.oci.reference import parse_reference
from layerslayer.registry.http import network_policy, private_networks
from layerslayer.registry.http.client import Transport
from layerslayer.registry.http.preconnect import EarlyConnections
from layerslayer.registry.repository import RegistrySource

from ...support.registry import NAME, Registry
from ...support.registry.faults import redirect, with_headers
from ...support.registry.fetching import first_layer
from ..wire import stop_listening

HOME, OTHER = "reg.test", "cdn.test"
PUBLIC, INSIDE = "127.0.0.1", "127.0.0.2"
CLOSED = with_headers(Connection="close")  # so that the next request takes another connection

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="has all of 127.0.0.0/8")


class Inner:
    """A port within the user's network that keeps what it is sent, and answers as a web server."""

    def __init__(self, port: int = 0) -> None:
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind((INSIDE, port))
        self.socket.listen(16)
        self.port = int(self.socket.getsockname()[1])
        self.seen: List[bytes] = []
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self.socket.accept()
                data = connection.recv(65536)
                if data:
                    self.seen.append(data)
                    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")
                connection.close()
            except OSError:
                return

    def close(self) -> None:
        stop_listening(self.socket)


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Dict[str, List[str]]:
    """Names that resolve to what the test says. Addresses of this machine but one count as public."""
    known: Dict[str, List[str]] = {HOME: [PUBLIC], OTHER: [PUBLIC]}
    real = socket.getaddrinfo

    def resolve(host: Any, *more: Any, **named: Any) -> Any:
        text = host.decode() if isinstance(host, bytes) else host
        return [found for item in known.get(text, [text]) for found in real(item, *more, **named)]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    monkeypatch.setattr(network_policy, "is_inside", lambda host: host != PUBLIC and private_networks.is_inside(host))
    return known


@pytest.fixture
def registry() -> Iterator[Registry]:
    with Registry() as served:
        served.fault("/ok", CLOSED)
        yield served


@pytest.fixture
def inner(registry: Registry) -> Iterator[Inner]:
    """Another server within, on the port of the registry."""
    served = Inner(port_of(registry))
    yield served
    served.close()


def port_of(registry: Registry) -> int:
    return int(registry.host.rpartition(":")[2])


class Asking:
    """A transport whose home is the registry by its name."""

    def __init__(self, registry: Registry, allow_private: bool = False) -> None:
        self.root = "http://{}:{}".format(HOME, port_of(registry))
        self.home = self.root[len("http://") :]
        self.transport = Transport(plain_http=True, home="" if allow_private else self.home, attempts=0)

    def __call__(self, path: str) -> int:
        answer = self.transport.get(self.root + path)
        answer.read(1 << 16)
        return answer.status

    def __enter__(self) -> Asking:
        return self

    def __exit__(self, *_: object) -> None:
        self.transport.close()


def test_a_name_that_moves_inside_is_not_followed(
    names: Dict[str, List[str]], registry: Registry, inner: Inner
) -> None:
    registry.fault("/away", redirect("http://{}:{}/x".format(INSIDE, inner.port)))
    with Asking(registry) as ask:
        assert ask("/ok") == 404
        names[HOME] = [INSIDE]
        with pytest.raises(RegistryError, match="led to the public internet at first and leads into a private network"):
            ask("/ok")
        names[HOME] = [PUBLIC]
        with pytest.raises(RegistryError, match="in a private network") as caught:
            ask("/away")  # one connection to the inside has not opened it
    assert caught.value.remedy == Remedy(Action.ALLOW_PRIVATE)
    assert inner.seen == []


def test_nor_one_that_was_inside_first(names: Dict[str, List[str]], registry: Registry, inner: Inner) -> None:
    """It would keep the networks open that its first connection opened, for a public server to lead into."""
    names[HOME] = [INSIDE]
    registry.fault("/away", redirect("http://{}:{}/x".format(INSIDE, inner.port)))
    with Asking(registry) as ask:
        assert ask("/ok") == 200
        names[HOME] = [PUBLIC]
        with pytest.raises(RegistryError, match="led into a private network at first and leads to the public"):
            ask("/away")
    assert len(inner.seen) == 1 and registry.requests == []


def test_one_of_several_addresses_is_inside(names: Dict[str, List[str]], registry: Registry, inner: Inner) -> None:
    names[HOME] = ["127.0.0.3", PUBLIC, INSIDE]  # nobody listens at the first
    with Asking(registry) as ask:
        assert ask("/ok") == 404
        names[HOME] = ["127.0.0.3", INSIDE, PUBLIC]
        with pytest.raises(RegistryError, match="at first"):
            ask("/ok")
    assert inner.seen == []


def test_kept_connections_are_as_they_were(names: Dict[str, List[str]], registry: Registry, inner: Inner) -> None:
    with Asking(registry) as ask:
        assert ask("/v2/") == 200
        names[HOME] = [INSIDE]
        assert ask("/v2/") == 200
    assert inner.seen == [] and len(registry.requests) == 2


def test_a_connection_begun_early_decides_as_well(
    names: Dict[str, List[str]], registry: Registry, inner: Inner
) -> None:
    early = EarlyConnections(HOME, port_of(registry), 2)
    assert early._ready.wait(10)
    names[HOME] = [INSIDE]
    with Asking(registry) as ask:
        ask.transport.close()
        ask.transport = Transport(plain_http=True, home=ask.home, attempts=0, early=early)
        assert ask("/ok") == ask("/ok") == 404  # by those to the public server
        with pytest.raises(RegistryError, match="at first"):
            ask("/ok")
    assert inner.seen == []


def test_the_user_may_allow_it(names: Dict[str, List[str]], registry: Registry, inner: Inner) -> None:
    with Asking(registry, allow_private=True) as ask:
        assert ask("/ok") == 404
        names[HOME] = [INSIDE]
        assert ask("/ok") == 200
    assert len(inner.seen) == 1


def test_where_secrets_of_clouds_are_is_a_place_of_its_own() -> None:
    guard = network_policy.Border(HOME)
    guard.pass_connection(HOME, "10.0.0.1")
    for address in ("169.254.169.254", "fd20:ce::254", "8.8.8.8"):
        with pytest.raises(RegistryError, match="at first"):
            guard.pass_connection(HOME, address)
    guard.pass_connection(HOME, "192.168.1.1")


def test_connections_at_once_agree() -> None:
    """Whichever of many threads is first, all that pass are of one class."""
    for _ in range(20):
        guard = network_policy.Border(HOME)
        passed: List[str] = []
        start = threading.Barrier(8)

        def one(address: str, guard: network_policy.Border = guard, passed: List[str] = passed) -> None:
            start.wait()
            try:
                guard.pass_connection(HOME, address)
                passed.append(address)
            except RegistryError:
                pass

        threads = [threading.Thread(target=one, args=(item,)) for item in ("10.0.0.1", "8.8.8.8") * 4]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(passed) == 4 and len(set(passed)) == 1


def rebound(registry: Registry, names: Dict[str, List[str]]) -> RegistrySource:
    """Return a source of the registry, whose name was public first, and then led inside once."""
    home = "{}:{}".format(HOME, port_of(registry))
    transport = Transport(plain_http=True, home=home, attempts=0)
    source = RegistrySource(parse_reference("{}/{}:1.0".format(home, NAME)), transport)
    registry.fault("/manifests/", CLOSED)
    assert source.manifest("1.0").body
    names[HOME] = [INSIDE]
    with pytest.raises(RegistryError, match="at first"):
        source.manifest("1.0")
    names[HOME] = [PUBLIC]
    return source


def foreign_layer(registry: Registry, source: RegistrySource, inner: str) -> None:
    source.blob(Descriptor("application/octet-stream", "sha256:" + "0" * 64, 2, {}, urls=(inner,)))


def redirected_layer(registry: Registry, source: RegistrySource, inner: str) -> None:
    registry.fault("/blobs/", redirect(inner))
    source.blob(first_layer())


def by_a_storage(registry: Registry, source: RegistrySource, inner: str) -> None:
    with Registry() as storage:
        storage.fault("", redirect(inner))
        registry.fault("/blobs/", redirect("http://{}:{}/x".format(OTHER, port_of(storage))))
        source.blob(first_layer())


def auth_service(registry: Registry, source: RegistrySource, inner: str) -> None:
    challenge = {"WWW-Authenticate": 'Bearer realm="{}/token",service="s"'.format(inner)}
    registry.fault("/blobs/", Response(401, challenge))
    source.blob(first_layer())


def next_page(registry: Registry, source: RegistrySource, inner: str) -> None:
    registry.fault("/tags/", with_headers(Link='<{}>; rel="next"'.format(inner)))
    list(source.tags())


def page_redirected(registry: Registry, source: RegistrySource, inner: str) -> None:
    registry.fault("/tags/", redirect(inner))
    list(source.tags())


@pytest.mark.parametrize(
    "way", [foreign_layer, redirected_layer, by_a_storage, auth_service, next_page, page_redirected]
)
@pytest.mark.parametrize("target", ["address", "name"])
def test_no_way_inside_by_whatever_an_answer_names(
    names: Dict[str, List[str]],
    registry: Registry,
    inner: Inner,
    way: Callable[[Registry, RegistrySource, str], None],
    target: str,
) -> None:
    names["nas.test"] = [INSIDE]
    source = rebound(registry, names)
    host = INSIDE if target == "address" else "nas.test"
    with pytest.raises(LayerslayerError, match="not followed") as caught:
        way(registry, source, "http://{}:{}".format(host, inner.port))
    assert isinstance(caught.value, (RegistryError, NotFound))
    assert inner.seen == []
    source.close()
