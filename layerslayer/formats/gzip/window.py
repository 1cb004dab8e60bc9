"""Going on at a point of a gzip stream, of which the 32 KiB of output before it are known. No I/O.

A point lies anywhere in a block, whose codes are not known, so the stream is
joined a little before it, at the first boundary that can be found. What comes
before that is not known, and what comes out refers to it. It is inflated with
windows that have numbers in them: each byte of output is then either one that
the stream holds itself, or shows which byte of the window it is a copy of. At
the point these are known; any that is not among them is nothing that the
stream after the point can still refer to. So the window is filled in, and what
comes after the point is exact.
"""

from __future__ import annotations

from typing import Iterator, Optional, Tuple

from ...errors import CorruptLayer
from ..magic import GZIP_MAGIC
from .block_finder import Boundary, find_boundary, inflater_behind
from .inflate import WINDOW
from .members import MemberStream

_SHIFTS = 320  # bytes that two engines may be apart by after the same input: one symbol, 258 at most
_TRIES = 16  # boundaries: those of a stream within a file that is stored in this one come first sometimes
_TELLING = 64  # bytes that show quickly whether a shift may be right
_MEMBERS = 8  # beginnings of members, or what looks like them
# Place n is written as n in two bytes; in the third pattern what is a copy differs from the second.
_LOW = bytes(range(256)) * (WINDOW // 256)
_HIGH = b"".join(bytes([high]) * 256 for high in range(WINDOW // 256))
_MARKED = b"".join(bytes([high | 0x80]) * 256 for high in range(WINDOW // 256))
_Tails = Tuple[bytes, bytes, bytes]


def rejoin(lead: bytes, known: bytes, beyond: bytes) -> Tuple[MemberStream, int]:
    """Return a stream that has taken ``lead``, the blob's bytes before the point, and how many bytes too many came out.

    ``known`` are the 32 KiB of output before the point, ``beyond`` are bytes of
    the blob after it, to be surer of what is found; the stream has not taken
    them. The number is 0 where this engine makes as much of the last bits as
    the one that found the point. Raises CorruptLayer where the stream cannot be
    joined in ``lead``.
    """
    for join in (_at_a_member, _in_a_block):
        joined = join(lead, known, beyond)
        if joined is not None:
            return joined
    raise CorruptLayer("gzip", 0, "in {} bytes no place to begin is found".format(len(lead)))


def _in_a_block(lead: bytes, known: bytes, beyond: bytes) -> Optional[Tuple[MemberStream, int]]:
    start, both = 0, lead + beyond
    for _ in range(_TRIES):
        boundary = find_boundary(both, start, len(lead))
        if boundary is None:
            return None
        try:
            found = _window(_tails(lead, boundary), known)
            if found is not None:
                window, shift = found
                stream, data = _behind(window, lead, boundary)
                for _piece in stream.feed(data):
                    pass
                return stream, shift
        except CorruptLayer:
            pass
        start = boundary.bit // 8 + 1
    return None


def _at_a_member(lead: bytes, known: bytes, beyond: bytes) -> Optional[Tuple[MemberStream, int]]:
    """Join the stream where a gzip member begins, which needs no window: small ones may have no other boundary."""
    at = -1
    for _ in range(_MEMBERS):
        at = lead.find(GZIP_MAGIC, at + 1)
        if at < 0:
            break
        stream, tail = MemberStream(), b""
        try:
            for piece in stream.feed(lead[at:]):
                tail = (tail + piece)[-WINDOW - _SHIFTS :]
        except CorruptLayer:
            continue
        for shift in _near_zero() if len(tail) > 2 * _SHIFTS else ():
            end = len(tail) - max(shift, 0)
            told = known[: len(known) + min(shift, 0)]
            both = min(end, len(told))
            if tail[end - both : end] == told[len(told) - both :]:
                return stream, shift
    return None


def _behind(window: bytes, lead: bytes, boundary: Boundary) -> Tuple[MemberStream, bytes]:
    engine, data = inflater_behind(window, lead, boundary)
    return MemberStream(engine), data


def _tails(lead: bytes, boundary: Boundary) -> _Tails:
    """Return the end of the output, for each of the three patterns; it may begin in the window."""
    low, high, marked = (_tail(window, lead, boundary) for window in (_LOW, _HIGH, _MARKED))
    return low, high, marked


def _tail(window: bytes, lead: bytes, boundary: Boundary) -> bytes:
    stream, data = _behind(window, lead, boundary)
    tail = window
    for piece in stream.feed(data):
        tail = (tail + piece)[-WINDOW - _SHIFTS :]
    return tail


def _window(tails: _Tails, known: bytes) -> Optional[Tuple[bytes, int]]:
    """Return the window that makes the output end with ``known``, and how many bytes follow that; None for none."""
    low, high, marked = tails
    certain = [at for at in range(len(low) - _SHIFTS - 1, _SHIFTS, -1) if high[at] == marked[at]][:_TELLING]
    for shift in _near_zero():
        end = len(low) - max(shift, 0)
        begin = end - len(known) - min(shift, 0)
        if begin < 0 or any(low[at] != known[at - begin] for at in certain if at >= begin):
            continue
        window = _filled(tails, begin, end, known)
        if window is not None:
            return window, shift
    return None


def _near_zero() -> Iterator[int]:
    yield 0
    for shift in range(1, _SHIFTS):
        yield shift
        yield -shift


def _filled(tails: _Tails, begin: int, end: int, known: bytes) -> Optional[bytes]:
    """Return the window by which the output from ``begin`` to ``end`` is how ``known`` begins; None for none."""
    found = bytearray(WINDOW)
    seen = bytearray(WINDOW)
    for low, high, marked, byte in zip(*(tail[begin:end] for tail in tails), known):
        if high == marked:
            if low != byte:
                return None
        else:
            place = high << 8 | low
            if place >= WINDOW or (seen[place] and found[place] != byte):
                return None
            found[place], seen[place] = byte, 1
    return bytes(found)
