"""Certificates: private authorities, of clients, and registries that have none."""

from __future__ import annotations

import ssl
import warnings
from datetime import datetime
from pathlib import Path
from typing import Optional

import pytest
import trustme

from ..support.logins import BASIC, log_in, wants_basic
from ..support.registry import NAME, Registry, seen_by
from ..support.registry.running import Runner

pytestmark = pytest.mark.usefixtures("nobody")


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
    monkeypatch.setattr("layerslayer.registry.http.origin.is_loopback", lambda host: False)
    monkeypatch.setattr("layerslayer.registry.http.sender.is_loopback", lambda host: False)
    with Registry(challenge=True) as registry:
        log_in(nobody, registry.host)
        registry.fault("/v2/", lambda request, normal: wants_basic(request, normal))
        ran = run("--peek-all", "-t", registry.target, "--insecure", registry.host)
        assert ran.code == 2
        assert BASIC not in seen_by(registry)
        assert registry.asked("/manifests/")


@pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
@pytest.mark.parametrize("there", [False, True], ids=["missing", "no certificates"])
def test_authorities_of_the_environment_that_are_none(
    run: Runner, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, there: bool
) -> None:
    bundle = tmp_path / "bundle.pem"
    if there:
        bundle.write_text("nothing of the kind", encoding="utf-8")
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    monkeypatch.setenv(name, str(bundle))
    ran = run("ls", "reg.invalid/a/b:1", "--retries", "0")
    assert (ran.code, len(ran.err.splitlines())) == (2, 1)
    assert (
        "The certificate file {} cannot be used: ".format(bundle) in ran.err and "Check REQUESTS_CA_BUNDLE" in ran.err
    )
    assert "no such host" in run("ls", "reg.invalid/a/b:1", "--retries", "0", "--insecure", "reg.invalid").err
