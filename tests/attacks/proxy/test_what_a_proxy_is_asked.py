"""Through a proxy nothing is known of what a name resolves to: what the name says is held to, and read in one way."""

from __future__ import annotations

import pytest

from ...support.registry import NAME, Registry
from ...support.registry.faults import redirect
from ...support.registry.running import Runner

HOME = "reg.test"
INSIDE = [
    "10.0.0.1", "127.0.0.1", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "localhost", "nas.local", "printer",
    "[::1]", "[::ffff:10.0.0.1]", "[64:ff9b::a00:1]", "[2002:a00:1::]", "[2001:0:a00:1::]", "[fec0::1]", "[fd00::1]",
    "192.0.0.8", "169.254.169.254", "[fe80::1%25eth0]", "[fe80::1]", "[::a00:1]", "100.100.100.200", "168.63.129.16",
    "nas.home.arpa", "git.corp", "metadata.goog", "vault.default.svc",
]  # fmt: skip
TWO = ["{0}\\@{1}", "{1}\\@{0}", "{0}\\.{1}", "{0}%2f.{1}", "{0} .{1}", "{1}.", "{0}/\\@{1}"]


@pytest.fixture
def proxy(monkeypatch: pytest.MonkeyPatch) -> Registry:
    """A registry is a proxy too, in that it answers whatever host is asked for; ``host`` says which was."""
    registry = Registry()
    for name in ("http_proxy", "https_proxy"):
        monkeypatch.setenv(name, registry.url)
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.setenv(name, "")
    return registry


def run_through(run: Runner, proxy: Registry, address: str) -> str:
    with proxy:
        proxy.fault("/blobs/", redirect(address))
        ran = run("--peek-all", "--plain-http", "-t", "{}/{}:1.0".format(HOME, NAME))
    assert ran.code != 0
    assert {request.headers["host"] for request in proxy.requests} == {HOME}
    return ran.err


@pytest.mark.parametrize("host", INSIDE)
def test_no_way_inside_by_its_name(run: Runner, proxy: Registry, host: str) -> None:
    said = run_through(run, proxy, "http://{}/x".format(host))
    assert "private network" in said or "machines' secrets" in said or "cannot be used" in said


@pytest.mark.parametrize("form", TWO)
def test_no_address_that_the_proxy_may_read_otherwise(run: Runner, proxy: Registry, form: str) -> None:
    assert "an address that cannot be used: " in run_through(
        run, proxy, "http://{}/x".format(form.format("evil.test", HOME))
    )


def test_what_is_fine_goes_through_it(run: Runner, proxy: Registry) -> None:
    with proxy:
        ran = run("--peek-all", "--plain-http", "-t", "{}:8080/{}:1.0".format(HOME, NAME))
    assert ran.code == 0, ran.err
    assert {request.headers["host"] for request in proxy.requests} == {HOME + ":8080"}
