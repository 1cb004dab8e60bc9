"""From a segment to a resync in the body that it has come to, and from a resync that is settled to a segment."""

from __future__ import annotations

from typing import Tuple

from ...formats.gzip.block_finder import Boundary, inflater_at
from ...formats.gzip.members import MemberStream
from ...formats.tar.header import BLOCK
from ...formats.tar.reader import TarWalker
from . import segments as lengths
from .resync import Doubtful, Resync
from .segments import Segment

_AT_ONCE = 64 * 1024  # bytes of padding walked at a time


class LastBody(Exception):
    """The blob ends without another header, and where the last body ends is not known for sure."""


def resync_at(segment: Segment, piece: bytes, boundary: Boundary, dense: int) -> Tuple[Resync, bytes]:
    """Return a resync in the body that a segment has come to, and its first input; ``dense``: see ``Resync``."""
    zeros, data = inflater_at(piece, boundary, 0)
    ones, _ = inflater_at(piece, boundary, 0xFF)
    walker = segment.walker
    position = segment.position + walker.owed
    return Resync(MemberStream(zeros), MemberStream(ones), position, walker.padding, dense, walker.limits), data


def settled(before: Segment, bit: int, at: int, resync: Resync) -> Segment:
    """Return the segment that a resync has become, without its entries."""
    assert resync.first is not None
    origin = before.position + before.walker.owed - resync.first
    return Segment(bit, at, resync.stream, resync.walker, resync.first, origin)


def at_the_end(segment: Segment, bit: int, resync: Resync, size: int) -> Segment:
    """Return the segment of a resync after which the blob ends without another header: its body must be the last.

    Nothing was leapt over before ``segment``, so where its body ends is known.
    What the trailer states tells how many bytes come after that: all of them
    must have come out, and be zeros. Raises Doubtful.
    """
    ends = resync.stream.ends
    resync.stream.close()
    ends_at = segment.position + segment.walker.owed
    if resync.first is not None or len(ends) != 1:
        raise Doubtful
    padding = (ends[0][1] - ends_at) % lengths.MODULUS
    if padding > resync.zeros or padding % BLOCK:
        raise Doubtful
    walker = TarWalker(ends_at, segment.walker.limits)
    for at in range(0, padding, _AT_ONCE):
        walker.feed(bytes(min(_AT_ONCE, padding - at)))
    first = resync.stream.output - padding
    found = Segment(bit, size, resync.stream, walker, first, ends_at - first)
    found.tail = True
    return found
