"""Who gets which token: the registry its own, others nothing of it, whatever they answer."""

from __future__ import annotations

import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Callable, Dict, List

import pytest
import requests

from layerslayer.auth import BearerAuth
from layerslayer.credentials import UserToken
from layerslayer.demo.registry import Request, Response
from layerslayer.errors import LayerslayerError, RegistryError, Unauthorized, Unreachable
from layerslayer.origins import origin_of
from layerslayer.transport.client import Transport

from .registry import NAME, SCOPE, Normal, Opened, Registry, closed_port, seen_by
from .registry.faults import HTML, challenged, redirect, redirect_to, token_body
from .sources.test_registry import fetched, first_layer

MINE = "MINE-user-token-0123456789"
GOOD = "GOOD-registry-token"


def own_challenge(storage: Registry) -> str:
    return 'Bearer realm="{}/token",service="storage",scope="repository:{}:pull"'.format(storage.url, NAME)


# -- storage on another origin ----------------------------------------------------


@pytest.mark.parametrize("token", ["", MINE], ids=["anonymous", "user token"])
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_storage_on_another_origin_sees_no_authorization(status: int, token: str) -> None:
    with Registry(challenge=True) as registry, Registry() as storage:
        registry.fault("^/v2/.*/blobs/", self_redirect(registry, storage, status))
        registry._tokens[MINE] = SCOPE
        with Opened(registry, token) as source:
            assert fetched(source, first_layer()) == storage.store.blobs[first_layer().digest]
        assert registry.authorizations("/blobs/")[-1] is not None  # the registry itself did get one
        assert storage.authorizations() == [None]
        for secret in [*registry.issued, MINE]:
            assert secret not in seen_by(storage)


def self_redirect(registry: Registry, storage: Registry, status: int = 307) -> Callable[[Request, Normal], Response]:
    """Redirect to the storage once the registry itself is content with the token."""

    def answer(request: Request, normal: Normal) -> Response:
        response = normal()
        return redirect(storage.url + request.path, status) if response.status == 200 else response

    return answer


def test_storage_that_challenges_gets_an_anonymous_token_of_its_own() -> None:
    with Registry(challenge=True) as registry, Registry(challenge=True) as storage:
        registry._tokens[MINE] = SCOPE
        registry.fault("^/v2/.*/blobs/", self_redirect(registry, storage))
        opened = Opened(registry, MINE)
        with opened as source:
            assert fetched(source, first_layer()) == storage.store.blobs[first_layer().digest]
        assert registry.asked("^/token$") == []  # the user's token served
        assert storage.authorizations("^/token$") == [None]
        assert storage.authorizations("^/v2/") == [None, "Bearer " + storage.issued[0]]
        assert MINE not in seen_by(storage)
        assert not any(issued in seen_by(registry) for issued in storage.issued)


@pytest.mark.parametrize("token", ["", MINE], ids=["anonymous", "user token"])
@pytest.mark.parametrize("header", ["none", "basic", "own", "the registry's", "junk"])
def test_storage_that_never_has_enough_gets_nothing_of_the_registry(header: str, token: str) -> None:
    with Registry(challenge=True) as registry, Registry() as storage:
        registry._tokens[MINE] = SCOPE
        said = {
            "none": "",
            "basic": 'Basic realm="storage"',
            "own": own_challenge(storage),
            "the registry's": 'Bearer realm="{}/token",service="{}"'.format(registry.url, registry.host),
            "junk": "=,\x01,,Bearer",
        }[header]
        registry.fault("^/v2/.*/blobs/", self_redirect(registry, storage))
        storage.fault("^/v2/", challenged(said))
        with Opened(registry, token) as source, pytest.raises((Unauthorized, RegistryError)):
            fetched(source, first_layer())
        assert len(storage.asked("^/v2/")) <= 4
        used = {value for value in registry.authorizations("^/v2/") if value}
        assert not used & set(storage.authorizations())
        assert MINE not in seen_by(storage)
        if header in ("none", "basic", "junk"):
            assert set(storage.authorizations()) == {None}


def test_a_bare_401_of_storage_does_not_fetch_a_token_of_the_registry_for_it() -> None:
    with Registry(challenge=True) as registry, Registry() as storage:
        registry.fault("^/v2/.*/blobs/", self_redirect(registry, storage))
        storage.fault("^/v2/", challenged(""))
        with Opened(registry) as source:
            source.manifest("1.0")
            with pytest.raises(LayerslayerError):
                source.blob(first_layer())
        assert storage.authorizations() == [None, None]  # the second by an address made anew
        assert len(registry.issued) == 1


# -- what lies around on the user's machine ---------------------------------------


def test_netrc_reaches_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    netrc = tmp_path / ".netrc"
    netrc.write_text("machine 127.0.0.1 login me password hunter2\ndefault login me password hunter2\n")
    netrc.chmod(0o600)
    (tmp_path / "_netrc").write_text(netrc.read_text())
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.setenv("NETRC", str(netrc))
    with Registry(challenge=True) as registry, Registry(challenge=True) as storage:
        registry.fault("^/v2/.*/blobs/", self_redirect(registry, storage))
        requests.get(storage.url + "/control", timeout=20)
        assert storage.requests.pop().headers["authorization"].startswith("Basic ")  # the trap is armed
        with Opened(registry) as source:
            source.manifest("1.0")
            fetched(source, first_layer())
        seen = [*registry.authorizations(), *storage.authorizations()]
        assert len(seen) >= 6
        assert not [value for value in seen if value and not value.startswith("Bearer ")]


def test_a_user_name_in_a_redirect_is_not_sent() -> None:
    with Registry() as registry, Registry() as storage:
        target = "http://me:hunter2@{}/v2/x/blobs/{}".format(storage.host, first_layer().digest)
        registry.fault("/blobs/", redirect(target))
        with Opened(registry) as source:
            fetched(source, first_layer())
        assert storage.authorizations() == [None]


# -- the user's own token ---------------------------------------------------------


def test_the_users_token_goes_to_its_own_registry_only() -> None:
    with Registry(challenge=True) as registry:
        registry._tokens[MINE] = SCOPE
        with Opened(registry, MINE) as source:
            source.manifest("1.0")
            fetched(source, first_layer())
        assert registry.authorizations() == ["Bearer " + MINE] * 2


def test_a_refused_user_token_is_told_once_and_never_sent_to_the_realm() -> None:
    with Registry(challenge=True) as registry, Registry() as service:
        registry.fault("^/v2/", challenged('Bearer realm="{}/token",service="s"'.format(service.url), GOOD))
        service.fault("^/token$", token_body({"token": GOOD}))
        registry._tokens[GOOD] = SCOPE
        opened = Opened(registry, MINE)
        with opened as source:
            gate = threading.Barrier(6)
            bodies: List[object] = []

            def pull() -> None:
                gate.wait()
                try:
                    bodies.append(len(fetched(source, first_layer())))
                except LayerslayerError as problem:
                    bodies.append(problem)

            threads = [threading.Thread(target=pull) for _ in range(6)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(30)
        assert bodies == [first_layer().size] * 6
        assert len(opened.warnings) == 1
        assert "refused the token from token.txt" in opened.warnings[0]
        assert "anonymous" in opened.warnings[0]
        assert MINE not in opened.warnings[0]
        assert service.authorizations() == [None]
        assert MINE not in seen_by(service)


def test_a_refused_user_token_where_none_is_needed() -> None:
    def fussy(request: Request, normal: Normal) -> Response:
        return Response(401, {}) if "authorization" in request.headers else normal()

    with Registry() as registry:
        registry.fault("", fussy)
        opened = Opened(registry, MINE)
        with opened as source:
            assert source.manifest("1.0").body
        assert len(opened.warnings) == 1
        assert "going on without it" in opened.warnings[0]


def test_a_user_token_is_not_shown_by_its_repr() -> None:
    assert MINE not in repr(UserToken(MINE, "token.txt"))


def test_other_origins_get_no_header() -> None:
    transport = Transport()
    auth = BearerAuth(transport, origin_of("https://example.org"), UserToken(MINE, "token.txt"))
    assert auth.header("https://example.org/v2/", SCOPE) == "Bearer " + MINE
    assert auth.header("https://EXAMPLE.org:443/v2/", SCOPE) == "Bearer " + MINE
    for other in (
        "http://example.org/v2/",
        "https://example.org:8443/v2/",
        "https://sub.example.org/v2/",
        "https://example.org.evil.test/v2/",
        "https://example.org@evil.test/v2/",
        "http://example.org:443/v2/",
    ):
        assert auth.header(other, SCOPE) is None, other
    transport.close()


# -- challenges and realms --------------------------------------------------------

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
        ("http://{}:99999999/token", "not http or https"),
        ("", "does not say where"),
    ],
    ids=["userinfo", "file", "ftp", "bad port", "none"],
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


# -- token bodies -----------------------------------------------------------------

GOOD_BODIES: Dict[str, Any] = {
    "token": {"token": GOOD, "expires_in": 300},
    "access_token only": {"access_token": GOOD, "expires_in": 300},
    "expires_in missing": {"token": GOOD},
    "expires_in 0": {"token": GOOD, "expires_in": 0},
    "expires_in a string": {"token": GOOD, "expires_in": "300"},
    "expires_in negative": {"token": GOOD, "expires_in": -5},
    "expires_in absurd": {"token": GOOD, "expires_in": 10**30},
    "expires_in NaN": b'{"token": "' + GOOD.encode() + b'", "expires_in": NaN}',
    "issued in the future": {"token": GOOD, "issued_at": "2999-01-01T00:00:00Z"},
    "issued long ago": {"token": GOOD, "issued_at": "1999-01-01T00:00:00.123456789Z"},
    "issued at no time": {"token": GOOD, "issued_at": "9999-99-99T99:99:99Z"},
}


@pytest.mark.parametrize("case", GOOD_BODIES)
def test_tokens_that_are_used_and_used_again(case: str) -> None:
    with Registry() as registry:
        registry.fault("^/v2/", challenged('Bearer realm="/token",service="s"', GOOD))
        registry.fault("^/token$", token_body(GOOD_BODIES[case]))
        with Opened(registry) as source:
            source.manifest("1.0")
            fetched(source, first_layer())
        assert len(registry.asked("^/token$")) == 1


BAD_BODIES = {
    "HTML": token_body(HTML),
    "empty": token_body(b""),
    "a list": token_body([GOOD]),
    "a number": token_body({"token": 5}),
    "no token": token_body({"expires_in": 5}),
    "a line break": token_body({"token": "a\r\nHost: evil"}),
    "a blank": token_body({"token": "a b"}),
    "not ASCII": token_body({"token": "t\u00f6ken"}),
    "huge": token_body({"token": GOOD, "padding": "x" * 300000}),
    "deep": token_body(b"[" * 200000),
    "not UTF-8": token_body(b'{"token": "\xff"}'),
}


@pytest.mark.parametrize("case", BAD_BODIES)
def test_token_bodies_that_are_refused(case: str) -> None:
    with Registry() as registry:
        registry.fault("^/v2/", challenged('Bearer realm="/token",service="s"', GOOD))
        registry.fault("^/token$", BAD_BODIES[case])
        with Opened(registry) as source, pytest.raises(RegistryError, match="no usable token"):
            source.manifest("1.0")
        assert registry.authorizations() == [None, None]


@pytest.mark.parametrize("status", [401, 403, 404])
def test_an_auth_service_that_refuses(status: int) -> None:
    with Registry() as registry:
        registry.fault("^/v2/", challenged('Bearer realm="/token",service="s"'))
        registry.fault("^/token$", Response(status, {"WWW-Authenticate": 'Basic realm="x"'}, HTML))
        with Opened(registry) as source, pytest.raises(Unauthorized, match="no anonymous access"):
            source.manifest("1.0")
        assert len(registry.requests) == 2


@pytest.mark.parametrize("status", [204, 307, 429, 500])
def test_an_auth_service_that_fails(status: int) -> None:
    with Registry() as registry, Registry() as other:
        registry.fault("^/v2/", challenged('Bearer realm="/token",service="s"'))
        registry.fault("^/token$", redirect(other.url + "/token", status))
        with Opened(registry) as source, pytest.raises(RegistryError, match="answered {}".format(status)):
            source.manifest("1.0")
        assert other.requests == []  # a token request follows no redirect


def test_an_auth_service_that_is_not_there() -> None:
    with Registry() as registry:
        registry.fault("^/v2/", challenged('Bearer realm="http://{}/token"'.format(closed_port())))
        with Opened(registry) as source, pytest.raises(Unreachable, match="nothing listens"):
            source.manifest("1.0")


# -- time -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "lifetime, later, tokens",
    [(300, 200, 1), (300, 296, 2), (0, 50, 1), (0, 56, 2), (10, 50, 1), (3600, 3000, 1)],
    ids=["young", "nearly over", "default, young", "default, over", "less than a minute is a minute", "an hour"],
)
def test_an_expired_token_is_not_sent_but_renewed(
    lifetime: int, later: int, tokens: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [1000.0]
    for room in ("auth", "token_exchange"):
        monkeypatch.setattr(
            "layerslayer.{}.time".format(room), SimpleNamespace(monotonic=lambda: clock[0], time=lambda: 0.0)
        )
    with Registry() as registry:
        registry.fault("^/v2/", challenged('Bearer realm="/token",service="s"', GOOD))
        registry.fault("^/token$", token_body({"token": GOOD, "expires_in": lifetime}))
        with Opened(registry) as source:
            source.manifest("1.0")
            clock[0] += later
            source.manifest("1.0")
        assert len(registry.asked("^/token$")) == tokens
        good = "Bearer " + GOOD
        again = [good] if tokens == 1 else [None, good]
        assert registry.authorizations("/manifests/") == [None, good, *again]


# -- what is told -----------------------------------------------------------------


def test_no_token_and_no_signature_is_ever_logged() -> None:
    with Registry(challenge=True) as registry, Registry() as storage:
        registry._tokens[MINE] = SCOPE
        registry.fault("/blobs/", redirect_to(storage, "?X-Amz-Signature=S1GNED&sig=S2GNED&digest=shown"))
        storage.fault("/blobs/", Response(403, {}, b"denied"))
        opened = Opened(registry, MINE)
        with opened as source:
            source.manifest("1.0")
            registry.revoke()
            source.manifest("1.0")
            with pytest.raises(RegistryError) as caught:
                source.blob(first_layer())
        told = "\n".join([*opened.log, *opened.warnings, str(caught.value), caught.value.hint, repr(caught.value)])
        assert "digest=shown" in told and "/token?" in told  # it does say something
        for secret in [MINE, "S1GNED", "S2GNED", *registry.issued]:
            assert secret not in told
        assert len(opened.log) == len(registry.requests) + len(storage.requests)
