"""What the HTTP library raises, in sentences: which may pass, which will not, and what to do about it."""

from __future__ import annotations

from typing import Any

import pytest
import requests
import urllib3

from layerslayer.errors import Action, ConnectionLost, LayerslayerError, RegistryError, Remedy, Unreachable
from layerslayer.registry.http.failures import failure, was_dropped

from ...support.registry import Opened, Silent, closed_port

URL = "https://reg.example:5000/v2/?sig=secret"
broken = requests.exceptions


@pytest.mark.parametrize(
    ("error", "answered", "kind", "sentence"),
    [
        (broken.SSLError("certificate verify failed"), False, Unreachable, "cannot be trusted: its certificate is of"),
        (broken.SSLError("wrong version number"), True, Unreachable, "cannot be trusted: it does not speak https"),
        (broken.SSLError("ssl: eof"), False, Unreachable, "cannot be trusted: the TLS handshake failed"),
        (broken.SSLError("ssl: eof"), True, ConnectionLost, "the TLS connection to reg.example:5000 failed"),
        (broken.ProxyError("refused"), True, Unreachable, "the proxy on the way to reg.example:5000"),
        (broken.InvalidProxyURL("x"), True, Unreachable, "the proxy on the way to reg.example:5000"),
        (broken.InvalidSchema("x"), True, Unreachable, "the proxy on the way to reg.example:5000"),
        (broken.ReadTimeout("x"), False, Unreachable, "does not answer"),
        (broken.ReadTimeout("x"), True, ConnectionLost, "does not answer"),
        (broken.ConnectionError("Connection refused"), False, Unreachable, "nothing listens there"),
        (broken.ConnectionError("Connection refused"), True, ConnectionLost, "nothing listens there"),
        (broken.ConnectionError("Connection reset by peer"), False, ConnectionLost, "it broke the connection"),
        (broken.ChunkedEncodingError("x"), True, ConnectionLost, "the connection failed"),
        (broken.InvalidHeader("x"), True, RegistryError, "headers contradict each other"),
        (urllib3.exceptions.InvalidHeader("x"), True, RegistryError, "headers contradict each other"),
        (ValueError("x"), True, RegistryError, "the address https://reg.example:5000/v2/"),
    ],
)
def test_sentences(error: Exception, answered: bool, kind: type, sentence: str, monkeypatch: Any) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    made = failure(error, URL, answered)
    assert type(made) is kind and isinstance(made, LayerslayerError)
    assert sentence in str(made) and "reg.example:5000" in str(made) and "secret" not in str(made)


def test_an_address_that_a_proxy_cannot_be_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://proxy.example:port")
    assert "the proxy on the way to" in str(failure(ValueError("x"), URL, True))


def test_a_kept_connection_that_was_closed_meanwhile() -> None:
    assert was_dropped(broken.ConnectionError(urllib3.exceptions.ProtocolError("aborted")))
    assert was_dropped(broken.ConnectionError(urllib3.exceptions.ClosedPoolError(None, "x")))  # type: ignore[arg-type]
    assert not was_dropped(broken.ConnectionError("refused")) and not was_dropped(broken.ConnectionError())


def test_a_silent_registry_times_out() -> None:
    with Silent() as silent, Opened(silent, timeout=0.3) as source:  # type: ignore[arg-type]
        with pytest.raises(Unreachable, match="does not answer") as caught:
            source.manifest("1.0")
        assert caught.value.remedy == Remedy(Action.ALLOW_TIME, "Check the address")


def test_nobody_listens() -> None:
    class Nobody:
        host = closed_port()

    with Opened(Nobody()) as source, pytest.raises(Unreachable, match="nothing listens there"):  # type: ignore[arg-type]
        source.manifest("1.0")
