"""Where a registry may lead: not into the user's own network, whatever the name is."""

from __future__ import annotations

import socket
from typing import Any, Dict, List

import pytest

from layerslayer.errors import RegistryError
from layerslayer.registry.http.client import Transport
from layerslayer.registry.http.sender import Sender

from ...support.registry import Registry
from ...support.registry.faults import redirect

HOME = "registry.example.org"


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Dict[str, str]:
    """Names that resolve to what the test says."""
    known: Dict[str, str] = {HOME: "127.0.0.1"}
    real = socket.getaddrinfo

    def resolve(host: Any, *more: Any, **named: Any) -> Any:
        return real(known.get(host, host), *more, **named)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    return known


@pytest.fixture
def public_home(names: Dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """The registry's own address counts as one of the public internet."""
    guard = Sender.guard

    def lenient(self: Sender, host: str, address: str) -> None:
        guard(self, host, "93.184.216.34" if host == HOME else address)

    monkeypatch.setattr(Sender, "guard", lenient)


def fetch(home: str, url: str) -> int:
    transport = Transport(plain_http=True, home=home, attempts=0)
    try:
        answer = transport.get(url)
        answer.close()
        return answer.status
    finally:
        transport.close()


@pytest.mark.usefixtures("public_home")
@pytest.mark.parametrize("target", ["127.0.0.1", "localhost", "2130706433", "rebound.example.org"])
def test_a_public_registry_leads_nowhere_inside(names: Dict[str, str], target: str) -> None:
    names["rebound.example.org"] = "127.0.0.1"
    with Registry() as inner, Registry() as registry:
        port = registry.host.rpartition(":")[2]
        registry.fault("/start", redirect("http://{}:{}/end".format(target, inner.host.rpartition(":")[2])))
        with pytest.raises(RegistryError, match="private network"):
            fetch("{}:{}".format(HOME, port), "http://{}:{}/start".format(HOME, port))
        assert len(registry.requests) == 1
        assert inner.requests == []


@pytest.mark.usefixtures("names")
def test_a_registry_inside_may_lead_inside() -> None:
    with Registry() as inner, Registry() as registry:
        registry.fault("/start", redirect(inner.url + "/v2/"))
        port = registry.host.rpartition(":")[2]
        assert fetch("registry.example.org:" + port, "http://registry.example.org:{}/start".format(port)) == 200
        assert [item.path for item in inner.requests] == ["/v2/"]


@pytest.mark.usefixtures("names")
def test_a_registry_inside_does_not_lead_to_the_secrets_of_a_cloud() -> None:
    with Registry() as registry:
        port = registry.host.rpartition(":")[2]
        home = "{}:{}".format(HOME, port)
        registry.fault("/start", redirect("http://169.254.169.254/latest/"))
        with pytest.raises(RegistryError, match="machines' secrets"):
            fetch(home, "http://{}/start".format(home))


def test_the_guard_of_a_registry_inside() -> None:
    transport = Transport(home=HOME)
    transport._sender.guard(HOME, "10.0.0.9")
    transport._sender.guard("cdn.example.org", "10.0.0.1")
    for address in ("169.254.169.254", "fe80::1", "fd00:ec2::254", "::ffff:169.254.169.254"):
        with pytest.raises(RegistryError, match="machines' secrets"):
            transport._sender.guard("cdn.example.org", address)
    transport.close()


def test_without_a_home_nothing_is_refused() -> None:
    with Registry() as registry:
        assert fetch("", registry.url + "/v2/") == 200


def test_the_guard_by_itself() -> None:
    transport = Transport(home="registry.example.org")
    seen: List[str] = []
    for host, address in (
        ("registry.example.org", "93.184.216.34"),
        ("cdn.example.org", "93.184.216.35"),
        ("cdn.example.org", "10.0.0.1"),
        ("cdn.example.org", "169.254.169.254"),
        ("cdn.example.org", "::1"),
        ("cdn.example.org", "::ffff:127.0.0.1"),
        ("cdn.example.org", "fd00::1"),
    ):
        try:
            transport._sender.guard(host, address)
            seen.append("passed")
        except RegistryError:
            seen.append("refused")
    transport.close()
    assert seen == ["passed", "passed", "refused", "refused", "refused", "refused", "refused"]


@pytest.mark.parametrize("allowed", [False, True])
@pytest.mark.parametrize(
    ("host", "address"),
    [("localhost", "93.184.216.34"), ("LocalHost", "10.0.0.1"), ("localhost", "2606:4700::1"), ("localhost", "fe80::1"),
     ("127.0.0.1", "127.0.0.2.example"), ("localhost", "::ffff:10.0.0.1"), ("localhost", "0.0.0.0")],
)  # fmt: skip
def test_this_machine_is_no_other(host: str, address: str, allowed: bool) -> None:
    """To it secrets go over plain http, so what a resolver says of its names counts little."""
    transport = Transport(home="" if allowed else "localhost:5000")
    with pytest.raises(RegistryError, match="leads to another machine than this one"):
        transport._sender.guard(host, address)
    for here in ("127.0.0.1", "127.8.0.1", "::1", "::ffff:127.0.0.1"):
        transport._sender.guard(host, here)
    transport.close()
