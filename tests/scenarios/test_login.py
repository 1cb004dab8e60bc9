"""Private registries, with the logins that users have; certificates; mirrors."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Dict, List
from urllib.parse import parse_qs

import pytest

from layerslayer.demo.registry import Request, Response

from ..support.logins import BASIC, SECRET, log_in, wants_basic, wants_login_for_tokens
from ..support.registry import NAME, Normal, Registry, seen_by
from ..support.registry.faults import redirect
from ..support.registry.running import Runner

pytestmark = pytest.mark.usefixtures("nobody")


def test_basic_by_a_stored_login(run: Runner, nobody: Path) -> None:
    with Registry() as registry:
        registry.fault("/v2/", wants_basic)
        log_in(nobody, registry.host)
        ran = run("--peek-all", "-v", "-l", "log.txt", "-t", registry.target)
        assert ran.code == 0, ran.err
        assert registry.requests[0].headers.get("authorization") is None  # never before it is asked for
    shown = ran.out + ran.err + (run.folder / "log.txt").read_text()
    assert "Using the login from" in shown and "config.json" in shown
    assert SECRET not in shown and BASIC[6:] not in shown


def test_headers_that_docker_would_pass_on(run: Runner, nobody: Path) -> None:
    """Only those, to the registry itself only, and never to its storage or auth service, nor to the log."""
    (nobody / ".docker").mkdir()
    headers = {"X-Meta-Team": SECRET, "X-Other": "other", "Authorization": "Basic x", "X-Meta-Bad": "a\r\nb", "x": 5}
    (nobody / ".docker" / "config.json").write_text(json.dumps({"HttpHeaders": headers}))
    with Registry() as storage, Registry(challenge=True) as registry:
        registry.fault("/blobs/", lambda request, normal: redirect(storage.url + request.path))
        ran = run("--peek-all", "-v", "-l", "log.txt", "-t", registry.target)
        assert ran.code == 0, ran.err
        asked = [request for request in registry.requests if request.path != "/token"]
        assert {request.headers.get("x-meta-team") for request in asked} == {SECRET}
        assert not any({"x-other", "x-meta-bad", "x"} & set(request.headers) for request in registry.requests)
        assert SECRET not in seen_by(storage)
        assert all("x-meta-team" not in request.headers for request in registry.asked("/token"))
    assert SECRET not in ran.out + ran.err + (run.folder / "log.txt").read_text()


def test_no_such_headers_over_plain_http(run: Runner, nobody: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("layerslayer.registry.auth.realms.is_loopback", lambda host: False)
    (nobody / ".docker").mkdir()
    (nobody / ".docker" / "config.json").write_text(json.dumps({"HttpHeaders": {"X-Meta-Team": SECRET}}))
    with Registry() as registry:
        assert run("--peek-all", "-t", registry.target).code == 0
        assert SECRET not in seen_by(registry)


def test_basic_without_a_login_says_what_to_do(run: Runner) -> None:
    with Registry() as registry:
        registry.fault("/v2/", wants_basic)
        ran = run("--peek-all", "-t", registry.target)
    assert ran.code == 2
    assert "wants a user name and password. Log in with docker" in ran.err


def test_basic_with_a_wrong_login(run: Runner, nobody: Path) -> None:
    with Registry() as registry:
        registry.fault("/v2/", wants_basic)
        log_in(nobody, registry.host, username="me", password="wrong-" + SECRET)
        ran = run("--peek-all", "-t", registry.target)
        assert (ran.code, len(registry.requests)) == (2, 2)
    assert "refused the login from" in ran.err and SECRET not in ran.err


@pytest.mark.parametrize("way", ["stored", "flags", "environment"])
def test_a_token_for_a_login(run: Runner, nobody: Path, monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    more: List[str] = []
    typed = ""
    with Registry(challenge=True) as registry:
        registry.fault("/token", wants_login_for_tokens)
        if way == "stored":
            log_in(nobody, registry.host)
        elif way == "flags":
            more, typed = ["--username", "me", "--password-stdin"], SECRET + "\n"
        else:
            monkeypatch.setenv("LAYERSLAYER_USERNAME", "me")
            monkeypatch.setenv("LAYERSLAYER_PASSWORD", SECRET)
        ran = run("--peek-all", "-v", "-t", registry.target, *more, typed=typed)
        assert ran.code == 0, ran.err
        assert {item.headers.get("authorization") for item in registry.asked("/token")} == {BASIC}
        assert BASIC not in registry.authorizations("/v2/")
    assert SECRET not in ran.out + ran.err


@pytest.mark.parametrize("named", [False, True], ids=["typed", "named"])
def test_a_piped_password_is_no_answer_to_a_prompt(
    run: Runner, nobody: Path, monkeypatch: pytest.MonkeyPatch, named: bool
) -> None:
    """Else it would be asked for as an image of Docker Hub, and stand on the screen and in the log."""
    word = "hunter2pw"
    with Registry() as hub, Registry() as registry:
        monkeypatch.setattr("layerslayer.oci.reference._HUB_API", hub.host)
        target = ["-t", registry.target] if named else []
        ran = run(*target, "--username", "me", "--password-stdin", "-l", "log.txt", typed=word + "\n")
        assert hub.requests == []
    assert ran.err.endswith("The input has ended; nothing more to do.\n")
    assert word not in ran.out + ran.err + Path("log.txt").read_text(encoding="utf-8")


def test_a_piped_password_is_no_image_of_a_batch(run: Runner, nobody: Path) -> None:
    ran = run("ls", "--batch", "-", "--username", "me", "--password-stdin", typed="hunter2pw\n")
    assert ran.code == 2 and "hunter2pw" not in ran.out + ran.err
    assert ran.err.startswith("Error: --batch - and --password-stdin would both read standard input. Put the images")


def test_a_login_that_the_service_refuses_is_told_and_left_out(run: Runner, nobody: Path) -> None:
    def anonymous_only(request: Request, normal: Normal) -> Response:
        return Response(401, {}, b"{}") if "authorization" in request.headers else normal()

    with Registry(challenge=True) as registry:
        registry.fault("/token", anonymous_only)
        log_in(nobody, registry.host)
        ran = run("--peek-all", "-t", registry.target)
    assert ran.code == 0
    assert ran.err.count("refuses the login from") == 1


def test_a_realm_of_another_host_sees_no_login(run: Runner, nobody: Path) -> None:
    with Registry() as elsewhere, Registry(challenge=True) as registry:
        realm = "http://localhost:{}/token".format(elsewhere.host.rpartition(":")[2])

        def challenge(request: Request, normal: Normal) -> Response:
            if request.headers.get("authorization", "").partition(" ")[2] in elsewhere.issued:
                return (
                    Registry.manifest(registry, NAME, "1.0") if "manifests/1.0" in request.path else whatever(request)
                )
            return Response(401, {"WWW-Authenticate": 'Bearer realm="{}",service="s"'.format(realm)}, b"{}")

        def whatever(request: Request) -> Response:
            kind, wanted = request.path.split("/")[-2:]
            return registry.manifest(NAME, wanted) if kind == "manifests" else registry.blob(wanted, request)

        registry.fault("/v2/", challenge)
        log_in(nobody, registry.host)
        ran = run("--peek-all", "-t", registry.target)
        assert ran.code == 0, ran.err
        assert SECRET not in seen_by(elsewhere) and BASIC not in seen_by(elsewhere)
        assert "--trust-realm localhost" in ran.err
        ran = run("--peek-all", "-t", registry.target, "--trust-realm", "localhost")
        assert ran.code == 0
        assert BASIC in seen_by(elsewhere)


def test_an_identity_token_goes_by_post(run: Runner, nobody: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    forms: List[Dict[str, Any]] = []

    def do_post(handler: Any) -> None:
        body = handler.rfile.read(int(handler.headers["Content-Length"])).decode()
        forms.append(parse_qs(body))
        registry._tokens["oauth"] = "repository:{}:pull".format(NAME)
        registry.send(handler, Response(200, {}, b'{"access_token": "oauth", "expires_in": 300}'))

    with Registry(challenge=True) as registry:
        monkeypatch.setattr(registry._server.RequestHandlerClass, "do_POST", do_post, raising=False)
        log_in(nobody, registry.host, identitytoken=SECRET)
        ran = run("--peek-all", "-v", "-t", registry.target)
        assert ran.code == 0, ran.err
        assert registry.asked("/token") == []
    assert forms[0]["grant_type"] == ["refresh_token"]
    assert forms[0]["refresh_token"] == [SECRET]
    assert forms[0]["scope"] == ["repository:{}:pull".format(NAME)]
    assert SECRET not in ran.out + ran.err


def test_an_identity_token_where_there_is_no_post(run: Runner, nobody: Path) -> None:
    with Registry(challenge=True) as registry:  # it answers a POST with 501, once; scripted as 404 here
        handler = registry._server.RequestHandlerClass
        handler.do_POST = lambda self: registry.send(self, Response(404, {"Connection": "close"}, b""))  # type: ignore[attr-defined]
        log_in(nobody, registry.host, username="me", identitytoken=SECRET)
        ran = run("--peek-all", "-t", registry.target)
        assert ran.code == 0, ran.err
        assert registry.authorizations("/token") == [BASIC]


def test_a_registry_token_is_sent_as_it_is(run: Runner, nobody: Path) -> None:
    with Registry(challenge=True) as registry:
        registry._tokens[SECRET] = "repository:{}:pull".format(NAME)
        log_in(nobody, registry.host, registrytoken=SECRET)
        ran = run("--peek-all", "-t", registry.target)
        assert ran.code == 0, ran.err
        assert registry.asked("/token") == []


def test_a_damaged_login_is_told_and_the_image_read(run: Runner, nobody: Path) -> None:
    (nobody / ".docker").mkdir()
    (nobody / ".docker" / "config.json").write_text('{"auths": ')
    with Registry(challenge=True) as registry:
        ran = run("--peek-all", "-t", registry.target)
    assert ran.code == 0
    assert ran.err.count("not a JSON object") == 1


def test_a_password_that_nobody_gave(run: Runner, nobody: Path) -> None:
    with Registry() as registry:
        registry.fault("/v2/", wants_basic)
        alone = run("--peek-all", "-t", registry.target, "--password-stdin", typed="secret\n")
        nothing = run("--peek-all", "-t", registry.target, "--username", "me", "--password-stdin")
    assert alone.code == 2 and "--username NAME" in alone.err
    assert nothing.code == 2 and "No password came from standard input" in nothing.err
