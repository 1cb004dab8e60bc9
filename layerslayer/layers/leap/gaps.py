"""Which of several gaps to doubt when the lengths do not add up. No I/O."""

from __future__ import annotations

from typing import List, Sequence

from .segments import Stretch, gap

_LOOK = 256 * 1024  # bytes of the blob that looking behind a landing costs at least


def suspects(stretches: Sequence[Stretch], missing: int, whole: bool = False) -> List[int]:
    """Return the numbers of stretches before which ``missing`` bytes may have been lost, the best to look at first.

    That is, the likeliest for the bytes that it costs: ``whole``, those of all
    the gap. What samples told is wrong by far more often than a normal
    distribution has it.
    """
    worth = []
    for number in range(1, len(stretches)):
        before, after = stretches[number - 1], stretches[number]
        off = gap(before, after) - after.expected
        likely = (1 + (off / after.deviation) ** 2) / (1 + ((off + missing) / after.deviation) ** 2)
        if 0 < missing <= after.first and after.first - missing >= after.blind:
            likely = 1e-9  # a header there would have been seen
        passed = max(after.begins - before.at, 1)
        if whole:
            worth.append((False, likely / passed, number))
            continue
        cost = min(passed, max(0, missing - after.first) / max(1.0, after.expected / passed) + _LOOK)
        worth.append((after.missed, likely / cost, number))
    return [number for _, _, number in sorted(worth, reverse=True)]
