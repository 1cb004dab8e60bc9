"""How long an answer may take, whatever it sends: all of one that is no layer, each stretch of one that is.

Only time spent waiting for the sender counts, and only bytes of the body are a
gain: not headers, and not what frames a body (chunk lines, trailers).
"""

from __future__ import annotations

import socket
from typing import Optional

LEAST = 16 * 1024  # bytes of a layer that must arrive in PERIODS times the timeout
PERIODS = 2
PACE = 16 * 1024  # bytes a second that a document must come with, once PERIODS times the timeout have passed

_HEAD, _DOCUMENT, _LAYER = range(3)


class TooSlow(socket.timeout):
    """A trickle: another connection may do better."""


class OutOfTime(TooSlow):
    """A document that took longer in all than any honest one does."""


class Patience:
    """With one answer. ``timeout`` is in seconds; None for endless patience.

    First its head is waited for, PERIODS times the timeout in all; then
    ``document`` or ``layer`` says what is to come.
    """

    def __init__(self, timeout: Optional[float]) -> None:
        self._period = timeout * PERIODS if timeout else None
        self._kind = _HEAD
        self._waited = 0.0  # seconds; of a layer, since its last LEAST bytes
        self._gained = 0  # bytes, likewise

    def document(self) -> None:
        """Bound all the time of the document that follows; the bound grows a little with its size."""
        self._begin(_DOCUMENT)

    def layer(self) -> None:
        """Let the layer that follows take for ever, but not without progress."""
        self._begin(_LAYER)

    def _begin(self, kind: int) -> None:
        self._kind, self._waited, self._gained = kind, 0.0, 0

    def gain(self, count: int) -> None:
        """Record that so many bytes of the body have come."""
        self._gained += count
        if self._kind == _LAYER and self._gained >= LEAST:
            self._waited, self._gained = 0.0, 0

    def wait(self, seconds: float) -> None:
        """Record that so many seconds were waited for the bytes just arrived. Raises TooSlow, OutOfTime."""
        self._waited += seconds
        if self._period is None:
            return
        if self._kind == _DOCUMENT:
            if self._waited > self._period + self._gained / PACE:
                raise OutOfTime(f"{self._gained} bytes in {self._waited:.0f} seconds")
        elif self._waited > self._period:
            raise TooSlow(f"less than {LEAST} bytes in {self._waited:.0f} seconds")
