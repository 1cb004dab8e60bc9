"""Certificates by host: who is checked, by which authorities, and with which certificate of the user's."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest
import trustme

from layerslayer.errors import LocalFileError
from layerslayer.registry.http.tls import Tls


def test_only_the_host_named_is_not_checked() -> None:
    tls = Tls(insecure={"reg.example:5000"})
    assert not tls.verify("https://reg.example:5000/v2/")
    assert tls.verify("https://reg.example/v2/") and tls.verify("https://reg.example:5000.evil/v2/")


def test_hosts_for_which_the_same_holds_share_what_it_takes(tmp_path: Path) -> None:
    """A megabyte each: a registry may lead to any number of them."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    authority.issue_cert("me.example").private_key_and_cert_chain_pem.write_to_path(str(tmp_path / "me.pem"))
    tls = Tls(
        str(tmp_path / "ca.pem"),
        client_cert=str(tmp_path / "me.pem"),
        insecure={"open.example:443", "open.example"},
        folders=(),
        registry="reg.example",
    )
    hosts = ("reg.example", "open.example", "a.example", "b.example", "c.example")
    made = [tls.context("https://{}/x".format(host)) for host in hosts]
    assert made[2] is made[3] is made[4]
    assert len({id(context) for context in made}) == 3
    checks = [context.verify_mode for context in made if context]
    assert checks == [ssl.CERT_REQUIRED, ssl.CERT_NONE] + [ssl.CERT_REQUIRED] * 3


def test_a_host_of_which_nothing_is_said_has_the_usual_settings(tmp_path: Path) -> None:
    assert Tls(folders=(str(tmp_path),)).context("https://reg.example/v2/") is None


def test_folders_hold_authorities_and_certificates_by_host_and_port(tmp_path: Path) -> None:
    authority = trustme.CA()
    here = tmp_path / "reg.example:5000"
    here.mkdir()
    authority.cert_pem.write_to_path(str(here / "ca.crt"))
    certificate = authority.issue_cert("me.example")
    certificate.cert_chain_pems[0].write_to_path(str(here / "me.cert"))
    certificate.private_key_pem.write_to_path(str(here / "me.key"))
    (here / "alone.cert").write_text("a certificate without its key is none of these")
    tls = Tls(folders=(str(tmp_path / "missing"), str(tmp_path)))
    context = tls.context("https://reg.example:5000/v2/")
    assert context is not None and context.verify_mode == ssl.CERT_REQUIRED and context.check_hostname
    assert authority.cert_pem.bytes() in ssl.DER_cert_to_PEM_cert(context.get_ca_certs(True)[-1]).encode()
    assert tls.context("https://reg.example/v2/") is None


def test_a_file_that_is_no_certificate(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("nothing of the kind")
    for path, reason in (("ca.pem", "no usable certificate"), ("missing.pem", "No such file")):
        with pytest.raises(LocalFileError, match=reason):
            Tls(str(tmp_path / path), folders=()).context("https://reg.example/v2/")
