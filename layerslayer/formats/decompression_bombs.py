"""What the layers of an image inflate to beyond their own sizes: many small bombs cost as much as a large one. Pure."""

from __future__ import annotations

import threading

from ..limits import DEFAULT, LimitReached, Limits

_TOGETHER = 4 * 2**30  # bytes


class Beyond:
    """What a layer inflates to beyond ``ratio`` times its own size; all of an image may have 4 GiB of that together."""

    _lock = threading.Lock()
    _together = 0  # bytes, of the image that is read now

    def __init__(self, limits: Limits = DEFAULT) -> None:
        self._limits = limits
        self._own = 0  # bytes

    @classmethod
    def begin_image(cls) -> None:
        """Start to count at zero; what is still read of another image then has more, not less."""
        with cls._lock:
            cls._together = 0

    def check(self, inflated: int, fetched: int) -> None:
        """Check how many bytes came out of how many, of this layer so far. Raises LimitReached."""
        self._limits.check_size(inflated, fetched)
        own = max(0, inflated - fetched * self._limits.ratio)
        if own == self._own:
            return
        with Beyond._lock:
            Beyond._together += own - self._own
            self._own = own
            if Beyond._together > _TOGETHER:
                raise LimitReached(
                    "ratio",
                    self._limits.ratio,
                    "the image's layers inflate far beyond their own sizes, as bombs do",
                )
