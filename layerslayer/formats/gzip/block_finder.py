"""Where a deflate block begins in bytes from the middle of a stream (RFC 1951, 3.2.3). Pure.

Two kinds of blocks are looked for, with all bits lowest first::

    dynamic   0 | 01 | HLIT 5 bits, <= 29 | HDIST 5 bits, <= 29 | HCLEN 4 bits | code lengths ...
              begins at any bit; a wrong guess dies on impossible code lengths
    stored    0 | 00 | padding to a whole byte | LEN 16 bits | NLEN 16 bits, its complement | bytes
              what is found is LEN, at a whole byte; a wrong guess dies where the next block should begin

Nothing marks a fixed block; they are short and rare in layers.
"""

from __future__ import annotations

import re
import zlib
from typing import Any, Callable, Iterable, Iterator, List, NamedTuple, Optional, Pattern, Tuple

from .inflate import WINDOW, inflate_at
from .inflate import primed as primed_at

_SPAN = 4 * 1024  # bytes searched at a time, all eight phases of them
_GLANCE = 96  # bytes that most wrong guesses die within
_PROOF = 1024  # bytes of input that a right one must get beyond, past the end of its block at best
_MAX_OUTPUT = 256 * 1024  # bytes of output at a time
DENSE = 16  # bytes that come out of one: beyond that reading on is quicker than finding out where one is
_FREE = 1024 * 1024  # bytes of output that do not count for that


def _bytes(allowed: Callable[[int], int]) -> bytes:
    """Return a class of a regular expression: the bytes that are allowed."""
    return b"[" + b"".join(re.escape(bytes((byte,))) for byte in range(256) if allowed(byte)) + b"]"


def _pattern(hdists: Iterable[int], *further: Callable[[int], int]) -> Pattern[bytes]:
    """Return a pattern of the first bytes of a dynamic block; ``further`` says what the third and the next may be."""
    known = set(hdists)
    first = _bytes(lambda byte: byte & 7 == 4 and byte >> 3 < 30)
    return re.compile(first + _bytes(lambda byte: byte & 31 in known) + b"".join(map(_bytes, further)), re.DOTALL)


# From the narrowest to the widest; each lets through a sixth of what the next one does, or less. The lowest bit of the
# third byte is the highest of HCLEN, and then come the lengths of the codes for 16 (two bits or more), 17 (none, or
# four or more), 18, 0 and 8 (one to four), three bits each. 95 in 100 blocks of any compressor are typical.
_TYPICAL = _pattern(
    (28, 29),
    lambda byte: byte & 1 and byte >> 1 & 7 >= 2 and (byte >> 4 & 7) not in (1, 2, 3),
    lambda byte: 1 <= byte >> 5 <= 4,
)
_USUAL = _pattern(range(20, 30), lambda byte: byte & 1)
_ANY = _pattern(range(30))
_COMPLEMENTS = re.compile(rb"(?=\xff\xff)")
_WHOLE = 128  # what the shares of a complete code add up to, a code of n bits having 128 / 2**n
_SHARE = (0, 64, 32, 16, 8, 4, 2, 1)
_SHARES = [sum(_SHARE[four >> at & 7] for at in (0, 3, 6, 9)) for four in range(4096)]  # of four lengths at once
_LENGTH_MASKS = [(1 << 3 * (hclen + 4)) - 1 for hclen in range(16)]
_EMPTY_WINDOW = bytes(WINDOW)
_FAR_BACK = "too far back"  # zlib's words where only the window is missing


class Boundary(NamedTuple):
    """A block begins ``bit`` bits into the piece; a stored one's LEN stands there."""

    bit: int
    stored: bool


class Dense(Exception):
    """A block begins there, and what follows inflates to so many times its bytes that it is not looked at further."""

    def __init__(self, boundary: Boundary) -> None:
        super().__init__(boundary)
        self.boundary = boundary


def find_boundary(
    piece: bytes, start: int = 0, end: Optional[int] = None, patient: bool = True, searched: int = 0
) -> Optional[Boundary]:
    """Return a place from the byte ``start`` on, the first in general, where a block surely begins, or None.

    It is before the byte ``end``, if one is given. "Surely" means that the rest
    of ``piece`` inflates from there without a fault. In the first ``searched``
    bytes no dynamic block begins. Raises Dense, unless ``patient``.
    """
    for pattern in (_TYPICAL, _USUAL, _ANY):
        for candidate in _candidates(piece, start, len(piece) if end is None else end, pattern, searched):
            if (candidate.stored or _glance(piece, candidate.bit)) and _holds(piece, candidate, patient):
                return candidate
    return None


def inflater_at(piece: bytes, boundary: Boundary, fill: int) -> Tuple[Any, bytes]:
    """Return a decompressor that begins there and its first input, all of ``piece`` from there on.

    The window that nobody knows is filled with the byte ``fill``.
    """
    return inflater_behind(bytes((fill,)) * WINDOW if fill else _EMPTY_WINDOW, piece, boundary)


def inflater_behind(window: bytes, piece: bytes, boundary: Boundary) -> Tuple[Any, bytes]:
    """Return the same, with a window."""
    return inflate_at(window, *_beginning(piece, boundary))


def primed(piece: bytes, boundary: Boundary) -> bytes:
    """Return the first input of any decompressor that begins there, once it has come to a whole byte."""
    return primed_at(*_beginning(piece, boundary))


def _beginning(piece: bytes, boundary: Boundary) -> Tuple[int, bytes]:
    byte, bit = divmod(boundary.bit, 8)
    if boundary.stored:  # its three bits are zeros, like the padding after them
        return 0, b"\0" + piece[byte:]
    return (8 - bit) % 8, piece[byte:]


def _candidates(piece: bytes, start: int, end: int, pattern: Pattern[bytes], searched: int) -> Iterator[Boundary]:
    """Yield what looks like the beginning of a block, in order, span by span."""
    for at in range(start, end, _SPAN):
        span = piece[at : at + _SPAN + 12]
        found: List[Tuple[int, bool]] = [(8 * (at + place), True) for place in _stored(span)]
        number = int.from_bytes(span, "little")
        for phase in range(8 if at + _SPAN + _PROOF > searched else 0):
            shifted = (number >> phase).to_bytes(len(span), "little") if phase else span
            found += [(8 * (at + place) + phase, False) for place in _dynamic(shifted, pattern)]
        for bit, stored in sorted(found):
            if bit < 8 * end:
                yield Boundary(bit, stored)


def _dynamic(span: bytes, pattern: Pattern[bytes]) -> List[int]:
    """Return where dynamic blocks may begin with a whole byte: the first code, that of code lengths, is complete."""
    shares, places = _SHARES, []
    match = pattern.search(span)
    while match is not None:  # one may begin within another, and a lookahead instead would take twice the time
        place = match.start()
        if place > _SPAN:
            break
        match = pattern.search(span, place + 1)
        bits = int.from_bytes(span[place + 1 : place + 10], "little") >> 5
        lengths = bits >> 4 & _LENGTH_MASKS[bits & 15]
        if (
            shares[lengths & 4095]
            + shares[lengths >> 12 & 4095]
            + shares[lengths >> 24 & 4095]
            + shares[lengths >> 36 & 4095]
            + shares[lengths >> 48]
        ) == _WHOLE:
            places.append(place)
    return places


def _stored(span: bytes) -> List[int]:
    """Return where a 16-bit number is followed by its complement."""
    number = int.from_bytes(span, "little")
    folded = (number ^ number >> 16).to_bytes(len(span), "little")
    return [match.start() for match in _COMPLEMENTS.finditer(folded, 0, len(span) - 2)]


def _glance(piece: bytes, bit: int) -> bool:
    """Whether the header there is one; the bits are moved, which only matters once a stored block comes."""
    byte, phase = divmod(bit, 8)
    head = piece[byte : byte + _GLANCE]
    if phase:
        head = (int.from_bytes(head, "little") >> phase).to_bytes(len(head), "little")
    try:
        zlib.decompressobj(-15).decompress(head, 1)
    except zlib.error as error:
        return _FAR_BACK in str(error)
    return True


def _holds(piece: bytes, candidate: Boundary, patient: bool) -> bool:
    """Whether all that follows can be inflated; the stream may end in it. Raises Dense, unless ``patient``."""
    made = 0
    engine, data = inflater_at(piece, candidate, 0)
    if len(data) < _PROOF and not candidate.stored:
        return False
    if candidate.stored and int.from_bytes(piece[candidate.bit // 8 : candidate.bit // 8 + 2], "little") + 8 > len(
        data
    ):
        return False  # nothing after it would confirm it
    try:
        given = len(data)
        while data:
            made += len(engine.decompress(data, _MAX_OUTPUT))
            if engine.eof:
                return _plausible_end(engine.unused_data)
            data = engine.unconsumed_tail
            if not patient and made > _FREE + DENSE * (given - len(data)):
                raise Dense(candidate)
    except zlib.error:
        return False
    return True


def _plausible_end(rest: bytes) -> bool:
    """Whether these bytes may follow a stream: the member's trailer, then nothing, zeros or another member."""
    after = rest[8:]
    return len(rest) < 8 or not after.strip(b"\0") or after.lstrip(b"\0").startswith(b"\x1f")
