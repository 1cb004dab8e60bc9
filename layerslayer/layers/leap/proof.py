"""Whether a layer that was read with gaps is proved to hold what the walk has of it. No I/O.

``docs/design/leap-proof.md`` has it in full.

What is not known is ``d``, how far a header really stands beyond where the walk
has it. A resync behind some headers makes it grow, one at a header within a
body makes it shrink. Behind the last gap all was decoded, so there the true
place is known: it is the member's stated length less what came out from there
to the member's end. That the two agree says d = 0, with nothing left open but
multiples of 2**32, and that errors may cancel.
"""

from __future__ import annotations

from typing import List, Optional, Sequence

from ...formats.tar.header import BLOCK
from . import segments as lengths
from .segments import GREATEST_EXPANSION, Segment, adds_up, gap, possible

_END_BLOCKS = 2  # zero blocks that end an archive
_SURELY = 8.0  # standard deviations


def proves(segments: Sequence[Segment], unnoticed: int) -> bool:
    """Whether the segments, the last of which was read to the end of the blob, hold all of the layer.

    ``unnoticed``: see ``Settings``.
    """
    if len(segments) == 1:
        return adds_up(segments)
    return _ends_there(segments) and adds_up(segments) and not doubtful_gaps(segments, unnoticed)


def doubtful_gaps(segments: Sequence[Segment], unnoticed: int) -> List[int]:
    """Return before which segments the lengths alone would let a gap hold something else.

    Deflate cannot make so many bytes of those in the gap, or so few; or it could
    hold 2**32 more of them, or less, for all that samples tell; or a member may
    have ended in it, of which nothing is known then.
    """
    pairs = list(zip(segments, segments[1:]))
    doubtful = [not _only_one_length(*pair) or _may_hide_an_end(*pair, unnoticed) for pair in pairs]
    return [number for number, doubted in enumerate(doubtful, 1) if doubted]


def _ends_there(segments: Sequence[Segment]) -> bool:
    """Whether the blob is one member, and its end the archive's: seen, not inferred from the member's length."""
    last = segments[-1]
    walker, stream = last.walker, last.stream
    if not last.ended or stream.trailing or walker.hidden or walker.foreign is not None:
        return False
    if any(segment.stream.several for segment in segments) or len(last.all_ends()) != 1:
        return False  # of others' lengths, those of members that nobody saw might be a part
    if any(segment.all_ends() or segment.walker.end is not None or segment.broken for segment in segments[:-1]):
        return False  # what stands behind an archive's end is hidden, which later segments do not know
    if last.tail:  # the last body was leapt over: where it ends must be known from elsewhere
        return len(segments) == 2
    return walker.end is not None and last.position - walker.end >= _END_BLOCKS * BLOCK


def _only_one_length(before: Segment, after: Segment) -> bool:
    if not possible(before, after):
        return False
    room, passed = gap(before, after), after.bit // 8 - before.at
    if room < lengths.MODULUS and room + lengths.MODULUS > GREATEST_EXPANSION * (passed + 64):
        return True
    off = abs(room - after.expected) + _SURELY * after.deviation
    return off < lengths.MODULUS / 2 and after.unseen * GREATEST_EXPANSION < lengths.MODULUS


def _may_hide_an_end(before: Segment, after: Segment, unnoticed: int) -> bool:
    """Whether a member may have ended in the gap, and files behind it be missed that are as long as that member.

    Then the next member's length would fit. The first one holds all that came
    before, and the body that the gap begins in, so the gap would hold as much again.
    """
    more = before.position + before.walker.owed
    room, passed = gap(before, after), after.bit // 8 - before.at
    if room + more > GREATEST_EXPANSION * (passed + 64):
        return False
    return after.expected + _SURELY * after.deviation >= room + more or after.unseen > greatest_unseen(
        before, unnoticed
    )


def greatest_unseen(before: Segment, unnoticed: int) -> int:
    """Return how many bytes of the blob may lie between two samples of the body that a segment has come to.

    As much as came before that body's end must not unfold from them. Where that is
    one file, or several of one size, another one of that size is all that it takes.
    """
    ends = before.position + before.walker.owed
    alike = ends % max(ends - before.last_header, 1) == 0
    return ends // (GREATEST_EXPANSION if alike else unnoticed)


def cheaper_gaps(segments: Sequence[Segment], size: int) -> Optional[int]:
    """Return how many gaps to read rather than the last body, which the last segment has come to.

    Without a gap before it, its end is known, and it can be leapt over. None
    where the body, up to the end of a blob of ``size`` bytes, is less.
    """
    gaps = sum(after.begins - before.at for before, after in zip(segments, segments[1:]))
    return len(segments) - 1 if gaps < size - segments[-1].at else None
