"""A registry that says aloud what it was shown: nothing of it gets to the screen or into the log."""

from __future__ import annotations

import base64
from typing import Callable

import pytest

from layerslayer.demo.registry import Request, Response, error

from ...support.registry import NAME
from ...support.registry.running import Runner
from ..watching import SECRETS, USER, Keeper, shows
from ..ways import BY_NAME, User


class Echo(Keeper):
    """Refuses whom it knows, quoting what they showed."""

    status = 403

    def respond(self, request: Request) -> Response:
        answer = super().respond(request)
        if answer.status != 200 or request.path == "/token":
            return answer
        shown = request.headers.get("authorization", "").partition(" ")[2] or request.headers["x-meta-team"]
        quoted = "{} {} you said {}".format(shown, "so" * 70, shown)
        if self.wants == "basic":
            quoted += " or " + base64.b64decode(shown).decode()
        headers = {} if self.wants == "basic" else {"Warning": '299 - "{}"'.format(quoted)}
        return error(self.status, "DENIED", quoted, headers)


@pytest.mark.parametrize("status", [403, 404])
@pytest.mark.parametrize("name", BY_NAME)
def test_an_echo(run: Runner, user_of: Callable[[str], User], name: str, status: int) -> None:
    way = BY_NAME[name]
    with Echo() as registry:
        registry.status = status
        registry.wants = way.wanted(plainly=status != 404)
        user = user_of(registry.host)
        way.give(user)
        image = "{}/{}:1.0".format(registry.host, NAME)
        words = ("config", image, "--json", "-v", "-l", "log.txt", "--retries", "0")
        ran = run(*words, *user.arguments, typed=user.typed)
        issued = registry.issued
    assert ran.code == 2 and "REDACTED" in ran.err
    told = (ran.out + ran.err).encode() + (run.folder / "log.txt").read_bytes()
    assert shows(told, *(secret for secret in SECRETS if secret != USER)) == []
    assert not [token for token in issued if token.encode() in told]
