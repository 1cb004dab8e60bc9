"""Parts of blobs (RFC 9110, 14): whether an answer is the bytes that were asked for, and just those."""

from __future__ import annotations

import re
from typing import BinaryIO

from ..errors import Unreachable
from .http.response import Answer

_CONTENT_RANGE = re.compile(r"bytes ([0-9]{1,19})-([0-9]{1,19})/([0-9]{1,19}|\*)")


class Part:
    """A readable of ``length`` bytes of ``stream``, which must not end before."""

    def __init__(self, stream: BinaryIO, length: int) -> None:
        self._stream = stream
        self._left = length

    def read(self, count: int = -1) -> bytes:
        count = self._left if count < 0 else min(count, self._left)
        pieces = []
        while count:
            piece = self._stream.read(count)
            if not piece:
                raise Unreachable("a part of a blob ended too early.", "Try again.")
            pieces.append(piece)
            count -= len(piece)
            self._left -= len(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def close(self) -> None:
        self._stream.close()


def range_problem(answer: Answer, start: int, length: int, size: int) -> str:
    """Return why an answer is not the bytes asked for; nothing when it is (RFC 9110, 14.4)."""
    if answer.status != 206:
        return f"it answered {answer.status}"
    if answer.encoded:
        return "it compresses what it sends"
    match = _CONTENT_RANGE.fullmatch(answer.headers.get("content-range", ""))
    if not match:
        return "its answer does not say which part it is"
    first, last, total = match.groups()
    if int(first) != start or int(last) != start + length - 1:
        return "it answered with another part"
    return "" if total == "*" or int(total) == size else "the blob there has another size"
