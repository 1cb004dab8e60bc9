"""From a stretch to a landing in the body that it has come to, and from a landing that is settled to a stretch."""

from __future__ import annotations

from typing import Tuple

from ..members import BLOCK
from ..tar import TarWalker
from .boundaries import Boundary, inflater_at
from .landing import Doubtful, Landing
from .members import MemberStream
from .stretches import Stretch

_END_PADDING = 64 * 1024  # bytes of zeros an archive may end with


def landed_at(stretch: Stretch, piece: bytes, boundary: Boundary) -> Tuple[Landing, bytes]:
    """Return a landing in the body that a stretch has come to, and its first input."""
    zeros, data = inflater_at(piece, boundary, 0)
    ones, _ = inflater_at(piece, boundary, 0xFF)
    return Landing(MemberStream(zeros), MemberStream(ones), stretch.position + stretch.walker.owed), data


def settled(before: Stretch, bit: int, at: int, landing: Landing) -> Stretch:
    """Return the stretch that a landing has become, without its entries."""
    assert landing.first is not None
    origin = before.position + before.walker.owed - landing.first
    return Stretch(bit, at, landing.stream, landing.walker, landing.first, origin)


def at_the_end(stretch: Stretch, bit: int, landing: Landing, size: int) -> Stretch:
    """Return the stretch of a landing after which the blob ends without another header: its body must be the last.

    Only zeros come after that. What the trailer states tells how many; they must all be there. Raises Doubtful.
    """
    ends = landing.stream.ends
    landing.stream.close()
    ends_at = stretch.position + stretch.walker.owed
    if landing.first is not None or len(ends) != 1:
        raise Doubtful
    padding = (ends[0][1] - ends_at) % 2**32
    if padding > min(landing.zeros, _END_PADDING) or padding % BLOCK:
        raise Doubtful
    walker = TarWalker(ends_at)
    walker.feed(bytes(padding))
    first = landing.stream.output - padding
    return Stretch(bit, size, landing.stream, walker, first, ends_at - first)
