"""Proxies of the environment: who goes by one, and what they are shown."""

from __future__ import annotations

import base64

import pytest

from layerslayer.registry.http.proxies import goes_by_one, proxies_for, shown_to_proxies

NAMES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.mark.parametrize("host", ["127.0.0.1:5000", "localhost", "[::1]:5000"])
def test_what_is_for_this_machine_stays_in_it(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://proxy.example:3128")
    assert proxies_for("http://{}/v2/".format(host)) == {"http": None, "https": None, "all": None}
    assert not goes_by_one("http://{}/v2/".format(host))


def test_others_go_by_that_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    assert proxies_for("https://reg.example/v2/") is None
    assert not goes_by_one("https://reg.example/v2/")
    monkeypatch.setenv("https_proxy", "http://proxy.example:3128")
    assert goes_by_one("https://reg.example/v2/") and not goes_by_one("http://reg.example/v2/")
    monkeypatch.setenv("no_proxy", "reg.example")
    assert not goes_by_one("https://reg.example/v2/")


def test_what_a_proxy_is_shown_is_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    assert shown_to_proxies() == set()
    monkeypatch.setenv("https_proxy", "http://me:p%40ssword@proxy.example:3128")
    shown = shown_to_proxies()
    assert {"p@ssword", "p%40ssword", base64.b64encode(b"me:p@ssword").decode()} <= shown
    monkeypatch.setenv("https_proxy", "me:another-one@proxy.example:3128")
    assert "another-one" in shown_to_proxies()
