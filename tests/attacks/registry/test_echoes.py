"""A registry that says what it was shown: in warnings, errors, digests and addresses. No output has it, nor a log."""

from __future__ import annotations

import base64
import json
import socket
from pathlib import Path
from typing import Callable, Dict, List

import pytest

from layerslayer.demo.registry import Request, Response, error
from layerslayer.registry.http.sender import Sender

from ...support.registry import Answer, Normal, Registry, seen_by
from ...support.registry.faults import redirect, token_body
from ...support.registry.running import Runner
from ..watching import resolving

USER, SECRET = "me", "s3cret-of-mine/1"
PAIR = "{}:{}".format(USER, SECRET)
BASIC = base64.b64encode(PAIR.encode()).decode()
ISSUED = "issued-token-0"
Echo = Callable[[str, Response], Response]


def in_a_warning(said: str, response: Response) -> Response:
    return response._replace(headers=dict(response.headers, Warning='299 - "you sent {}"'.format(said)))


def in_an_error(said: str, response: Response) -> Response:
    return error(403, "DENIED", "{} may not do this, {}".format(said, "x" * 150 + said))


def in_a_busy_error(said: str, response: Response) -> Response:
    return error(429, "TOOMANYREQUESTS", "too many by " + said, {"Retry-After": "3600"})


def in_a_digest(said: str, response: Response) -> Response:
    return response._replace(headers=dict(response.headers, **{"Docker-Content-Digest": "sha256:" + said}))


def in_a_path(said: str, response: Response) -> Response:
    return redirect("/elsewhere/{}/x".format(said.replace(" ", "/")))


def in_parameters(said: str, response: Response) -> Response:
    return redirect("/elsewhere;{0}/;sig={0}/?{0}&n={0};last={0}&sig={0}#{0}".format(said.replace(" ", "+")))


def in_a_user_name(said: str, response: Response) -> Response:
    return redirect("http://{}@127.0.0.1:1/x".format(said.partition(" ")[2].replace("/", "%2F")))


def in_an_address_that_is_refused(said: str, response: Response) -> Response:
    return redirect("http://{}\\@127.0.0.1:1/{}".format(said, said))


def in_a_page(said: str, response: Response) -> Response:
    link = '</v2/demo/shop/tags/list?last={0};sig={0}&{0}>; rel="next"'.format(said.replace(" ", "+"))
    return response._replace(headers=dict(response.headers, Link=link))


ECHOES: List[Echo] = [
    in_a_warning,
    in_an_error,
    in_a_busy_error,
    in_a_digest,
    in_a_path,
    in_parameters,
    in_a_user_name,
    in_an_address_that_is_refused,
    in_a_page,
]


LOGINS: Dict[str, Dict[str, str]] = {
    "a login": {"auth": BASIC},
    "a login for tokens": {"auth": BASIC},
    "a registry's token": {"auth": base64.b64encode(b"me:").decode(), "registrytoken": SECRET.replace("/", "-")},
}


def wanting(way: str, registry: Registry, echo: Echo) -> None:
    """Script a registry that wants the login in this way, then says what it has seen."""
    bearer = 'Bearer realm="{}/token",service="s"'.format(registry.url)
    challenge = 'Basic realm="x"' if way == "a login" else bearer

    def answer(request: Request, normal: Normal) -> Response:
        shown = request.headers.get("authorization", "")
        if not shown:
            return Response(401, {"WWW-Authenticate": challenge})
        said = PAIR.replace(":", " ") if shown.startswith("Basic ") and len(registry.requests) % 2 else shown
        return echo(said, normal())

    registry.fault("^/v2/", answer)
    registry.fault("^/token", token_body({"token": ISSUED, "refresh_token": SECRET}))
    registry.fault("^/elsewhere", error(404, "NO", "nothing"))


@pytest.mark.parametrize("echo", ECHOES)
@pytest.mark.parametrize("way", LOGINS)
@pytest.mark.parametrize("verb", ["peek", "tags"])
def test_what_was_shown_is_not_said(
    run: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, echo: Echo, way: str, verb: str
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("DOCKER_CONFIG", raising=False)
    (tmp_path / ".docker").mkdir()
    with Registry() as registry:
        config = json.dumps({"auths": {registry.host: LOGINS[way]}})
        (tmp_path / ".docker" / "config.json").write_text(config, encoding="utf-8")
        wanting(way, registry, echo)
        target = registry.target if verb == "peek" else registry.target.rpartition(":")[0]
        ran = run(verb, target, "-v", "-l", "log.txt", "--retries", "0", "--json")
        seen = seen_by(registry)
    assert ISSUED in seen or BASIC in seen or SECRET.replace("/", "-") in seen
    told = ran.out + ran.err + (tmp_path / "log.txt").read_text(encoding="utf-8")
    for secret in (SECRET, SECRET.replace("/", "-"), SECRET.replace("/", "%2F"), BASIC, ISSUED):
        assert secret not in told


HOST_SECRET = "s3cret-of-mine"
HOSTS: Dict[str, Answer] = {
    "a redirect": redirect("http://{}.test/x".format(HOST_SECRET)),
    "a redirect beyond names": redirect("http://{}.test:1/x".format(HOST_SECRET)),
    "a realm": Response(401, {"WWW-Authenticate": 'Bearer realm="http://{}.test/t"'.format(HOST_SECRET)}),
    "a page": lambda request, normal: in_a_page_elsewhere(normal()),
}


def in_a_page_elsewhere(response: Response) -> Response:
    link = "<http://{}.test/v2/>; rel=next".format(HOST_SECRET)
    return response._replace(headers=dict(response.headers, Link=link))


@pytest.mark.parametrize("case", HOSTS)
@pytest.mark.parametrize("verb", ["peek", "tags"])
def test_a_host_that_is_called_by_a_secret(
    run: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: str, verb: str
) -> None:
    monkeypatch.setenv("LAYERSLAYER_USERNAME", USER)
    monkeypatch.setenv("LAYERSLAYER_PASSWORD", HOST_SECRET)
    monkeypatch.setenv("HOME", str(tmp_path))

    def answer(request: Request, normal: Normal) -> Response:
        if "authorization" not in request.headers:
            return Response(401, {"WWW-Authenticate": 'Basic realm="x"'})
        said = HOSTS[case]
        return said if isinstance(said, Response) else said(request, normal)

    with Registry() as registry:
        registry.fault("^/v2/", answer)
        target = registry.target if verb == "peek" else registry.target.rpartition(":")[0]
        ran = run(verb, target, "-v", "-l", "log.txt", "--retries", "0", "--json")
    told = ran.out + ran.err + (tmp_path / "log.txt").read_text(encoding="utf-8")
    assert HOST_SECRET not in told
    assert "REDACTED.test" in told or (case == "a page" and verb == "peek")


def test_a_storage_that_is_called_by_a_secret(run: Runner, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", resolving({HOST_SECRET + ".test": "127.0.0.1"}))
    monkeypatch.setattr(Sender, "pass_hop", lambda sender, url: None)  # as if it were https
    with Registry() as registry:
        where = "http://{}.test:{}/elsewhere".format(HOST_SECRET, registry.host.rpartition(":")[2])
        registry.fault("/manifests/", redirect(where))
        registry.fault("^/elsewhere", error(404, "NO", "nothing"))
        (tmp_path / "mine.txt").write_text(HOST_SECRET, encoding="utf-8")
        ran = run("peek", registry.target, "--token-file", "mine.txt", "-v", "--json")
    assert HOST_SECRET not in ran.out + ran.err and "The storage REDACTED.test" in ran.err


def test_a_token_of_the_user(run: Runner, tmp_path: Path) -> None:
    token = "opaque~token"
    (tmp_path / "mine.txt").write_text(token, encoding="utf-8")
    with Registry() as registry:
        registry.fault("^/v2/", error(403, "DENIED", "no rights for " + token, {"Warning": "299 - " + token}))
        ran = run("peek", registry.target, "--token-file", "mine.txt", "-v", "-l", "log.txt")
        assert registry.authorizations()[0] == "Bearer " + token
    assert ran.code == 2 and "DENIED: no rights for REDACTED" in ran.err and "says: REDACTED" in ran.err
    assert token not in ran.out + ran.err + (tmp_path / "log.txt").read_text(encoding="utf-8")
