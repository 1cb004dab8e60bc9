"""Challenges and realms of many shapes, and those that lead nowhere."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, List

import pytest

from layerslayer.demo.registry import Request, Response
from layerslayer.errors import RegistryError, Unauthorized, Unreachable
from layerslayer.registry.auth.bearer import BearerAuth
from layerslayer.registry.http.origin import origin_of

from ...support.registry import NAME, SCOPE, Normal, Opened, Registry
from ...support.registry.faults import challenged, token_body
from ...support.registry.fetching import fetched, first_layer
from .test_bearer import GOOD

CHALLENGES = {
    "relative realm": 'Bearer realm="/token",service="s"',
    "realm with a query": 'Bearer realm="{url}/token?foo=b%26r",service="s"',
    "two challenges in one line": 'Basic realm="x", Bearer realm="{url}/token",service="s"',
    "another scheme first": 'Negotiate, Bearer realm="{url}/token", service="s"',
    "lower case, no service": "bearer realm={url}/token",
    "the ping's scope": 'Bearer realm="{url}/token",service="s",scope="repository:user/image:pull"',
}


@pytest.mark.parametrize("case", CHALLENGES)
def test_challenges_of_many_shapes(case: str) -> None:
    with Registry() as registry:
        registry.fault("^/v2/", challenged(CHALLENGES[case].format(url=registry.url), GOOD))
        registry.fault("^/token$", token_body({"token": GOOD, "expires_in": 300}))
        with Opened(registry) as source:
            assert source.manifest("1.0").body
        query = registry.asked("^/token$")[0].query
        assert query["scope"] == [SCOPE]  # ours, whatever the challenge says
        assert query.get("service", ["s"]) == ["s"]
        assert ("service" in query) == ("no service" not in case)
        assert query.get("foo", ["b&r"]) == ["b&r"]
        assert ("foo" in query) == ("query" in case)


def test_a_401_without_challenge_takes_the_one_of_the_ping() -> None:
    with Registry() as registry:
        registry.fault("^/v2/$", challenged('Bearer realm="{}/token",service="s"'.format(registry.url)))
        registry.fault("^/v2/", challenged("", GOOD))
        registry.fault("^/token$", token_body({"token": GOOD}))
        with Opened(registry) as source:
            assert source.manifest("1.0").body
        assert [request.path for request in registry.requests][:3] == [
            "/v2/{}/manifests/1.0".format(NAME),
            "/v2/",
            "/token",
        ]


def test_a_scope_of_the_registrys_own_is_tried_second() -> None:
    def grant(request: Request, normal: Normal) -> Response:
        return token_body({"token": GOOD if request.query["scope"] == ["aws"] else "useless"})

    with Registry() as registry:
        challenge = 'Bearer realm="{}/token",service="public",scope="aws"'.format(registry.url)
        registry.fault("^/v2/", challenged(challenge, GOOD))
        registry.fault("^/token$", grant)
        with Opened(registry) as source:
            assert source.manifest("1.0").body
            fetched(source, first_layer())
        assert [request.query["scope"] for request in registry.asked("^/token$")] == [[SCOPE], ["aws"]]
        assert registry.authorizations("/blobs/") == ["Bearer " + GOOD]  # it is remembered


@pytest.mark.parametrize(
    "header, tokens",
    [
        ('Bearer realm="{}/token",service="s"', 1),
        ('Bearer realm="{}/token",service="s",scope="' + SCOPE + '"', 1),
        ('Bearer realm="{}/token",service="s",scope="other"', 2),
        ("", 0),
        ("Negotiate", 0),
    ],
    ids=["no scope", "our scope", "another scope", "no challenge at all", "another scheme"],
)
def test_always_401_ends(header: str, tokens: int) -> None:
    with Registry() as registry:
        registry.fault("^/v2/", challenged(header.format(registry.url)))
        with Opened(registry) as source, pytest.raises(Unauthorized, match="was refused") as caught:
            source.manifest("1.0")
        assert "token.txt" in caught.value.hint
        assert len(registry.asked("^/token$")) == tokens
        assert len(registry.asked("/manifests/")) == tokens + 1


def test_a_registry_that_wants_a_password() -> None:
    with Registry() as registry:
        registry.fault("^/v2/", challenged('Basic realm="mine"'))
        with Opened(registry) as source, pytest.raises(Unauthorized, match="user name and password"):
            source.manifest("1.0")
        assert registry.authorizations() == [None]


def test_a_realm_on_another_host_is_asked_without_any_token() -> None:
    with Registry(challenge=True) as registry, Registry() as service:
        registry.fault("^/v2/", challenged('Bearer realm="{}/token",service="s"'.format(service.url), GOOD))
        registry._tokens[GOOD] = SCOPE
        service.fault("^/token$", token_body({"token": GOOD}))
        with Opened(registry) as source:
            assert source.manifest("1.0").body
        assert service.authorizations() == [None]


@pytest.mark.parametrize(
    "realm, said",
    [
        ("http://me:pw@{}/token", "user name"),
        ("file:///etc/passwd", "not http or https"),
        ("ftp://{}/token", "not http or https"),
        ("http://{}:99999999/token", "its port is not between"),
        ("http://127.0.0.1:99999999/token", "its port is not between"),
        ("", "does not say where"),
    ],
    ids=["userinfo", "file", "ftp", "two ports", "bad port", "none"],
)
def test_realms_that_are_not_used(realm: str, said: str) -> None:
    with Registry() as registry:
        registry.fault("^/v2/", challenged('Bearer realm="{}",service="s"'.format(realm.format(registry.host))))
        with Opened(registry) as source, pytest.raises(RegistryError, match=said):
            source.manifest("1.0")
        assert registry.asked("^/token$") == []


@pytest.mark.parametrize("realm", ["http://127.0.0.1:1/token", "//127.0.0.1:1/token"], ids=["http", "same scheme"])
def test_a_realm_without_https_for_an_https_registry(realm: str) -> None:
    sent: List[str] = []

    class Recorder:
        def get(self, url: str, *_: Any, **__: Any) -> Any:
            sent.append(url)
            raise Unreachable("not in this test")

    answer = SimpleNamespace(url="https://registry.example.org/v2/x", status=401)
    auth = BearerAuth(Recorder(), origin_of(answer.url))  # type: ignore[arg-type]
    with pytest.raises(RegistryError if realm.startswith("http:") else Unreachable):
        auth.answer(answer, None, SCOPE, [], 'Bearer realm="{}",service="s"'.format(realm))  # type: ignore[arg-type]
    assert [url.partition(":")[0] for url in sent] == ([] if realm.startswith("http:") else ["https"])
