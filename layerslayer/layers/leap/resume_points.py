"""Where a walk can go on again, for the bytes of a file that it went past. No I/O."""

from __future__ import annotations

from typing import List

from .segments import Segment

_MOST = 64  # inflaters kept, of some 45 KiB each


class ResumePoints:
    """Has segments keep resume points, ``step`` bytes of the blob apart as long as there are not too many."""

    def __init__(self, step: int) -> None:
        self._step = step
        self._kept = 0

    def add(self, segment: Segment, segments: List[Segment]) -> None:
        """Take that ``segment``, one of a walk's, has come further."""
        if segment.resume_points and segment.at - segment.resume_points[-1].at < self._step:
            return
        segment.keep_resume_point()
        self._kept += 1
        if self._kept > _MOST:
            self._thin_out(segments)

    def _thin_out(self, segments: List[Segment]) -> None:
        self._step *= 2
        self._kept = 0
        odd = False
        for segment in segments:
            for number, point in enumerate(segment.resume_points):
                if point.stream is None:
                    continue
                odd = not odd
                self._kept += odd
                if not odd:  # the numbers are still of use, to count back from
                    segment.resume_points[number] = point._replace(stream=None)


def needed_from(segment: Segment) -> int:
    """Return from which byte of the blob on its bytes will be asked for again, if what came last is sought."""
    return segment.resume_points[-2].at if len(segment.resume_points) > 1 else 0
