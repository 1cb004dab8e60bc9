"""Answers that never end, of every kind and in every part of them: each costs the timeout a few times, no more.

Every server here goes on for as long as the client listens; a client without a bound would never come back.
"""

from __future__ import annotations

import itertools
import os
import shutil
import socket
import tempfile
import zlib
from typing import Callable, Dict, Iterable, Iterator

import pytest

from layerslayer.errors import LayerslayerError, RegistryError, Unauthorized, Unreachable
from layerslayer.oci.descriptor import Descriptor
from layerslayer.oci.reference import parse_reference
from layerslayer.registry.http.client import Transport
from layerslayer.registry.http.unix_socket import SocketAnswer
from layerslayer.registry.repository import RegistrySource

from ..wire import Wire, dripping, flooding, head, whole

TIMEOUT = 0.1  # seconds without a byte; the pauses between the pieces are far shorter
CHUNKED = head("Transfer-Encoding: chunked")
LAYER = Descriptor("application/vnd.oci.image.layer.v1.tar+gzip", "sha256:" + "1" * 64, 10**6, {})
CONFIG = LAYER._replace(media_type="application/vnd.oci.image.config.v1+json")

# What goes on the wire for ever, after what came before it.
HEADS: Dict[str, Callable[[], Iterator[bytes]]] = {
    "a status line, byte by byte": lambda: dripping(b"H"),
    "interim answers, one by one": lambda: dripping(head(status=100)),
    "interim answers, a flood": lambda: flooding(head(status=100)),
    "early hints, a flood": lambda: flooding(head("Link: </a>", status=103)),
    "processing, one by one": lambda: dripping(head(status=102)),
    "headers, byte by byte": lambda: itertools.chain([b"HTTP/1.1 200 OK\r\nX-A: "], dripping(b"a")),
    "headers, line by line": lambda: itertools.chain([b"HTTP/1.1 200 OK\r\n"], dripping(b"X-A: a\r\n")),
    "headers, a flood": lambda: itertools.chain([b"HTTP/1.1 200 OK\r\n"], flooding(b"X-A: a\r\n")),
}
FRAMES: Dict[str, Callable[[], Iterator[bytes]]] = {
    "trailers, line by line": lambda: itertools.chain([CHUNKED, b"2\r\n{}\r\n0\r\n"], dripping(b"X-A: a\r\n")),
    "trailers, byte by byte": lambda: itertools.chain([CHUNKED, b"2\r\n{}\r\n0\r\n"], dripping(b"X")),
    "trailers, a flood": lambda: itertools.chain([CHUNKED, b"2\r\n{}\r\n0\r\n"], flooding(b"X-A: a\r\n")),
    "a trailer, a flood": lambda: itertools.chain([CHUNKED, b"2\r\n{}\r\n0\r\n"], flooding(b"X")),
    "a chunk's extension, byte by byte": lambda: itertools.chain([CHUNKED, b"2;a="], dripping(b"a")),
    "a chunk's extension, a flood": lambda: itertools.chain([CHUNKED, b"2;a="], flooding(b"a")),
    "a chunk's length, byte by byte": lambda: itertools.chain([CHUNKED], dripping(b"0")),
    "a chunk's length, a flood": lambda: itertools.chain([CHUNKED], flooding(b"0")),
    "long extensions of small chunks": lambda: itertools.chain([CHUNKED], flooding(b"1;" + b"a" * 3000 + b"\r\nx\r\n")),
    "empty lines for chunks": lambda: itertools.chain([CHUNKED], flooding(b"\r\n")),
    "chunks of one byte, one by one": lambda: itertools.chain([CHUNKED], dripping(b"1\r\n \r\n")),
    "a body, byte by byte": lambda: itertools.chain([head("Content-Length: 900000")], dripping(b" ")),
    "a body without a length, byte by byte": lambda: itertools.chain([head()], dripping(b" ")),
}
ANYWHERE = dict(HEADS, **FRAMES)


def source_of(wire: Wire, timeout: float = TIMEOUT) -> RegistrySource:
    transport = Transport(timeout=timeout, attempts=0)
    return RegistrySource(parse_reference(wire.host + "/a/b:1"), transport)


@pytest.mark.parametrize("case", ANYWHERE)
def test_a_manifest(case: str) -> None:
    with Wire(lambda path: ANYWHERE[case]()) as wire, pytest.raises(LayerslayerError):
        source_of(wire).manifest("1")


@pytest.mark.parametrize("case", ANYWHERE)
def test_a_layer(case: str) -> None:
    with Wire(lambda path: ANYWHERE[case]()) as wire, pytest.raises(LayerslayerError):
        blob = source_of(wire).blob(LAYER)
        while blob.read(65536):
            pass
        raise Unreachable("ended short, which whoever reads a layer finds out")


def packed(ending: int) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    return packer.compress(b"a" * 600) + packer.flush(ending)


PACKED = {
    "bytes after its end": (packed(zlib.Z_FINISH), b"x"),
    "members after its end": (packed(zlib.Z_FINISH), packed(zlib.Z_FINISH)),
    "empty blocks": (packed(zlib.Z_SYNC_FLUSH), b"\x00\x00\x00\xff\xff"),
}


@pytest.mark.parametrize("case", PACKED)
def test_a_layer_that_was_compressed_for_its_way(case: str) -> None:
    """It goes on, and nothing comes out any more."""
    begin, more = PACKED[case]
    layer = LAYER._replace(media_type="application/vnd.oci.image.layer.v1.tar")
    with Wire(lambda path: itertools.chain([head("Content-Encoding: gzip"), begin], flooding(more))) as wire:
        blob = source_of(wire).blob(layer)
        with pytest.raises(LayerslayerError):
            while blob.read(65536):
                pass
            raise Unreachable("ended short, which whoever reads a layer finds out")
        blob.close()


@pytest.mark.parametrize("case", ["trailers, a flood", "trailers, line by line", "a body, byte by byte"])
def test_a_config_and_a_list_of_tags(case: str) -> None:
    with Wire(lambda path: FRAMES[case]()) as wire:
        with pytest.raises(LayerslayerError):
            blob = source_of(wire).blob(CONFIG)
            while blob.read(65536):
                pass
            raise Unreachable("ended short")
        with pytest.raises(LayerslayerError):
            list(source_of(wire).tags())


def refused(status: int, *lines: str) -> Dict[str, Callable[[], Iterator[bytes]]]:
    chunked = head("Transfer-Encoding: chunked", *lines, status=status)
    return {
        "trailers": lambda: itertools.chain([chunked, b"2\r\n{}\r\n0\r\n"], dripping(b"X-A: a\r\n")),
        "trailers, a flood": lambda: itertools.chain([chunked, b"2\r\n{}\r\n0\r\n"], flooding(b"X-A: a\r\n")),
        "a body": lambda: itertools.chain([head(*lines, status=status)], dripping(b" ")),
    }


@pytest.mark.parametrize("status", [404, 500, 429, 403, 401])
@pytest.mark.parametrize("case", refused(404))
def test_a_refusal(case: str, status: int) -> None:
    with Wire(lambda path: refused(status)[case]()) as wire, pytest.raises((RegistryError, LayerslayerError)):
        source_of(wire).manifest("1")


@pytest.mark.parametrize("case", refused(404))
def test_a_challenge_and_a_token(case: str) -> None:
    def script(path: str) -> Iterable[bytes]:
        challenge = 'WWW-Authenticate: Bearer realm="http://{}/token",service="x"'.format(wire.host)
        if path.startswith("/token"):
            return refused(200)[case]()
        return [whole(b"{}", challenge, status=401)]

    with Wire(script) as wire, pytest.raises(LayerslayerError):
        source_of(wire).manifest("1")
    basic = refused(401, 'WWW-Authenticate: Basic realm="x"')
    with Wire(lambda path: basic[case]()) as wire, pytest.raises(Unauthorized):
        source_of(wire).manifest("1")


def test_redirects_that_are_each_in_time_are_not_in_all() -> None:
    def script(path: str) -> Iterable[bytes]:
        yield from [b""] * 5  # a tenth of a second
        yield head("Location: {}x".format(path), "Content-Length: 0", status=307)

    with Wire(script) as wire:
        transport = Transport(timeout=20, attempts=0)
        transport._longest = 0.2
        with pytest.raises(Unreachable, match="redirects, too slowly"):
            transport.get("http://{}/x".format(wire.host))
        assert len(wire.asked) < 8


def test_interim_answers_are_no_answers() -> None:
    """And none of them is taken for the answer to what is asked next."""
    body = b'{"tags": ["a"]}'

    def script(path: str) -> Iterable[bytes]:
        return [head("Link: </style.css>", status=103), head(status=102), head(status=100), whole(body)]

    with Wire(script, keep=True) as wire:
        source = source_of(wire, 20)
        assert [list(source.tags()) for _ in range(3)] == [["a"]] * 3
        assert (len(wire.asked), wire.connections) == (3, 1)


@pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="no unix sockets here")
@pytest.mark.parametrize("case", ANYWHERE)
def test_a_daemon(case: str) -> None:
    folder = tempfile.mkdtemp()  # its path is short enough for a socket
    try:
        with Wire(lambda path: ANYWHERE[case](), unix=os.path.join(folder, "d")) as wire, pytest.raises(Unreachable):
            answer = SocketAnswer(wire.host, "/images/a/get", TIMEOUT)
            while answer.read(65536):
                pass
    finally:
        shutil.rmtree(folder)


@pytest.mark.parametrize("count", [1, 3000])
@pytest.mark.parametrize("chunked", [False, True])
def test_what_follows_an_answer_is_not_the_next_one(chunked: bool, count: int) -> None:
    body = b'{"tags": ["a"]}'
    framed = CHUNKED + b"%x\r\n%s\r\n0\r\nX: y\r\n\r\n" % (len(body), body) if chunked else whole(body)
    with Wire(lambda path: [framed + whole(b'{"tags": ["false"]}') * count], keep=True) as wire:
        source = source_of(wire, 20)
        assert [list(source.tags()) for _ in range(3)] == [["a"]] * 3


def test_of_an_answer_that_is_left_nothing_more_is_read() -> None:
    """Neither when it is closed, nor to use its connection again."""
    with Wire(lambda path: itertools.chain([head()], flooding(b"x")), keep=True) as wire:
        transport = Transport(timeout=20, attempts=0)
        for number in range(3):
            answer = transport.get("http://{}/{}".format(wire.host, number))
            assert answer.stream().read(10) == b"x" * 10
            answer.close()
        assert wire.connections == 3
