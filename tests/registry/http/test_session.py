"""Connections kept, closed and opened again; those of hosts with TLS settings of their own."""

from __future__ import annotations

import ssl
import threading
from typing import List

import pytest
import requests
import trustme

from layerslayer.registry.http.session import TlsSession
from layerslayer.registry.http.tls import Tls

from ...attacks.wire import Wire, whole

TIMEOUT = (5.0, 5.0)


def session(**tls: object) -> TlsSession:
    return TlsSession(4, None, Tls(folders=(), **tls), lambda host, address: None)  # type: ignore[arg-type]


def fetch(made: TlsSession, url: str) -> bytes:
    made.prepare(url)
    response = made.request(url, {}, None, TIMEOUT)
    return bytes(response.raw.read(100))


def test_a_connection_is_used_again_until_it_rests() -> None:
    with Wire(lambda path: [whole(b"ok")], keep=True) as server:
        made, url = session(), "http://{}/".format(server.host)
        assert [fetch(made, url) for _ in range(3)] == [b"ok"] * 3
        assert (server.connections, made.requests_made) == (1, 3)
        made.rest()
        assert fetch(made, url) == b"ok" and server.connections == 2
        made.close()


def test_a_kept_connection_that_the_server_closed_costs_no_failure() -> None:
    once = threading.Event()

    def script(path: str) -> List[bytes]:
        """Answer the first request of the first connection, then say nothing and close it."""
        if path == "/second" and not once.is_set():
            once.set()
            raise ConnectionResetError
        return [whole(b"ok")]

    with Wire(script, keep=True) as server:
        made = session()
        assert fetch(made, "http://{}/first".format(server.host)) == b"ok"
        assert fetch(made, "http://{}/second".format(server.host)) == b"ok"
        assert server.asked == ["/first", "/second", "/second"] and server.connections == 2
        made.close()


def test_only_a_host_that_is_named_is_not_checked() -> None:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with Wire(lambda path: [whole(b"ok")], tls=context) as server:
        url = "https://{}/".format(server.host)
        unchecked, checked = session(insecure={server.host}), session()
        assert fetch(unchecked, url) == b"ok" and not unchecked.is_checked(url)
        assert checked.is_checked(url)
        with pytest.raises(requests.exceptions.SSLError):
            fetch(checked, url)
        unchecked.close()
        checked.close()
