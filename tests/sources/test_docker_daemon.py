"""The daemon's part is played by a unix socket of this process that says what the test scripts."""

from __future__ import annotations

import json
import os
import shutil
import socket
import tempfile
import threading
from pathlib import Path
from typing import Iterator, List

import pytest

from layerslayer.demo.image import Member, tar_of
from layerslayer.errors import (
    CorruptLayer,
    InvalidDocument,
    LayerslayerError,
    NotFound,
    RegistryError,
    Unreachable,
    UsageError,
)
from layerslayer.oci.reference import parse_target
from layerslayer.sources.local import open_local

from ..support.registry.layouts import saved_members, tar_bytes

pytestmark = pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="no unix sockets here")

LAYER = tar_of([Member("one", body=b"1")])
SAVED = tar_bytes(saved_members([LAYER]))


class Daemon:
    """Answers each connection with ``answer`` and closes it; ``asked`` are the first lines of the requests."""

    def __init__(self, path: str) -> None:
        self.answer = b""
        self.asked: List[str] = []
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.bind(path)
        self._socket.listen(8)
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            with connection:
                request = b""
                while b"\r\n\r\n" not in request:
                    request += connection.recv(4096)
                self.asked.append(request.partition(b"\r\n")[0].decode())
                try:
                    connection.sendall(self.answer)
                except OSError:
                    pass

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join(10)


@pytest.fixture
def daemon(monkeypatch: pytest.MonkeyPatch) -> Iterator[Daemon]:
    folder = tempfile.mkdtemp()  # its path is short enough for a socket
    path = os.path.join(folder, "d.sock")
    monkeypatch.setenv("DOCKER_HOST", "unix://" + path)
    server = Daemon(path)
    yield server
    server.close()
    shutil.rmtree(folder)


def response(body: bytes, status: str = "200 OK", length: int = -1) -> bytes:
    head = "HTTP/1.1 {}\r\nContent-Length: {}\r\n\r\n".format(status, len(body) if length < 0 else length)
    return head.encode() + body


def chunked(body: bytes, end: bytes = b"0\r\n\r\n") -> bytes:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    pieces = [body[at : at + 1000] for at in range(0, len(body), 1000)]
    return head + b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + end


def opened(name: str = "shop:1") -> bytes:
    target = parse_target("docker-daemon:" + name)
    source = open_local(target)  # type: ignore[arg-type]
    try:
        document = json.loads(source.manifest(target.wanted).body.decode())
        assert document["layers"][0]["size"] == len(LAYER)
        return source.manifest("").body
    finally:
        source.close()


@pytest.mark.parametrize("answer", [response(SAVED), chunked(SAVED)], ids=["length", "chunked"])
def test_an_image_is_fetched_and_no_file_stays(
    daemon: Daemon, answer: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    daemon.answer = answer
    assert opened("docker.io/demo/shop") == opened("sha256:" + "a" * 64)
    assert daemon.asked == [
        "GET /images/docker.io/demo/shop:latest/get HTTP/1.1",
        "GET /images/sha256:{}/get HTTP/1.1".format("a" * 64),
    ]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("answer", "error", "said"),
    [
        (response(b'{"message": "No such image: shop:1"}', "404 Not Found"), NotFound, "No such image: shop:1"),
        (response(b'{"message": 7}', "500 Oops"), RegistryError, "answered 500"),
        (response(b"<html>" * 100000, "500 Oops"), RegistryError, "answered 500"),
        (response(SAVED, length=len(SAVED) + 1), Unreachable, "broke off"),
        (chunked(SAVED, b""), Unreachable, "broke off"),
        (b"", Unreachable, "cannot be reached"),
        (b"SSH-2.0-OpenSSH\r\n\r\n", Unreachable, "cannot be reached"),
        (response(b"no tar" * 200), CorruptLayer, "no tar header"),
        (response(b""), InvalidDocument, "not what docker save writes"),
    ],
)
def test_what_goes_wrong_is_a_sentence(daemon: Daemon, answer: bytes, error: type, said: str) -> None:
    daemon.answer = answer
    with pytest.raises(error, match=said):
        opened()


def test_no_daemon(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix://{}".format(tmp_path / "none"))
    with pytest.raises(Unreachable, match="No such file"):
        opened()
    for host in ("tcp://127.0.0.1:2375", "ssh://me@there", "unix://"):
        monkeypatch.setenv("DOCKER_HOST", host)
        with pytest.raises(UsageError, match="only unix sockets"):
            opened()


def test_a_path_that_no_socket_can_have(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///" + "x" * 300)
    with pytest.raises(LayerslayerError):
        opened()
