"""One GET over a unix socket."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from layerslayer.errors import Unreachable
from layerslayer.registry.http.unix_socket import SocketAnswer

from ...attacks.wire import Wire, head, whole

pytestmark = pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="a system without unix sockets")


def test_a_body_comes_in_pieces(tmp_path: Path) -> None:
    with Wire(lambda path: [whole(b"body of it")], unix=str(tmp_path / "s")) as server:
        answer = SocketAnswer(server.host, "/images/get?names=a", 5)
        assert (answer.status, answer.read(4), answer.read(99), answer.read(1)) == (200, b"body", b" of it", b"")
        answer.close()
        assert server.asked == ["/images/get?names=a"]


def test_a_refusal_has_a_status_and_a_body(tmp_path: Path) -> None:
    refusal = head("Content-Length: 4", status=404) + b"none"
    with Wire(lambda path: [refusal], unix=str(tmp_path / "s")) as server:
        answer = SocketAnswer(server.host, "/x", 5)
        assert (answer.status, answer.read(99)) == (404, b"none")
        answer.close()


def test_nobody_listens(tmp_path: Path) -> None:
    with pytest.raises(Unreachable, match=r"unix://.* cannot be reached: No such file"):
        SocketAnswer(str(tmp_path / "s"), "/x", 5)


@pytest.mark.parametrize("sent", [b"", b"no http\r\n\r\n"])
def test_what_is_no_answer(tmp_path: Path, sent: bytes) -> None:
    with Wire(lambda path: [sent], unix=str(tmp_path / "s")) as server, pytest.raises(Unreachable, match="be reached"):
        SocketAnswer(server.host, "/x", 5)


def test_a_body_that_is_cut_short(tmp_path: Path) -> None:
    with Wire(lambda path: [head("Content-Length: 10") + b"half"], unix=str(tmp_path / "s")) as server:
        answer = SocketAnswer(server.host, "/x", 5)
        with pytest.raises(Unreachable, match="broke off"):
            while answer.read(4):
                pass
        answer.close()
