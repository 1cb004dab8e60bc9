"""From a stretch to a landing in the body that it has come to, and from a landing that is settled to a stretch."""

from __future__ import annotations

from typing import Tuple

from ...formats.gzip.block_finder import Boundary, inflater_at
from ...formats.gzip.members import MemberStream
from ...formats.tar.header import BLOCK
from ...formats.tar.reader import TarWalker
from . import segments as lengths
from .resync import Doubtful, Landing
from .segments import Stretch

_AT_ONCE = 64 * 1024  # bytes of padding walked at a time


class LastBody(Exception):
    """The blob ends without another header, and where the last body ends is not known for sure."""


def landed_at(stretch: Stretch, piece: bytes, boundary: Boundary, dense: int) -> Tuple[Landing, bytes]:
    """Return a landing in the body that a stretch has come to, and its first input; ``dense``: see ``Landing``."""
    zeros, data = inflater_at(piece, boundary, 0)
    ones, _ = inflater_at(piece, boundary, 0xFF)
    walker = stretch.walker
    position = stretch.position + walker.owed
    return Landing(MemberStream(zeros), MemberStream(ones), position, walker.padding, dense, walker.limits), data


def settled(before: Stretch, bit: int, at: int, landing: Landing) -> Stretch:
    """Return the stretch that a landing has become, without its entries."""
    assert landing.first is not None
    origin = before.position + before.walker.owed - landing.first
    return Stretch(bit, at, landing.stream, landing.walker, landing.first, origin)


def at_the_end(stretch: Stretch, bit: int, landing: Landing, size: int) -> Stretch:
    """Return the stretch of a landing after which the blob ends without another header: its body must be the last.

    Nothing was leapt over before ``stretch``, so where its body ends is known.
    What the trailer states tells how many bytes come after that: all of them
    must have come out, and be zeros. Raises Doubtful.
    """
    ends = landing.stream.ends
    landing.stream.close()
    ends_at = stretch.position + stretch.walker.owed
    if landing.first is not None or len(ends) != 1:
        raise Doubtful
    padding = (ends[0][1] - ends_at) % lengths.MODULUS
    if padding > landing.zeros or padding % BLOCK:
        raise Doubtful
    walker = TarWalker(ends_at, stretch.walker.limits)
    for at in range(0, padding, _AT_ONCE):
        walker.feed(bytes(min(_AT_ONCE, padding - at)))
    first = landing.stream.output - padding
    found = Stretch(bit, size, landing.stream, walker, first, ends_at - first)
    found.tail = True
    return found
