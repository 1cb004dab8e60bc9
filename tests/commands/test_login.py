"""Private registries, with the logins that users have; certificates; mirrors."""

from __future__ import annotations

import base64
import json
import ssl
import warnings
from datetime import datetime
from pathlib import Path
from typing import Any, Dict, List, Optional
from urllib.parse import parse_qs

import pytest
import trustme

from layerslayer.demo.registry import Request, Response
from layerslayer.sources import mirrored
from layerslayer.tls import Tls

from ..registry import NAME, Normal, Registry, closed_port, seen_by
from ..registry.faults import redirect
from ..registry.running import Runner

SECRET = "correct-horse-battery"
BASIC = "Basic " + base64.b64encode(b"me:" + SECRET.encode()).decode()


@pytest.fixture(autouse=True)
def nobody(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A home without logins."""
    for name in ("DOCKER_CONFIG", "DOCKER_AUTH_CONFIG", "REGISTRY_AUTH_FILE", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def log_in(home: Path, host: str, **entry: str) -> None:
    entry = entry or {"auth": base64.b64encode(b"me:" + SECRET.encode()).decode()}
    (home / ".docker").mkdir()
    (home / ".docker" / "config.json").write_text(json.dumps({"auths": {host: entry}}))


def wants_basic(request: Request, normal: Normal) -> Response:
    if request.headers.get("authorization") == BASIC:
        return normal()
    return Response(401, {"WWW-Authenticate": 'Basic realm="here"'}, b"{}")


def wants_login_for_tokens(request: Request, normal: Normal) -> Response:
    return normal() if request.headers.get("authorization") == BASIC else Response(401, {}, b"{}")


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
    monkeypatch.setattr("layerslayer.realms.is_loopback", lambda host: False)
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


# -- certificates -----------------------------------------------------------


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


def secured(
    registry: Registry,
    authority: trustme.CA,
    name: str = "localhost",
    client: bool = False,
    until: Optional[datetime] = None,
) -> str:
    """Make the registry speak TLS with a certificate for ``name``; return the image's reference."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name, not_after=until).configure_cert(context)
    if client:
        context.verify_mode = ssl.CERT_REQUIRED
        authority.configure_trust(context)
    registry._server.socket = context.wrap_socket(registry._server.socket, server_side=True)
    registry.host = "localhost:" + registry.host.rpartition(":")[2]
    return "{}/{}:1.0".format(registry.host, NAME)


def test_a_certificate_of_another_name_or_of_the_past(run: Runner, nobody: Path, authority: trustme.CA) -> None:
    authority.cert_pem.write_to_path(str(nobody / "ca.pem"))
    trusted = ("--ca-file", str(nobody / "ca.pem"))
    with Registry() as registry:
        ran = run("--peek-all", "-t", secured(registry, authority, "other.example"), *trusted)
        assert "its certificate is for another name" in ran.err and "--ca-file" not in ran.err
    with Registry() as registry:
        ran = run("--peek-all", "-t", secured(registry, authority, until=datetime(2020, 1, 1)), *trusted)
        assert "its certificate has expired" in ran.err and "clock" in ran.err


def test_a_private_authority(run: Runner, nobody: Path, authority: trustme.CA) -> None:
    authority.cert_pem.write_to_path(str(nobody / "ca.pem"))
    with Registry() as registry:
        target = secured(registry, authority)
        refused = run("--peek-all", "-t", target)
        assert refused.code == 2 and "its certificate is of an authority that is not trusted here" in refused.err
        assert run("--peek-all", "-t", target, "--ca-file", str(nobody / "ca.pem")).code == 0
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            unchecked = run("--peek-all", "-q", "-t", target, "--insecure", registry.host)
        assert (unchecked.code, unchecked.err, told) == (0, "", [])
        assert "--ca-file FILE" in refused.err and "--insecure {}.".format(registry.host) in refused.err
        assert run("--peek-all", "-t", target, "--insecure", "localhost").code == 2
        folder = nobody / ".config" / "containers" / "certs.d" / registry.host
        folder.mkdir(parents=True)
        authority.cert_pem.write_to_path(str(folder / "ca.crt"))
        assert run("--peek-all", "-t", target).code == 0


def test_a_certificate_for_another_name(run: Runner, nobody: Path, authority: trustme.CA) -> None:
    authority.cert_pem.write_to_path(str(nobody / "ca.pem"))
    with Registry() as registry:
        target = secured(registry, authority, "other.example")
        assert run("--peek-all", "-t", target, "--ca-file", str(nobody / "ca.pem")).code == 2


def test_a_client_certificate(run: Runner, nobody: Path, authority: trustme.CA) -> None:
    authority.cert_pem.write_to_path(str(nobody / "ca.pem"))
    issued = authority.issue_cert("me@example.org")
    issued.private_key_and_cert_chain_pem.write_to_path(str(nobody / "me.pem"))
    with Registry() as registry:
        target = secured(registry, authority, client=True)
        trusting = ["--peek-all", "-t", target, "--ca-file", str(nobody / "ca.pem")]
        assert run(*trusting, "--retries", "0").code == 2
        ran = run(*trusting, "--client-cert", str(nobody / "me.pem"))
        assert ran.code == 0, ran.err


def test_a_certificate_file_that_is_none(run: Runner, nobody: Path) -> None:
    (nobody / "ca.pem").write_text("hello")
    ran = run("--peek-all", "-t", "https.example/a", "--ca-file", str(nobody / "ca.pem"))
    assert ran.code == 2
    assert "cannot be used" in ran.err


def test_an_insecure_host_that_speaks_http_sees_no_login(
    run: Runner, nobody: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("layerslayer.origins.is_loopback", lambda host: False)
    monkeypatch.setattr("layerslayer.transport.sending.is_loopback", lambda host: False)
    with Registry(challenge=True) as registry:
        log_in(nobody, registry.host)
        registry.fault("/v2/", lambda request, normal: wants_basic(request, normal))
        ran = run("--peek-all", "-t", registry.target, "--insecure", registry.host)
        assert ran.code == 2
        assert BASIC not in seen_by(registry)
        assert registry.asked("/manifests/")


def test_only_the_host_named_is_not_checked() -> None:
    tls = Tls(insecure={"reg.example:5000"})
    assert not tls.verify("https://reg.example:5000/v2/")
    assert tls.verify("https://reg.example/v2/") and tls.verify("https://reg.example:5000.evil/v2/")


# -- mirrors ----------------------------------------------------------------


def hub_is(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("layerslayer.reference._HUB_API", registry.host)


@pytest.mark.parametrize("mirror_works", [True, False])
def test_a_mirror_is_asked_first(run: Runner, monkeypatch: pytest.MonkeyPatch, mirror_works: bool) -> None:
    with Registry() as near, Registry() as hub:
        hub_is(hub, monkeypatch)
        if not mirror_works:
            near.fault("/v2/", Response(403, {}, b"{}"))
        ran = run("--peek-all", "-t", "docker.io/{}:1.0".format(NAME), "--mirror", near.host)
        assert ran.code == 0, ran.err
        assert bool(hub.requests) is not mirror_works
    assert ran.err.count("is passed over") == (0 if mirror_works else 1)


def test_a_mirror_that_is_down(run: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    with Registry() as hub:
        hub_is(hub, monkeypatch)
        ran = run("--peek-all", "-t", "docker.io/{}:1.0".format(NAME), "--mirror", closed_port())
    assert ran.code == 0
    assert ran.err.count("is passed over") == 1


def test_a_mirror_sees_no_login_for_the_hub(run: Runner, nobody: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Registry(challenge=True) as near, Registry(challenge=True) as hub:
        hub_is(hub, monkeypatch)
        log_in(nobody, "https://index.docker.io/v1/")
        near.fault("/token", wants_login_for_tokens)
        hub.fault("/token", wants_login_for_tokens)
        ran = run("--peek-all", "-t", "docker.io/{}:1.0".format(NAME), "--mirror", near.host)
        assert ran.code == 0, ran.err
        assert BASIC not in seen_by(near) and BASIC in seen_by(hub)


def test_other_registries_have_no_mirror(run: Runner) -> None:
    with Registry() as registry:
        assert run("--peek-all", "-t", registry.target, "--mirror", closed_port()).code == 0
    assert mirrored.Mirrored


def test_a_password_that_nobody_gave(run: Runner, nobody: Path) -> None:
    with Registry() as registry:
        registry.fault("/v2/", wants_basic)
        alone = run("--peek-all", "-t", registry.target, "--password-stdin", typed="secret\n")
        nothing = run("--peek-all", "-t", registry.target, "--username", "me", "--password-stdin")
    assert alone.code == 2 and "--username NAME" in alone.err
    assert nothing.code == 2 and "No password came from standard input" in nothing.err
