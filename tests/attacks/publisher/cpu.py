"""How long an attack keeps the processor busy, whatever else the machine does."""

from __future__ import annotations

import time
from typing import Callable


def seconds(work: Callable[[], object], enough: float, tries: int = 3) -> float:
    """Return the processor seconds that ``work`` takes: the first of a few tries that is below ``enough``, or the best.

    What else runs makes a try slower, never quicker; so one that is quick enough shows what the work costs.
    """
    best = float("inf")
    for _ in range(tries):
        before = time.process_time()
        work()
        best = min(best, time.process_time() - before)
        if best < enough:
            break
    return best
