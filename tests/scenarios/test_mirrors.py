"""--mirror: asked first, passed over when it does not help, shown no login."""

from __future__ import annotations

from pathlib import Path

import pytest

from layerslayer.demo.registry import Response
from layerslayer.sources import mirror

from ..support.logins import BASIC, log_in, wants_login_for_tokens
from ..support.registry import NAME, Registry, closed_port, seen_by
from ..support.registry.running import Runner

pytestmark = pytest.mark.usefixtures("nobody")


def hub_is(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("layerslayer.oci.reference._HUB_API", registry.host)


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
    assert mirror.Mirrored
