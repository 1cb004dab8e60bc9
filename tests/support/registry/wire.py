"""Answers as they go on the wire: framed in ways that ``http.server`` would not frame them."""

from __future__ import annotations

import gzip
from typing import Callable, Iterable

from layerslayer.demo.registry import Request, Response

from . import RAW, Answer, Normal


def raw(data: bytes, keep: bool = False) -> Response:
    """Just these bytes, and the end of the connection unless it is to be kept."""
    return Response(200, {RAW: "keep" if keep else "close"}, data)


def head_of(response: Response, *more: str, version: str = "1.1") -> bytes:
    """Status line and headers, without a length unless one is among ``more``."""
    lines = ["HTTP/{} {} Word".format(version, response.status)]
    lines += ["{}: {}".format(name, value) for name, value in response.headers.items() if name != "Content-Length"]
    return "\r\n".join([*lines, *more, "", ""]).encode("latin-1")


def framed(make: Callable[[Response], bytes], keep: bool = False) -> Answer:
    """The normal answer as ``make`` puts it on the wire."""
    return lambda request, normal: raw(make(normal()), keep)


def with_length(change: int) -> Answer:
    """A Content-Length that is wrong by so much."""

    def make(response: Response) -> bytes:
        return head_of(response, "Content-Length: {}".format(len(response.body) + change)) + response.body

    return framed(make, keep=change < 0)


def chunks_of(body: bytes, size: int) -> Iterable[bytes]:
    """Yield ``body`` as chunks (RFC 9112, 7.1), without the last one of length 0."""
    for at in range(0, len(body), size):
        piece = body[at : at + size]
        yield b"%x\r\n" % len(piece) + piece + b"\r\n"


def chunked(cut: int = 0, junk: bytes = b"") -> Answer:
    """A chunked answer; its wire form cut after ``cut`` bytes, with ``junk`` in place of what follows."""

    def make(response: Response) -> bytes:
        body = b"".join(chunks_of(response.body, 1000)) + b"0\r\n\r\n"
        if cut:
            body = body[:cut] + junk
        return head_of(response, "Transfer-Encoding: chunked") + body

    return framed(make)


def http10(length: bool) -> Answer:
    """As a server of HTTP/1.0 answers."""

    def make(response: Response) -> bytes:
        more = ["Content-Length: {}".format(len(response.body))] if length else []
        return head_of(response, *more, version="1.0") + response.body

    return framed(make)


def encoded(name: str = "gzip") -> Answer:
    """The body compressed for its way, as proxies do unasked."""

    def answer(request: Request, normal: Normal) -> Response:
        response = normal()
        if response.status != 200:
            return response
        return response._replace(
            headers=dict(response.headers, **{"Content-Encoding": name}), body=gzip.compress(response.body)
        )

    return answer
