"""No test waits for another try; what would have been waited for stands in ``PAUSES``."""

from __future__ import annotations

from typing import List

from layerslayer import retries

PAUSES: List[float] = []  # seconds

retries.pause = PAUSES.append
