"""Who sits on the line: answers http where https was meant, or is the proxy on the way.

No secret of any kind leaves over plain http, whatever carries it, but within
this machine; and what is for this machine passes by proxies.
"""

from __future__ import annotations

import ssl
from typing import Callable, Iterator

import pytest
import trustme

from ...support.registry import NAME
from ...support.registry.running import Ran, Runner
from ..tunnel import Tunnel
from ..watching import SECRETS, Keeper, Watched, resolving, shows
from ..ways import BY_NAME, User

HOST, SERVICE = "mine.test", "auth.mine.test"
LOGINS = [name for name, way in BY_NAME.items() if way.kind in ("login", "refresh")]


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def plainly() -> Iterator[Keeper]:
    """A registry by a name that is not this machine's, which speaks http."""
    with Keeper(name=HOST) as registry:
        yield registry


@pytest.fixture(scope="module")
def securely(authority: trustme.CA) -> Iterator[Keeper]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(HOST).configure_cert(context)
    with Keeper(name=HOST, tls=context) as registry:
        yield registry


@pytest.fixture
def user(
    user_of: Callable[[str], User], monkeypatch: pytest.MonkeyPatch, plainly: Keeper, securely: Keeper
) -> Callable[[str, str], User]:
    """Make a user with a login for a host; the names lead to this machine."""
    monkeypatch.setattr("socket.getaddrinfo", resolving({HOST: "127.0.0.1", SERVICE: "127.0.0.1"}))
    for server in (plainly, securely):
        server.forget()
        server.realm = "https://{}/token".format(server.host)

    def make(name: str, host: str) -> User:
        made = user_of(host)
        BY_NAME[name].give(made)
        return made

    return make


def peek(run: Runner, user: User, host: str, *more: str) -> Ran:
    image = "{}/{}:1.0".format(host, NAME)
    words = ("config", image, "--platform", "linux/amd64", "-v", "-l", "log.txt", "--retries", "1")
    return run(*words, *more, *user.arguments, typed=user.typed)


def told(run: Runner, ran: Ran) -> bytes:
    return (ran.out + ran.err).encode() + (run.folder / "log.txt").read_bytes()


REALMS = {"https": "https://{}/token", "http": "http://{}/token", "relative": "/token"}
PLAIN = [("--insecure", "https"), ("--insecure", "relative"), ("--plain-http", "http"), ("--plain-http", "relative")]


@pytest.mark.parametrize(("how", "realm"), PLAIN)
@pytest.mark.parametrize("name", BY_NAME)
def test_a_registry_that_speaks_http(
    run: Runner, plainly: Keeper, user: Callable[[str, str], User], name: str, how: str, realm: str
) -> None:
    way, mine = BY_NAME[name], user(name, plainly.host)
    plainly.wants = way.wanted(plainly=realm == "relative")
    plainly.realm = REALMS[realm].format(plainly.host)
    ran = peek(run, mine, plainly.host, how, *([plainly.host] if how == "--insecure" else []))
    assert ran.code == 2, ran.err
    assert [request.path for request in plainly.requests if "/manifests/" in request.path]
    assert shows(plainly.heard + told(run, ran), *SECRETS) == []
    if way.kind == "token" and how == "--plain-http" and name != "a registry token":
        assert "speaks plain http, over which the token from" in ran.err


@pytest.mark.parametrize("name", BY_NAME)
def test_a_registry_that_speaks_https(
    run: Runner, securely: Keeper, user: Callable[[str, str], User], authority: trustme.CA, name: str
) -> None:
    """What the others are held against: it is shown the login, checked or not, over http to nobody."""
    way, mine = BY_NAME[name], user(name, securely.host)
    authority.cert_pem.write_to_path(str(mine.home / "ca.pem"))
    for checked in (["--ca-file", str(mine.home / "ca.pem")], ["--insecure", securely.host, "--plain-http"]):
        securely.forget()
        securely.wants = way.wanted(plainly="--insecure" in checked)
        ran = peek(run, mine, securely.host, *checked)
        if "--plain-http" in checked:
            assert ran.code == 2 and shows(securely.heard, *SECRETS) == []  # it was spoken http to
        else:
            assert ran.code == 0, ran.err
            assert shows(securely.heard, *way.secrets) == list(way.secrets) and securely.served
        assert shows(told(run, ran), *SECRETS) == []
    securely.forget()
    ran = peek(run, mine, securely.host, "--insecure", securely.host)
    assert ran.code == 0 and shows(securely.heard, *way.secrets) == list(way.secrets), ran.err


@pytest.mark.parametrize("name", LOGINS)
def test_an_auth_service_that_speaks_http(
    run: Runner, securely: Keeper, user: Callable[[str, str], User], authority: trustme.CA, name: str
) -> None:
    """Named as https, trusted, not checked, and then http: neither form nor query nor header reaches it."""
    mine = user(name, securely.host)
    authority.cert_pem.write_to_path(str(mine.home / "ca.pem"))
    with Watched(name=SERVICE) as service:
        securely.wants = BY_NAME[name].kind
        securely.realm = "https://{}/token?more=1".format(service.host)
        trusting = ("--trust-realm", service.host, "--insecure", service.host)
        ran = peek(run, mine, securely.host, "--ca-file", str(mine.home / "ca.pem"), *trusting)
        assert shows(service.heard + told(run, ran), *SECRETS) == []
        assert len(service.asked("/token")) == 1  # anonymously
    assert ran.code == 2
    assert "speaks plain http, over which no login is sent; going on without it" in ran.err


@pytest.mark.parametrize("how", ["--insecure", "--plain-http"])
def test_what_everybody_may_see_is_had_over_http(run: Runner, user: Callable[[str, str], User], how: str) -> None:
    mine = user("a registry token", "elsewhere.test")
    with Watched(name=HOST, tempt="bearer") as registry:
        ran = peek(run, mine, registry.host, how, *([registry.host] if how == "--insecure" else []))
        assert ran.code == 0, ran.err
        assert shows(registry.heard, *SECRETS) == []


def proxied(user: User, url: str) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        user.env(**{name: url, name.lower(): url})


@pytest.mark.parametrize("name", BY_NAME)
def test_a_proxy_and_a_registry_of_this_machine(run: Runner, user_of: Callable[[str], User], name: str) -> None:
    """Its plain http would leave the machine if it went by the proxy."""
    way = BY_NAME[name]
    with Keeper() as registry, Watched(tempt="basic") as stranger, Tunnel(stranger) as proxy:
        mine = user_of(registry.host)
        way.give(mine)
        registry.wants = way.wanted(False)
        proxied(mine, proxy.url)
        ran = peek(run, mine, registry.host)
        assert ran.code == 0, ran.err
        assert proxy.heard == b"" and registry.served
        assert shows(registry.heard, *way.secrets) == list(way.secrets)


@pytest.mark.parametrize("name", BY_NAME)
def test_a_proxy_that_answers_in_place_of_a_registry(run: Runner, user: Callable[[str, str], User], name: str) -> None:
    way, mine = BY_NAME[name], user(name, HOST + ":5000")
    with Keeper(name=HOST + ":5000") as instead, Tunnel(instead) as proxy:
        instead.wants = way.wanted(True)
        instead.realm = "http://{}:5000/token".format(HOST)
        proxied(mine, proxy.url)
        ran = peek(run, mine, HOST + ":5000", "--plain-http")
        assert ran.code == 2 and instead.requests
        assert shows(proxy.heard + instead.heard + told(run, ran), *SECRETS) == []


@pytest.mark.parametrize("name", BY_NAME)
def test_a_proxy_that_makes_tunnels(
    run: Runner, securely: Keeper, user: Callable[[str, str], User], authority: trustme.CA, name: str
) -> None:
    """It sees host and port; the login goes through to the registry, the proxy's own login does not."""
    way, mine = BY_NAME[name], user(name, securely.host)
    authority.cert_pem.write_to_path(str(mine.home / "ca.pem"))
    securely.wants = way.wanted(False)
    with Tunnel(securely) as proxy:
        proxied(mine, proxy.url.replace("http://", "http://porter:open-the-gate@"))
        ran = peek(run, mine, securely.host, "--ca-file", str(mine.home / "ca.pem"))
        assert ran.code == 0, ran.err
        assert proxy.heard.count(b"CONNECT mine.test:") and shows(proxy.heard, "open-the-gate")
        assert shows(proxy.heard + told(run, ran), *SECRETS) == []
    assert shows(securely.heard, *way.secrets) == list(way.secrets) and securely.served
    assert shows(securely.heard + told(run, ran), "open-the-gate") == []
