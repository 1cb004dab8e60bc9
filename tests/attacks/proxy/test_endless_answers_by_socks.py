"""Answers that never end, by way of a SOCKS proxy: the same bounds hold where the library for it is there."""

from __future__ import annotations

import itertools
import socket

import pytest

from layerslayer.errors import LayerslayerError
from layerslayer.registry.http.client import Transport

from ..wire import Wire, dripping, flooding, head

pytest.importorskip("socks", reason="PySocks is not installed")
CHUNKED = head("Transfer-Encoding: chunked") + b"2\r\n{}\r\n0\r\n"


class _Socks(Wire):
    """Answers in place of whatever host it is asked for (RFC 1928)."""

    def talk(self, connection: socket.socket) -> None:
        connection.recv(262)
        connection.sendall(b"\x05\x00")
        connection.recv(262)
        connection.sendall(b"\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x50")
        super().talk(connection)


@pytest.mark.parametrize("more", [flooding, dripping])
def test_trailers(more, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    with _Socks(lambda path: itertools.chain([CHUNKED], more(b"X-A: a\r\n"))) as proxy:
        for name in ("HTTP_PROXY", "http_proxy"):
            monkeypatch.setenv(name, "socks5h://" + proxy.host)
        for name in ("NO_PROXY", "no_proxy"):
            monkeypatch.setenv(name, "")
        transport = Transport(plain_http=True, timeout=0.1, attempts=0)
        with pytest.raises(LayerslayerError):
            transport.get("http://registry.example/v2/").read(100)
        assert proxy.asked == ["/v2/"]
