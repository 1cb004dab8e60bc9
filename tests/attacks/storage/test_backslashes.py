"""A redirect, an auth service or a page by an address that one library reads as the registry's own, another as not."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, Callable, List

import pytest

from layerslayer.demo.registry import Request, Response
from layerslayer.errors import InvalidAddress, LayerslayerError, RegistryError
from layerslayer.oci.reference import parse_reference
from layerslayer.registry.auth.bearer import BearerAuth
from layerslayer.registry.credentials import Login
from layerslayer.registry.http.client import Transport
from layerslayer.registry.http.origin import origin_of
from layerslayer.registry.repository import Access, RegistrySource

from ...support.registry import SCOPE, Normal, Opened, Registry, seen_by
from ...support.registry.faults import redirect, with_headers
from ...support.registry.fetching import fetched, first_layer

MINE = "mine-0123456789abcdef"
PASSWORD = "correct-horse-battery"
# {evil} and {own} are hosts with ports. What stands before the @, or behind the backslash, is the host to one of them.
DOUBLE = [
    "http://{evil}\\@{own}/x",
    "http://{evil}\\\\@{own}/x",
    "//{evil}\\@{own}/x",
    "http://{evil}/\\@{own}/x",
    "http:\\\\{evil}\\@{own}/x",
    "http://{own}\\@{evil}/x",
    "http://{evil}\t@{own}/x",
    "http://{evil}\x0b@{own}/x",
    "http://{evil}\x85@{own}/x",
    "http://{evil} @{own}/x",
    "http://{evil}[@{own}/x",
    "http://{evil}@{own}@{evil}/x",
    "http:/{evil}/@{own}/x",
    "http:///{evil}/@{own}/x",
]
HARMLESS = ["http://{evil}#@{own}/x", "http://{evil}?@{own}/x", "http://{evil}/@{own}/x", "http://{own}@{evil}/x"]


def opened(registry: Registry) -> Opened:
    registry._tokens[MINE] = SCOPE
    return Opened(registry, MINE)


def by_the_registry(registry: Registry, address: str) -> Callable[[RegistrySource], Any]:
    registry.fault("/blobs/", redirect(address))
    return lambda source: fetched(source, first_layer())


def by_its_storage(registry: Registry, address: str) -> Callable[[RegistrySource], Any]:
    def ask(source: RegistrySource) -> Any:
        with Registry() as storage:
            storage.fault("", redirect(address))
            registry.fault("/blobs/", redirect(storage.url + "/x"))
            return fetched(source, first_layer())

    return ask


def by_a_page(registry: Registry, address: str) -> Callable[[RegistrySource], Any]:
    registry.fault("/tags/", with_headers(Link="<{}>; rel=next".format(address)))
    return lambda source: list(source.tags())


def by_a_page_that_redirects(registry: Registry, address: str) -> Callable[[RegistrySource], Any]:
    registry.fault("/tags/", redirect(address))
    return lambda source: list(source.tags())


@pytest.mark.parametrize("way", [by_the_registry, by_its_storage, by_a_page, by_a_page_that_redirects])
@pytest.mark.parametrize("address", DOUBLE + HARMLESS, ids=range(len(DOUBLE + HARMLESS)))
def test_no_token_goes_where_only_one_reader_sees_the_registry(way: Any, address: str) -> None:
    with Registry(challenge=True) as registry, Registry() as evil:
        ask = way(registry, address.format(evil=evil.host, own=registry.host))
        with opened(registry) as source, pytest.raises(LayerslayerError) as caught:
            ask(source)
        assert MINE not in seen_by(evil)
        assert MINE not in str(caught.value)
        if address in DOUBLE:
            assert evil.requests == []
            assert isinstance(caught.value, RegistryError)
            assert "an address that cannot be used: " in str(caught.value)


@pytest.mark.parametrize("address", DOUBLE, ids=range(len(DOUBLE)))
@pytest.mark.parametrize("identity", [False, True])
def test_no_login_goes_to_such_an_auth_service(address: str, identity: bool) -> None:
    with Registry() as registry, Registry() as evil:
        realm = address.format(evil=evil.host, own=registry.host).replace("\\", "\\\\")  # as quoted strings have it
        challenge = {"WWW-Authenticate": 'Bearer realm="{}",service="s"'.format(realm)}
        registry.fault("^/v2/", Response(401, challenge))
        login = Login("a file", "me", "" if identity else PASSWORD, PASSWORD if identity else "")
        access = Access(find_login=lambda: login)
        source = RegistrySource(parse_reference(registry.target), Transport(timeout=20.0), access)
        with pytest.raises(RegistryError, match="names an auth service by an address that cannot be used"):
            source.manifest("1.0")
        source.close()
        assert evil.requests == [] and registry.asked("/x") == []


@pytest.mark.parametrize(
    "realm",
    ["https://evil.test\\.reg.test/token", "https://evil.test\\@reg.test/token", "https://evil.test%5c.reg.test/token",
     "https://evil.test%2f.reg.test/", "https://evil.test%00.reg.test/", "https://evil。reg.test/", "https://ⓔvil.reg.test/",
     "https://evil.test\t.reg.test/", "https://reg.test./token", "https://reg.test:0/token", "https://reg.test:443:1/"],
)  # fmt: skip
def test_over_https_as_well(realm: str) -> None:
    asked: List[str] = []

    def get(url: str, *_: Any, **__: Any) -> Any:
        asked.append(url)

    answer: Any = SimpleNamespace(url="https://reg.test/v2/x", status=401)
    login = Login("a file", "me", PASSWORD, "refresh")
    transport: Any = SimpleNamespace(get=get)
    auth = BearerAuth(transport, origin_of(answer.url), find_login=lambda: login)
    with pytest.raises(InvalidAddress):
        auth.answer(answer, None, SCOPE, [], 'Bearer realm="{}"'.format(realm.replace("\\", "\\\\")))
    assert asked == []


def test_a_refused_token_with_an_unreadable_auth_service_is_no_bug() -> None:
    """The sentence about the refused token names the service, if it can be read at all."""

    def refuses(request: Request, normal: Normal) -> Response:
        return Response(401, {"WWW-Authenticate": 'Bearer realm="http://[evil"'})

    with Registry() as registry:
        registry.fault("^/v2/", refuses)
        given = Opened(registry, MINE)
        with given as source, pytest.raises(RegistryError, match="cannot be used: its brackets"):
            source.manifest("1.0")
        assert ["going on without it" in text for text in given.warnings] == [True]
