"""What one answer left behind on its connection is never taken for the next one, whatever took it from the socket."""

from __future__ import annotations

import socket
import ssl
import threading
from pathlib import Path
from typing import Iterator, List, Optional

import pytest
import trustme
import urllib3

from layerslayer.errors import ConnectionLost
from layerslayer.oci.reference import parse_reference
from layerslayer.registry.http.client import Transport
from layerslayer.registry.http.tls import Tls
from layerslayer.registry.repository import RegistrySource

from ..wire import Wire, asked_of, head, whole

BODY = b'{"tags": ["a"]}'
OTHER = b'{"tags": ["other"]}'
_BUFFER = 8192  # bytes that are taken from a connection at once; a TLS record has up to twice as many


@pytest.fixture
def tls(tmp_path: Path) -> Iterator[ssl.SSLContext]:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    yield context


def test_what_tls_has_taken_already(tls: ssl.SSLContext, tmp_path: Path) -> None:
    """A second answer in the record of the first: the socket seems to be at rest."""
    padding = b" " * (_BUFFER - len(head("Content-Length: 8192")) - len(BODY))
    with Wire(lambda path: [whole(padding + BODY) + whole(OTHER)], keep=True, tls=tls) as wire:
        transport = Transport(timeout=20, attempts=0, tls=Tls(str(tmp_path / "ca.pem")))
        source = RegistrySource(parse_reference(wire.host + "/a/b:1"), transport)
        assert [list(source.tags()) for _ in range(4)] == [["a"]] * 4
        source.close()


def test_an_honest_server_keeps_its_connection(tls: ssl.SSLContext, tmp_path: Path) -> None:
    chunked = head("Transfer-Encoding: chunked") + b"%x\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY)
    with Wire(lambda path: [whole(BODY) if len(wire.asked) % 2 else chunked], keep=True, tls=tls) as wire:
        transport = Transport(timeout=20, attempts=0, tls=Tls(str(tmp_path / "ca.pem")))
        source = RegistrySource(parse_reference(wire.host + "/a/b:1"), transport)
        assert [list(source.tags()) for _ in range(6)] == [["a"]] * 6
        assert len(wire.asked) == 6
        assert wire.connections <= 3  # the first ones were to find out that it speaks https
        source.close()


class _Stalls(Wire):
    """Its first answer stops in the middle; what is asked for next over that connection gets the rest of it."""

    def __init__(self, begin: bytes, rest: bytes) -> None:
        super().__init__(lambda path: [])
        self._begin, self._rest = begin, rest
        self.given_up = threading.Event()
        self.asked_again: List[str] = []
        self.left = threading.Event()

    def talk(self, connection: socket.socket) -> None:
        path = asked_of(connection)
        first = not self.asked
        while path is not None:
            self.asked.append(path)
            if not first:
                connection.sendall(whole(BODY))
                path = asked_of(connection)
                continue
            connection.sendall(self._begin)
            self.given_up.wait(20)
            path = asked_of(connection)
            if path is None:
                self.left.set()
                return
            self.asked_again.append(path)
            connection.sendall(self._rest)
            return


@pytest.mark.parametrize(
    "begin",
    [
        head("Transfer-Encoding: chunked") + b"99\r\n{",
        head("Transfer-Encoding: chunked") + b"2\r\n{}\r\n",
        head("Transfer-Encoding: chunked") + b"2\r\n{}\r\n0\r\n",
        head("Content-Length: 500") + b"{",
        head() + b"{",
    ],
    ids=["within a chunk", "between chunks", "within the trailers", "within a length", "without a length"],
)
def test_the_rest_of_an_answer_that_was_given_up(begin: bytes) -> None:
    """A publisher may have put into it what looks like an answer."""
    with _Stalls(begin, whole(OTHER)) as wire:
        source = RegistrySource(parse_reference(wire.host + "/a/b:1"), Transport(timeout=0.1, attempts=0))
        with pytest.raises(ConnectionLost):
            list(source.tags())
        wire.given_up.set()
        assert list(source.tags()) == ["a"]
        assert wire.asked_again == []
        source.close()


def test_nothing_stays_open() -> None:
    with _Stalls(head("Transfer-Encoding: chunked") + b"99\r\n{", b"") as wire:
        source = RegistrySource(parse_reference(wire.host + "/a/b:1"), Transport(timeout=0.1, attempts=0))
        with pytest.raises(ConnectionLost) as kept:
            list(source.tags())
        source.close()
        wire.given_up.set()
        assert wire.left.wait(5), kept


def test_a_pool_that_was_closed_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another thread spoke to so many other hosts that this one's connections were let go."""
    ordinary = urllib3.HTTPConnectionPool._get_conn
    closed: List[str] = []

    def raced(pool: urllib3.HTTPConnectionPool, timeout: Optional[float] = None) -> object:
        if not closed:
            closed.append(pool.host)
            raise urllib3.exceptions.ClosedPoolError(pool, "Pool is closed.")
        return ordinary(pool, timeout)

    monkeypatch.setattr(urllib3.HTTPConnectionPool, "_get_conn", raced)
    with Wire(lambda path: [whole(BODY)]) as wire:
        source = RegistrySource(parse_reference(wire.host + "/a/b:1"), Transport(timeout=20, attempts=0))
        assert list(source.tags()) == ["a"]
        assert closed
        source.close()
