"""Logins of other tools: which one counts for a repository, and what is never used."""

from __future__ import annotations

import base64
import json
import os
import stat
from pathlib import Path
from typing import Any, Dict, List, Optional

import pytest
from hypothesis import given
from hypothesis import strategies as st

from layerslayer.errors import LocalFileError
from layerslayer.registry.auth.realms import may_see_login
from layerslayer.registry.credentials import auth_files, helpers
from layerslayer.registry.credentials.auth_files import HUB_SERVER, Helper
from layerslayer.registry.credentials.login import Login
from layerslayer.registry.credentials.lookup import find_login
from layerslayer.registry.http.origin import origin_of


def auth(pair: str) -> Dict[str, str]:
    return {"auth": base64.b64encode(pair.encode()).decode()}


AUTHS: Dict[str, Any] = {
    "https://index.docker.io/v1/": auth("hub:secret"),
    "ghcr.io": auth("me:pa:ss\0\0"),
    "quay.io/team/app": auth("app:1"),
    "quay.io/team": auth("team:2"),
    "quay.io": auth("all:3"),
    "https://reg.example:5000/v2/": {"username": "u", "password": "p"},
    "identity.example": {"identitytoken": "refresh"},
    "bearer.example": {"registrytoken": "bearer"},
    "empty.example": {},
    "number.example": 5,
}


@pytest.mark.parametrize(
    ("domain", "path", "username", "password"),
    [
        ("docker.io", "library/redis", "hub", "secret"),
        ("ghcr.io", "a/b", "me", "pa:ss"),
        ("quay.io", "team/app", "app", "1"),
        ("quay.io", "team/apple", "team", "2"),
        ("quay.io", "teamwork", "all", "3"),
        ("reg.example:5000", "x", "u", "p"),
        ("identity.example", "x", "", ""),
    ],
)
def test_the_most_specific_entry_counts(domain: str, path: str, username: str, password: str) -> None:
    found = auth_files.find({"auths": AUTHS}, domain, path, "a file")
    assert isinstance(found, Login)
    assert (found.username, found.password) == (username, password)


@pytest.mark.parametrize("domain", ["empty.example", "number.example", "other.example", "reg.example", "io"])
def test_nobody_else_gets_one(domain: str) -> None:
    assert auth_files.find({"auths": AUTHS}, domain, "x", "a file") is None


@pytest.mark.parametrize(
    ("document", "domain", "expected"),
    [
        ({"credsStore": "desktop", "auths": AUTHS}, "ghcr.io", Helper("desktop", "ghcr.io")),
        ({"credsStore": "desktop"}, "docker.io", Helper("desktop", HUB_SERVER)),
        ({"credHelpers": {"gcr.io": "gcloud"}, "credsStore": "x"}, "gcr.io", Helper("gcloud", "gcr.io")),
        ({"credHelpers": {"gcr.io": "gcloud"}}, "ghcr.io", None),
        (
            {"auths": {"https://art.example/artifactory/api/docker": {"username": "u"}}},
            "art.example",
            Login("a file", "u"),
        ),
        ({"auths": {"art.example/other": {"username": "u"}}}, "art.example", None),
    ],
)
def test_helpers(document: Any, domain: str, expected: Optional[Helper]) -> None:
    assert auth_files.find(document, domain, "x/y", "a file") == expected


@pytest.mark.parametrize(
    "document",
    [
        {"credsStore": "../../bin/sh"},
        {"credsStore": "a b"},
        {"auths": {"ghcr.io": {"auth": "!!"}}},
        {"auths": {"ghcr.io": {"username": "!!\ud800"}}},
        {"auths": {"ghcr.io": {"identitytoken": "!!\udc80"}}},
        {"auths": {"ghcr.io": {"registrytoken": "!!\r\nHost: evil"}}},
        {"auths": {"ghcr.io": {"registrytoken": "!!\u20ac"}}},
    ],
)
def test_what_cannot_be_is_refused_without_a_quotation(document: Any) -> None:
    with pytest.raises(LocalFileError) as caught:
        auth_files.find(document, "ghcr.io", "x", "a file")
    assert "!!" not in str(caught.value) and "/bin" not in str(caught.value)


KEYS = st.sampled_from(["auths", "ghcr.io", "auth", "credHelpers", "credsStore", "a"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
)


@given(JSON)
def test_any_document_is_read_or_refused(document: Any) -> None:
    try:
        parsed = auth_files.parse(json.dumps(document).encode(), "a file")
        auth_files.find(parsed, "ghcr.io", "a/b", "a file")
    except LocalFileError:
        pass


def test_a_login_shows_no_secret() -> None:
    login = Login("a file", "user", "pass", "refresh", "bearer")
    for secret in ("pass", "refresh", "bearer"):
        assert secret not in repr(login)


def write(path: Path, document: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(document if isinstance(document, str) else json.dumps(document))


@pytest.fixture
def places(tmp_path: Path) -> Dict[str, str]:
    return {
        "HOME": str(tmp_path),
        "XDG_RUNTIME_DIR": str(tmp_path / "run"),
        "REGISTRY_AUTH_FILE": str(tmp_path / "named.json"),
        "DOCKER_CONFIG": str(tmp_path / "docker"),
    }


def test_the_order_of_places(tmp_path: Path, places: Dict[str, str]) -> None:
    order: List[str] = []
    write(tmp_path / ".dockercfg", {"ghcr.io": auth("dockercfg:1")})
    write(tmp_path / ".config" / "containers" / "auth.json", {"auths": {"ghcr.io": auth("config:1")}})
    write(tmp_path / "run" / "containers" / "auth.json", {"auths": {"ghcr.io": auth("run:1")}})
    write(tmp_path / "docker" / "config.json", {"auths": {"ghcr.io": auth("docker:1")}})
    write(tmp_path / "named.json", {"auths": {"ghcr.io": auth("named:1")}})
    environment = dict(
        places,
        DOCKER_AUTH_CONFIG=json.dumps({"auths": {"ghcr.io": auth("inline:1")}}),
        LAYERSLAYER_USERNAME="env",
        LAYERSLAYER_PASSWORD="1",
    )

    def found() -> None:
        login = find_login("ghcr.io", "a/b", environment)
        order.append(login.username if login else "")

    found()
    for name in ("LAYERSLAYER_USERNAME", "DOCKER_AUTH_CONFIG"):
        del environment[name]
        found()
    for file in ("named.json", "docker/config.json", "run/containers/auth.json", ".config/containers/auth.json"):
        (tmp_path / file).unlink()
        found()
    (tmp_path / ".dockercfg").unlink()
    found()
    assert order == ["env", "inline", "named", "docker", "run", "config", "dockercfg", ""]


@pytest.mark.parametrize("damaged", ["{", "[]", "\0", '{"auths": {"ghcr.io": {"auth": "?"}}}'])
def test_a_damaged_file_is_told_and_passed_over(tmp_path: Path, places: Dict[str, str], damaged: str) -> None:
    write(tmp_path / "docker" / "config.json", damaged)
    write(tmp_path / "run" / "containers" / "auth.json", {"auths": {"ghcr.io": auth("run:1")}})
    warnings: List[str] = []
    login = find_login("ghcr.io", "a/b", places, warnings.append)
    assert login and login.username == "run"
    assert len(warnings) == 1


def helper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> Helper:
    program = tmp_path / "bin" / "docker-credential-test"
    program.parent.mkdir(exist_ok=True)
    program.write_text("#!/bin/sh\n" + script)
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", "{}{}{}".format(program.parent, os.pathsep, os.environ["PATH"]))
    return Helper("test", "ghcr.io")


HELPERS = {
    "a login": ('cat > "$0.in"; echo \'{"ServerURL":"x","Username":"u","Secret":"s"}\'', ("u", "s", "")),
    "an identity token": ('echo \'{"ServerURL":"x","Username":"<token>","Secret":"s"}\'', ("", "", "s")),
    "nothing": ("echo credentials not found in native keychain; exit 1", None),
}
BROKEN_HELPERS = {
    "an error": ("echo the keychain is locked; echo more; exit 1", "failed: the keychain is locked."),
    "an answer all the same": ("""echo '{"Username":"u","Secret":"s1"}'; exit 1""", '"Secret":"REDACTED"'),
    "silence": ("exit 3", "failed: exit code 3."),
    "no JSON": ("echo hello", "cannot be read"),
    "not what it should be": ("echo '[]'", "cannot be read"),
    "half a character": ("""echo '{"Username":"u","Secret":"\\ud800"}'""", "cannot be read"),
    "a flood": ("head -c 400000 /dev/zero", "cannot be read"),
}


@pytest.mark.skipif(os.name == "nt", reason="the helper is a shell script")
@pytest.mark.parametrize("case", HELPERS)
def test_what_helpers_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: str) -> None:
    script, expected = HELPERS[case]
    login = helpers.ask(helper(tmp_path, monkeypatch, script), "a file")
    assert (login and (login.username, login.password, login.identity_token)) == expected
    if case == "a login":
        assert (tmp_path / "bin" / "docker-credential-test.in").read_text() == "ghcr.io"


@pytest.mark.skipif(os.name == "nt", reason="the helper is a shell script")
@pytest.mark.parametrize("case", BROKEN_HELPERS)
def test_what_helpers_get_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: str) -> None:
    script, said = BROKEN_HELPERS[case]
    with pytest.raises(LocalFileError, match=said):
        helpers.ask(helper(tmp_path, monkeypatch, script), "a file")


def test_a_helper_that_is_not_there() -> None:
    with pytest.raises(LocalFileError, match="not installed"):
        helpers.ask(Helper("of-nobody", "ghcr.io"), "a file")


@pytest.mark.parametrize(
    ("registry", "realm", "shown"),
    [
        ("https://registry-1.docker.io", "https://auth.docker.io/token", True),
        ("https://registry.gitlab.com", "https://gitlab.com/jwt/auth", True),
        ("https://nvcr.io", "https://authn.nvidia.com/token", True),
        ("https://ghcr.io", "https://ghcr.io/token", True),
        ("https://ghcr.io:8443", "https://ghcr.io/token", True),
        ("https://ghcr.io:8443", "https://ghcr.io:8443/token", True),
        ("https://ghcr.io", "https://ghcr.io:8443/token", False),
        ("https://ghcr.io:8443", "https://ghcr.io:9443/token", False),
        ("https://GHCR.io", "https://ghcr.IO/token", True),
        ("https://reg.example.org", "https://example.org/token", False),
        ("https://me.github.io", "https://github.io/token", False),
        ("https://github.io", "https://evil.github.io/token", False),
        ("https://co.uk", "https://evil.co.uk/token", False),
        ("https://s3.amazonaws.com", "https://evil.s3.amazonaws.com/token", False),
        ("https://s3.eu-west-1.amazonaws.com", "https://evil.s3.eu-west-1.amazonaws.com/token", False),
        ("https://herokuapp.com", "https://evil.herokuapp.com/token", False),
        ("https://dev:5000", "https://evil.dev/token", False),
        ("https://registry:5000", "https://registry:5000/token", True),
        ("https://registry.gitlab.com", "https://gitlab.com:8443/jwt/auth", False),
        ("https://registry.gitlab.com", "https://about.gitlab.com/jwt/auth", False),
        ("https://example.org", "https://auth.example.org/token", True),
        ("https://example.org:5000", "https://auth.example.org:5000/token", True),
        ("https://example.org", "https://auth.example.org:8443/token", False),
        ("https://example.org", "http://auth.example.org/token", False),
        ("https://example.org", "https://evilexample.org/token", False),
        ("https://a.example.org", "https://b.example.org/token", False),
        ("https://reg.example.org", "https://evil.example/token", False),
        ("https://example.org", "https://org/token", False),
        ("https://reg.example.org", "http://reg.example.org/token", False),
        ("https://10.1.2.3", "https://1.2.3.4/token", False),
        ("https://ghcr.io", "https://notghcr.io/token", False),
        ("https://10.1.2.3", "https://evil.10.1.2.3/token", False),
        ("https://[2001:db8::1]:5000", "https://[2001:db8::1]/token", True),
        ("https://ghcr.io", "https://trusted.example/token", True),
        ("https://ghcr.io", "https://trusted.example:8443/token", True),
        ("https://ghcr.io", "http://trusted.example/token", False),
        ("https://ghcr.io", "https://narrow.example:8443/token", True),
        ("https://ghcr.io", "https://narrow.example/token", False),
        ("https://ghcr.io", "https://evil.trusted.example/token", False),
        ("http://127.0.0.1:5000", "http://127.0.0.1:5000/token", True),
        ("http://127.0.0.1:5000", "http://127.0.0.1:5001/token", False),
        ("http://127.0.0.1:5000", "http://127.0.0.2:5000/token", False),
        ("http://reg.example.org", "http://reg.example.org/token", False),
    ],
)
def test_who_sees_a_login(registry: str, realm: str, shown: bool) -> None:
    assert may_see_login(origin_of(registry), origin_of(realm), {"trusted.example", "narrow.example:8443"}) is shown
