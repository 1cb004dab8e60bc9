"""Every way in which a user may hand over a login, set up for one registry: the table of "Logins and tokens"."""

from __future__ import annotations

import base64
import json
import os
import stat
from pathlib import Path
from typing import Any, Callable, Dict, List, NamedTuple, Sequence

import pytest

from .watching import META, PASSWORD, REFRESH, TOKEN, USER

PAIR = base64.b64encode("{}:{}".format(USER, PASSWORD).encode()).decode()
_ENVIRONMENT = (
    *("DOCKER_CONFIG", "DOCKER_AUTH_CONFIG", "REGISTRY_AUTH_FILE", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME"),
    *("LAYERSLAYER_TOKEN", "LAYERSLAYER_USERNAME", "LAYERSLAYER_PASSWORD"),
    *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "all_proxy", "no_proxy"),
)

_HELPER = """#!/bin/sh
read -r server
[ "$server" = "{host}" ] || {{ echo credentials not found in native keychain; exit 1; }}
cat <<'E'
{answer}
E
"""


class User:
    """Somebody with a home, an environment and words on the command line, for the registry ``host``."""

    def __init__(self, home: Path, monkeypatch: pytest.MonkeyPatch, host: str) -> None:
        self.home = home
        self.host = host
        self.arguments: List[str] = []
        self.typed = ""
        self.monkeypatch = monkeypatch
        for name in _ENVIRONMENT:
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("HOME", str(home))

    def env(self, **values: str) -> None:
        for name, value in values.items():
            self.monkeypatch.setenv(name, value)

    def write(self, path: str, document: Any) -> str:
        """Write a file below the home; return its path."""
        file = self.home / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(document if isinstance(document, str) else json.dumps(document), encoding="utf-8")
        return str(file)

    def auths(self, **entry: str) -> Dict[str, Any]:
        return {"auths": {self.host: entry or {"auth": PAIR}}}

    def helper(self, username: str, secret: str) -> None:
        """Install ``docker-credential-watched``, which has a login for this host alone, as such programs do."""
        answer = json.dumps({"ServerURL": "x", "Username": username, "Secret": secret})
        program = Path(self.write("bin/docker-credential-watched", _HELPER.format(host=self.host, answer=answer)))
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        self.env(PATH="{}{}{}".format(program.parent, os.pathsep, os.environ["PATH"]))


class Way(NamedTuple):
    """``kind`` is what a ``Keeper`` has to want, ``named`` whether it is given by the host's name."""

    name: str
    kind: str
    named: bool
    give: Callable[[User], None]

    @property
    def secrets(self) -> Sequence[str]:
        return {"login": (USER, PASSWORD), "refresh": (REFRESH,), "token": (TOKEN,), "meta": (META,)}[self.kind]

    def wanted(self, plainly: bool) -> str:
        """What the registry asks for; of a login ``plainly`` itself, or by its auth service."""
        return "basic" if plainly and self.kind == "login" else self.kind


def _by_flags(user: User) -> None:
    user.arguments += ["--username", USER, "--password-stdin"]
    user.typed = PASSWORD + "\n"


def _by_flag_and_environment(user: User) -> None:
    user.arguments += ["--username", USER]
    user.env(LAYERSLAYER_PASSWORD=PASSWORD)


def _by_bare_token_file(user: User) -> None:
    user.arguments += ["--token-file", user.write("mine.token", TOKEN)]


def _by_named_token_file(user: User) -> None:
    user.arguments += ["--token-file", user.write("mine.token", "{} {}\n".format(user.host, TOKEN))]


def _by_a_helper_of_the_host(user: User) -> None:
    user.helper(USER, PASSWORD)
    user.write(".docker/config.json", {"credHelpers": {user.host: "watched"}})


def _by_a_helper_of_all_hosts(user: User) -> None:
    user.helper(USER, PASSWORD)
    user.write(".docker/config.json", {"credsStore": "watched", "auths": {user.host: {}}})


def _by_a_helper_with_an_identity(user: User) -> None:
    user.helper("<token>", REFRESH)
    user.write(".docker/config.json", {"credHelpers": {user.host: "watched"}})


def _by_session_of_podman(user: User) -> None:
    user.env(XDG_RUNTIME_DIR=str(user.home / "run"))
    user.write("run/containers/auth.json", user.auths())


WAYS = [
    Way("--username and --password-stdin", "login", False, _by_flags),
    Way("--username and LAYERSLAYER_PASSWORD", "login", False, _by_flag_and_environment),
    Way("a bare token of --token-file", "token", False, _by_bare_token_file),
    Way("a line of --token-file", "token", True, _by_named_token_file),
    Way("LAYERSLAYER_TOKEN", "token", False, lambda user: user.env(LAYERSLAYER_TOKEN=TOKEN)),
    Way("a line of token.txt", "token", True, lambda user: _ignore(user.write("token.txt", user.host + " " + TOKEN))),
    Way(
        "LAYERSLAYER_USERNAME",
        "login",
        False,
        lambda user: user.env(LAYERSLAYER_USERNAME=USER, LAYERSLAYER_PASSWORD=PASSWORD),
    ),
    Way("DOCKER_AUTH_CONFIG", "login", True, lambda user: user.env(DOCKER_AUTH_CONFIG=json.dumps(user.auths()))),
    Way(
        "REGISTRY_AUTH_FILE",
        "login",
        True,
        lambda user: user.env(REGISTRY_AUTH_FILE=user.write("named.json", user.auths())),
    ),
    Way("Docker's config.json", "login", True, lambda user: _ignore(user.write(".docker/config.json", user.auths()))),
    Way("a helper of the host", "login", True, _by_a_helper_of_the_host),
    Way("a helper of all hosts", "login", True, _by_a_helper_of_all_hosts),
    Way("podman's session", "login", True, _by_session_of_podman),
    Way(
        "podman's auth.json",
        "login",
        True,
        lambda user: _ignore(user.write(".config/containers/auth.json", user.auths())),
    ),
    Way(".dockercfg", "login", True, lambda user: _ignore(user.write(".dockercfg", user.auths()["auths"]))),
    Way(
        "an identity token",
        "refresh",
        True,
        lambda user: _ignore(user.write(".docker/config.json", user.auths(identitytoken=REFRESH))),
    ),
    Way("a helper's identity token", "refresh", True, _by_a_helper_with_an_identity),
    Way(
        "a registry token",
        "token",
        True,
        lambda user: _ignore(user.write(".docker/config.json", user.auths(registrytoken=TOKEN))),
    ),
    Way(
        "X-Meta headers",
        "meta",
        False,
        lambda user: _ignore(user.write(".docker/config.json", {"HttpHeaders": {"X-Meta-Team": META}})),
    ),
]
BY_NAME = {way.name: way for way in WAYS}
NAMELESS = [way.name for way in WAYS if not way.named]


def _ignore(path: str) -> None:
    """A file needs only be there."""
