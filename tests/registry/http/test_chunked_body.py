"""Bodies in chunks: whatever frames them, what is in them comes out, and an end that is none is told."""

from __future__ import annotations

import io
import random
from typing import Any, Optional

import pytest

from layerslayer.registry.http.chunked_body import Chunks
from layerslayer.registry.http.stall_guard import Metered


def opened(wire: bytes, forgiving: bool = True) -> tuple[io.BufferedReader, Metered]:
    metered = Metered(io.BytesIO(wire), timeout=None)
    metered.forgiving, metered.framed = forgiving, True
    return io.BufferedReader(Chunks(io.BufferedReader(metered, 16), metered)), metered


@pytest.mark.parametrize(
    ("wire", "body"),
    [
        (b"0\r\n\r\n", b""),
        (b"3\r\nabc\r\n0\r\n\r\n", b"abc"),
        (b"3\nabc\n0\n\n", b"abc"),
        (b'00000003;a=b;c="d"\r\nabc\r\nA \r\n0123456789\r\n000\r\nX: y\r\n\r\nHTTP/1.1 200', b"abc0123456789"),
        (b"1\r\na\r\n" * 5000 + b"0\r\n\r\n", b"a" * 5000),
        (b"0001\r\na\r\n" * 50000 + b"0\r\n\r\n", b"a" * 50000),
    ],
    ids=["nothing", "one", "bare newlines", "extensions and trailers", "single bytes", "single bytes, padded"],
)
def test_what_is_in_them(wire: bytes, body: bytes) -> None:
    stream, metered = opened(wire)
    assert (stream.read(), stream.read(), metered.error) == (body, b"", None)


@pytest.mark.parametrize(
    ("wire", "body"),
    [
        (b"", b""),
        (b"3\r\nab", b"ab"),
        (b"3\r\nabc", b"abc"),
        (b"3\r\nabc\r\n", b"abc"),
        (b"3\r\nabcd\r\n0\r\n\r\n", b"abc"),
        (b"3\r\nabc\r\n0\r\n", b"abc"),
        (b"3\r\nabc\r\n0\r\nX: y\r\n", b"abc"),
        (b"3\r\nabc\r\nzz\r\n", b"abc"),
        (b"3\r\nabc\r\n-1\r\n", b"abc"),
        (b"3\r\nabc\r\n+1\r\na\r\n0\r\n\r\n", b"abc"),
        (b"3\r\nabc\r\n0x1\r\na\r\n0\r\n\r\n", b"abc"),
        (b"3\r\nabc\r\n\r\n0\r\n\r\n", b"abc"),
        (b"3\r\nabc\r\n" + b"1" * 16 + b"\r\n", b"abc"),
        (b"3\r\nabc\r\n1;" + b"a" * 5000 + b"\r\nx\r\n0\r\n\r\n", b"abc"),
        (b"3\r\nabc\r\n0\r\n" + b"X: y\r\n" * 20000 + b"\r\n", b"abc"),
    ],
)
def test_what_is_wrong_ends_them_and_is_told(wire: bytes, body: bytes) -> None:
    stream, metered = opened(wire)
    assert (stream.read(), stream.read()) == (body, b"")
    assert isinstance(metered.error, OSError)
    with pytest.raises(OSError):
        opened(wire, forgiving=False)[0].read()


@pytest.mark.parametrize("cut", [None, 0, 1, 100, 4000])
def test_any_split(cut: Optional[int]) -> None:
    rng = random.Random(cut)
    body = bytes(rng.randrange(256) for _ in range(5000))
    wire, ends, at = b"", [0], 0
    while at < len(body):
        size = rng.choice([1, 2, 15, 16, 17, 700])
        piece = body[at : at + size]
        at += size
        wire += b"%x\r\n" % len(piece)
        wire += piece + b"\r\n"
        ends.append(len(wire))
    stream, metered = opened((wire + b"0\r\n\r\n")[:cut])
    got = b""
    while True:
        piece = stream.read(rng.randrange(1, 999))
        got += piece
        if not piece:
            break
    assert body.startswith(got)
    assert (got == body) == (metered.error is None) == (cut is None)


class _Pieces(io.RawIOBase):
    """Gives what is on the wire in pieces of any size."""

    def __init__(self, wire: bytes, rng: random.Random) -> None:
        self._wire, self._rng = io.BytesIO(wire), rng

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        return self._wire.readinto(memoryview(buffer)[: self._rng.choice([1, 3, 10, 100, 8192, 70000])])


@pytest.mark.parametrize("seed", range(60))
def test_whatever_comes_at_once(seed: int) -> None:
    rng = random.Random(seed)
    body = bytes(rng.randrange(256) for _ in range(rng.choice([1, 10, 500, 9000])))
    wire, at = b"", 0
    while at < len(body):
        size = rng.choice([1, 2, 7, 50, 1000, 9000])
        piece, end = body[at : at + size], rng.choice([b"\r\n", b"\n"])
        wire += b"0" * rng.choice([0, 3]) + b"%x" % len(piece) + rng.choice([b"", b";a=b", b' ; a="b"']) + end
        wire += piece + end
        at += size
    wire += b"0" + rng.choice([b"\r\n\r\n", b"\n\n", b";a\r\nb: c\r\n\r\n"])
    cut = rng.choice([len(wire), rng.randrange(len(wire))])
    metered = Metered(_Pieces(wire[:cut], rng), timeout=None)
    metered.forgiving = metered.framed = True
    stream = io.BufferedReader(Chunks(io.BufferedReader(metered, 16), metered), rng.choice([16, 8192]))
    got = b"".join(iter(lambda: stream.read(rng.choice([1, 5, 100, 5000])), b""))
    assert body.startswith(got)
    assert (got == body and metered.error is None) or cut < len(wire)
    assert metered.error is not None or cut == len(wire)
