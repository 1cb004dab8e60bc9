"""Where a walk can go on again, for the bytes of a file that it went past. No I/O."""

from __future__ import annotations

from typing import List

from .segments import Stretch

_MOST = 64  # inflaters kept, of some 45 KiB each


class Marks:
    """Sees to it that stretches keep marks, ``step`` bytes of the blob apart as long as there are not too many."""

    def __init__(self, step: int) -> None:
        self._step = step
        self._kept = 0

    def add(self, stretch: Stretch, stretches: List[Stretch]) -> None:
        """Take that ``stretch``, one of a walk's, has come further."""
        if stretch.marks and stretch.at - stretch.marks[-1].at < self._step:
            return
        stretch.mark()
        self._kept += 1
        if self._kept > _MOST:
            self._thin_out(stretches)

    def _thin_out(self, stretches: List[Stretch]) -> None:
        self._step *= 2
        self._kept = 0
        odd = False
        for stretch in stretches:
            for number, mark in enumerate(stretch.marks):
                if mark.stream is None:
                    continue
                odd = not odd
                self._kept += odd
                if not odd:  # the numbers are still of use, to count back from
                    stretch.marks[number] = mark._replace(stream=None)


def needed_from(stretch: Stretch) -> int:
    """Return from which byte of the blob on its bytes will be asked for again, if what came last is sought."""
    return stretch.marks[-2].at if len(stretch.marks) > 1 else 0
