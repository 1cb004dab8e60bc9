"""A layer read in segments with gaps between them, and whether their lengths add up. No I/O."""

from __future__ import annotations

import bisect
from typing import Any, List, NamedTuple, Optional, Sequence, Tuple

from ...formats.entry import Entry
from ...formats.gzip.members import MemberStream
from ...formats.tar.reader import TarWalker

_PART = 16 * 1024  # bytes of the blob fed at a time
GREATEST_EXPANSION = 1032  # bytes that deflate makes of one, at most
MODULUS = 2**32  # of a gzip member's stated length


class ResumePoint(NamedTuple):
    """The blob's first ``at`` bytes make the tar's first ``position``; ``stream``, where it is kept, goes on there."""

    at: int
    position: int
    stream: Optional[MemberStream]


class Segment:
    """A part of a layer that was inflated and walked without a break, and can be gone on with.

    ``bit`` is where in the blob it begins, ``at`` up to which byte it was fed.
    Before the first header it found it has ``first`` bytes of output; its output
    begins at ``origin`` in the tar, if it is true that the body which the segment
    before it ended in ends at that header.
    """

    def __init__(self, bit: int, at: int, stream: MemberStream, walker: TarWalker, first: int, origin: int) -> None:
        self.bit = bit
        self.at = at
        self.stream = stream
        self.walker = walker
        self.first = first
        self.origin = origin
        self._base = origin  # what the stream's count of output adds to
        self.entries: List[Entry] = []
        self._last_given = origin  # where the last entry stands that was given out
        self.ends: List[Tuple[int, int]] = []  # of members, as positions in the tar, with what they state
        self.resume_points: List[ResumePoint] = []  # in it, in no order
        self.broken = False  # the walk could not go on
        self.ended = False
        self.missed = False  # headers were found right before it
        self.looked_for = 0  # bytes that were looked for right before it
        self.blind = 0  # bytes of its output in which a header may have been missed
        self.shown = (0, 0)  # bytes of the blob read last that are all of the body it has come to, and their output
        self.expected, self.deviation = 0.0, 1.0  # bytes of tar in the gap before it, as samples told
        self.unseen = 0  # bytes of the blob in the longest part of that gap without a sample
        self.tail = False  # no header was found in it: it is the end of the body before it, and what comes after that

    @property
    def begins(self) -> int:
        """The byte of the blob up to which what comes before it must be read."""
        return -(-self.bit // 8)

    @property
    def position(self) -> int:
        """Where in the tar the output so far ends."""
        return self._base + self.stream.output

    @property
    def last_header(self) -> int:
        """Where in the tar the last entry begins."""
        return self.entries[-1].offset if self.entries else self._last_given

    def give_out(self) -> List[Entry]:
        """Return the entries so far, which are not kept."""
        self._last_given = self.last_header
        entries, self.entries = self.entries, []
        return entries

    def feed(self, data: bytes) -> List[Entry]:
        """Take the next bytes of the blob; return the entries they complete. Raises CorruptLayer."""
        made: List[Entry] = []
        for at in range(0, len(data), _PART):
            part = data[at : at + _PART]
            output, owed = self.stream.output, self.walker.owed
            for piece in self.stream.feed(part):
                made += self.walker.feed(piece)
            self.at += len(part)
            output = self.stream.output - output
            whole = owed and self.walker.owed == owed - output  # nothing but the body
            self.shown = (self.shown[0] + len(part), self.shown[1] + output) if whole else (0, 0)
        return made

    def keep_resume_point(self) -> None:
        """Keep what it takes to go on from here again."""
        self.resume_points.append(ResumePoint(self.at, self.position, self.stream.copy()))

    def all_ends(self) -> List[Tuple[int, int]]:
        """Return where in the tar members ended, and the lengths they state."""
        return self.ends + [(self._base + output, stated) for output, stated in self.stream.ends]

    def move(self, by: int) -> None:
        """Take that the segment stands so many bytes further on in the tar."""
        if by:
            self.origin += by
            self._base += by
            self.walker.shift(by)
            self.ends = [(position + by, stated) for position, stated in self.ends]
            self.entries = [entry._replace(offset=entry.offset + by) for entry in self.entries]
            self.resume_points = [point._replace(position=point.position + by) for point in self.resume_points]

    def meets(self, other: Segment, origin: int) -> Optional[int]:
        """Return how many of the entries of ``other`` are none, when its others follow what this one has read.

        ``origin`` is where in the tar ``other`` begins, as this one has it. None
        where no header of ``other`` is where this one's next header must be, and
        where this one's archive has ended: what follows is hidden, which ``other`` does not know.
        """
        if self.walker.owed < 0 or other.broken or self.walker.end is not None:
            return None
        place = self.position + self.walker.owed - origin  # of the next header, in the output of ``other``
        if other.walker.end is not None and other.walker.end - other.origin < place:
            return None  # that archive was one within a body: its end is none, and hides nothing
        number = bisect.bisect_left(_Places(other), place)
        if number < len(other.entries):
            return number if other.entries[number].offset - other.origin == place else None
        return number if place == other.position + other.walker.owed - other.origin else None

    def append(self, other: Segment, origin: int, skipped: int = 0) -> None:
        """Go on with what ``other`` read, but for its first entries; see ``meets``."""
        other.move(origin - other.origin)
        own = self.all_ends()  # perhaps all of a member came out, and its trailer was not read yet
        ends = [item for item in other.all_ends() if item[0] >= self.position and item not in own]
        self.ends, other.stream.ends = own + ends, []
        self.entries += other.entries[skipped:]
        self.resume_points += other.resume_points
        self._become(other)

    def lead_into(self, other: Segment, entries: List[Entry], meets: int) -> bool:
        """Go on with what ``other`` read, whose first header is ``meets`` bytes into this one's output.

        ``entries`` were found on the way there. False, and nothing done, where
        none of them ends just there.
        """
        if self.walker.end is not None:
            return False
        place = self.origin + meets
        own = [entry for entry in entries if entry.offset < place]
        if len(own) == len(entries) and self.position + self.walker.owed != place:
            return False
        if len(own) < len(entries) and entries[len(own)].offset != place:
            return False
        other.move(place - other.first - other.origin)
        ends = [item for item in self.all_ends() if item[0] <= other.origin]
        self.ends, other.stream.ends = ends + other.all_ends(), []
        self.entries = own + other.entries
        self.resume_points += other.resume_points
        self._become(other)
        return True

    def _become(self, other: Segment) -> None:
        """Go on as ``other`` does."""
        other.walker.ignored_globals |= self.walker.ignored_globals
        self.at, self.walker, self.stream, self._base = other.at, other.walker, other.stream, other._base
        self.ended = other.ended

    def extend_back(self, bit: int, output: int, ends: Sequence[Tuple[int, int]]) -> None:
        """Take that the segment begins at that ``bit`` already, with so much more ``output``, all of the body."""
        self.bit = bit
        self.first += output
        self.origin -= output
        self.expected -= output
        self.ends = [(self.origin + position, stated) for position, stated in ends] + self.ends


class _Places(Sequence[int]):
    """Where in the output of a segment its entries begin."""

    def __init__(self, segment: Segment) -> None:
        self._segment = segment

    def __len__(self) -> int:
        return len(self._segment.entries)

    def __getitem__(self, number: Any) -> Any:
        return self._segment.entries[number].offset - self._segment.origin


def align(segments: Sequence[Segment]) -> None:
    """Move each segment to where the one before it says that its first header is."""
    for before, after in zip(segments, segments[1:]):
        after.move(before.position + before.walker.owed - after.first - after.origin)


def adds_up(segments: Sequence[Segment]) -> bool:
    """Whether every member that ended is just as long as it states, gaps included, and no gap is impossible."""
    return deficit(segments) == 0 and all(possible(before, after) for before, after in zip(segments, segments[1:]))


def deficit(segments: Sequence[Segment]) -> int:
    """Return how many bytes are missing in the first member that is not as long as it states; negative: too many.

    Lengths are stated modulo 2**32, so it is the smaller way round.
    """
    begun = 0
    for segment in segments:
        for position, stated in segment.all_ends():
            missing = (stated - (position - begun)) % MODULUS
            if missing:
                return missing if missing < MODULUS // 2 else missing - MODULUS
            begun = position
    return 0


def gap(before: Segment, after: Segment) -> int:
    """Return how many bytes of tar the gap between two segments holds, if it is all one body."""
    return before.walker.owed - after.first


def possible(before: Segment, after: Segment) -> bool:
    """Whether deflate can make so many bytes of those in the gap; stored blocks of 64 KiB grow by 5 bytes."""
    passed = after.bit // 8 - before.at
    return passed <= gap(before, after) * 1.001 + 1024 and 0 <= gap(before, after) <= GREATEST_EXPANSION * (passed + 64)
