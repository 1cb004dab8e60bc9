"""A proxy whose answer to CONNECT never ends, whichever part of it."""

from __future__ import annotations

import itertools
import ssl
from pathlib import Path
from typing import Callable, Dict, Iterator

import pytest
import trustme

from layerslayer.errors import LayerslayerError
from layerslayer.registry.http.client import Transport

from ..wire import Wire, dripping, flooding, head

TUNNELS: Dict[str, Callable[[], Iterator[bytes]]] = {
    "a status line, byte by byte": lambda: dripping(b"H"),
    "interim answers, a flood": lambda: flooding(head(status=102)),
    "interim answers, one by one": lambda: dripping(head(status=100)),
    "headers, line by line": lambda: itertools.chain([b"HTTP/1.1 200 OK\r\n"], dripping(b"X-A: a\r\n")),
    "headers, a flood": lambda: itertools.chain([b"HTTP/1.1 200 OK\r\n"], flooding(b"X-A: a\r\n")),
    "a refusal's headers": lambda: itertools.chain([b"HTTP/1.1 407 No\r\n"], dripping(b"X-A: a\r\n")),
    "a handshake, byte by byte": lambda: itertools.chain([head(), b"\x16\x03\x03\x3f\xff"], dripping(b"\x02")),
    "handshakes, a flood": lambda: itertools.chain([head()], flooding(b"\x16\x03\x03\x00\x04\x02\x00\x00\x00")),
}


@pytest.mark.parametrize("case", TUNNELS)
def test_a_tunnel(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with Wire(lambda path: TUNNELS[case]()) as wire:
        for name in ("HTTPS_PROXY", "https_proxy"):
            monkeypatch.setenv(name, "http://" + wire.host)
        for name in ("NO_PROXY", "no_proxy"):
            monkeypatch.setenv(name, "")
        transport = Transport(timeout=0.1, attempts=0)
        with pytest.raises(LayerslayerError):
            transport.get("https://registry.example/v2/")
        assert wire.asked[0] == "registry.example:443"


def test_a_handshake_within_tls(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Behind a proxy that speaks https: its own handshake is in time, the one within it never ends."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    record = itertools.chain([head(), b"\x16\x03\x03\x3f\xff"], dripping(b"\x02"))
    with Wire(lambda path: record, tls=context) as wire:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "ca.pem"))
        for name in ("HTTPS_PROXY", "https_proxy"):
            monkeypatch.setenv(name, "https://localhost:" + wire.host.rpartition(":")[2])
        for name in ("NO_PROXY", "no_proxy"):
            monkeypatch.setenv(name, "")
        transport = Transport(timeout=0.5, attempts=0)
        with pytest.raises(LayerslayerError) as caught:
            transport.get("https://registry.example/v2/")
        assert wire.asked == ["registry.example:443"], caught.value
