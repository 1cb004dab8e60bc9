"""What came back: its status and headers, and its body as it arrives."""

from __future__ import annotations

import socket
import zlib
from typing import Any, BinaryIO, Collection, List, Mapping, Optional, cast

import requests
import urllib3

from ...errors import Action, ConnectionLost, Remedy, Unreachable
from .failure_reasons import host_of
from .origin import Origin, origin_of
from .redaction import scrubbed, unspoken
from .timeouts import OutOfTime, TooSlow

MAX_ERROR_BODY = 64 * 1024  # bytes


class Answer:
    """A response whose body has not been read. Close it, or read it to its end."""

    _shown: Collection[str] = ()

    def __init__(
        self, response: requests.Response, url: str, shown: Collection[str] = (), exposed: bool = False
    ) -> None:
        """``shown`` are the secrets that servers were shown.

        ``exposed``: it came over plain http from another machine, which was shown none.
        """
        self._response = response
        self._shown = shown
        self.url = url
        self.exposed = exposed
        self.status: int = response.status_code
        self.headers: Mapping[str, str] = response.headers
        self._body: Optional[bytes] = None
        metered = _metered(response)
        if metered is not None:
            metered.forgiving = True
            metered.patience.document()

    @property
    def encoded(self) -> bool:
        """Whether the body is said to be compressed, which nobody asked for; the body shows it (RFC 9110, 8.4)."""
        return self.headers.get("content-encoding", "").strip().lower() in ("gzip", "x-gzip")

    @property
    def final_origin(self) -> Origin:
        """Whom it came from, after redirects."""
        return origin_of(self.url)

    def read(self, limit: int) -> bytes:
        """Return the body, a document, at most ``limit`` bytes and one more, to show that it is larger.

        May be called again with the same ``limit``. Raises ConnectionLost, and Unreachable when it takes too long.
        """
        if self._body is None:
            body = _Body(self._response, self.host)
            try:
                data = body.read(limit + 1)
                while len(data) <= limit:
                    piece = body.read(limit + 1 - len(data))
                    if not piece:
                        break
                    data += piece
                self._body = _inflated(data, limit) if self.encoded else data
            finally:
                self.close()
        return self._body[: limit + 1]

    def quoted(self, words: str, limit: int) -> str:
        """Return words of the server's, at most ``limit`` characters, without the secrets that it was shown."""
        return scrubbed(words, self._shown)[:limit]

    def stream(self, document: bool = False) -> BinaryIO:
        """Return the body as a readable; closing it drops the connection if bytes are left.

        Unless it is a ``document``, it may take any time, as long as it comes on.
        """
        metered = _metered(self._response)
        if metered is not None and not document:
            metered.patience.layer()
        return cast(BinaryIO, _Body(self._response, self.host))

    @property
    def host(self) -> str:
        """The host (and port) that it came from, fit for a sentence."""
        return unspoken(host_of(self.url), self._shown)

    def close(self) -> None:
        self._response.close()


def _inflated(data: bytes, limit: int) -> bytes:
    """Return a document that was compressed for its way; no more than ``limit`` bytes and one."""
    if not data.startswith(b"\x1f\x8b"):
        return data
    try:
        return zlib.decompressobj(31).decompress(data, limit + 1)
    except zlib.error:
        return data


def _metered(response: requests.Response) -> Any:
    """Return the ``Metered`` of a response, None where the connection has none."""
    return getattr(getattr(response.raw, "_original_response", None), "metered", None)


class _Body:
    """The raw body of a response as a file-like object with ``read`` and ``close``."""

    def __init__(self, response: requests.Response, host: str) -> None:
        self._response = response
        self._host = host
        self._error: Optional[Unreachable] = None
        self._metered = _metered(response)

    def read(self, count: int) -> bytes:
        """Return up to ``count`` bytes; fewer at the end, or before a break, which the next call raises."""
        if self._error is not None:
            raise self._error
        pieces: List[bytes] = []
        while count > 0:
            try:
                piece = self._response.raw.read(count, decode_content=False)
            except (urllib3.exceptions.HTTPError, OSError) as error:
                self._error = _broken(error, self._host)
                piece = b""
            if piece:
                pieces.append(piece)
                count -= len(piece)
            if not piece or self._error is not None:
                break
        if self._metered is not None and self._metered.error is not None:
            self._error = _broken(self._metered.error, self._host)
        if self._error is not None and not pieces:
            raise self._error
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def close(self) -> None:
        self._response.close()


def _broken(error: Exception, host: str) -> Unreachable:
    if isinstance(error, OutOfTime):  # not worth another try, which would take as long
        return Unreachable(f"{host} sends data far too slowly.", "Try again later.")
    if isinstance(error, TooSlow):
        return ConnectionLost(f"{host} sends data far too slowly.", "Try again later.")
    if isinstance(error, (urllib3.exceptions.ReadTimeoutError, socket.timeout)):
        return ConnectionLost(f"{host} stopped sending data.", Remedy(Action.ALLOW_TIME, "Try again"))
    return ConnectionLost(f"the connection to {host} broke before all data had arrived.", "Try again.")
