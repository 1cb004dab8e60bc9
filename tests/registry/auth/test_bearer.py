"""Who gets which token: the registry its own, others nothing of it, whatever they answer."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, Callable

import pytest
import requests

from layerslayer.demo.registry import Request, Response
from layerslayer.errors import LayerslayerError, RegistryError, Unauthorized
from layerslayer.registry.auth.bearer import BearerAuth
from layerslayer.registry.credentials import Login, UserToken
from layerslayer.registry.http.client import Transport
from layerslayer.registry.http.origin import origin_of

from ...support.registry import NAME, SCOPE, Normal, Opened, Registry, seen_by
from ...support.registry.faults import challenged, redirect, redirect_to, token_body
from ...support.registry.fetching import at_once, fetched, first_layer

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
            bodies = at_once(6, lambda: len(fetched(source, first_layer())))
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


def test_two_requests_that_are_challenged_at_once_both_take_the_login() -> None:
    login = Login("a file", "me", "hunter2")
    transport = Transport()
    auth = BearerAuth(transport, origin_of("https://example.org"), find_login=lambda: login)
    challenged: Any = SimpleNamespace(url="https://example.org/v2/", status=401)
    assert auth.answer(challenged, None, SCOPE, [], "Basic")
    assert auth.answer(challenged, None, SCOPE, [], "Basic")  # this one had been on its way without it
    with pytest.raises(Unauthorized, match="refused the login"):
        auth.answer(challenged, auth.header("https://example.org/v2/", SCOPE), SCOPE, [], "Basic")
    transport.close()


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


# -- what is told -----------------------------------------------------------------


def test_no_token_and_no_signature_is_ever_logged() -> None:
    with Registry(challenge=True) as registry, Registry() as storage:
        registry._tokens[MINE] = SCOPE
        registry.fault("/blobs/", redirect_to(storage, "?X-Amz-Signature=S1GNED&sig=S2GNED&n=12345"))
        storage.fault("/blobs/", Response(403, {}, b"denied"))
        opened = Opened(registry, MINE)
        with opened as source:
            source.manifest("1.0")
            registry.revoke()
            source.manifest("1.0")
            with pytest.raises(RegistryError) as caught:
                source.blob(first_layer())
        told = "\n".join([*opened.log, *opened.warnings, str(caught.value), caught.value.hint, repr(caught.value)])
        assert "n=12345" in told and "/token?" in told  # it does say something
        for secret in [MINE, "S1GNED", "S2GNED", *registry.issued]:
            assert secret not in told
        assert len(opened.log) == len(registry.requests) + len(storage.requests)
