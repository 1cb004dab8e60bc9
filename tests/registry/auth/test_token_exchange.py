"""What an auth service answers: tokens that are used, for how long, and bodies that are refused."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, Dict

import pytest

from layerslayer.demo.registry import Response
from layerslayer.errors import RegistryError, Unauthorized, Unreachable

from ...support.registry import Opened, Registry, closed_port
from ...support.registry.faults import HTML, challenged, redirect, token_body
from ...support.registry.fetching import fetched, first_layer
from .test_bearer import GOOD

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
    for room in ("token_cache", "token_exchange"):
        monkeypatch.setattr(
            "layerslayer.registry.auth.{}.time".format(room),
            SimpleNamespace(monotonic=lambda: clock[0], time=lambda: 0.0),
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
