"""When a request is made again, and how long to wait before. Pure but for ``pause``.

Statuses and headers: RFC 9110, 10.2.3 (Retry-After) and 15.5, 15.6; RFC 6585, 4 (429).
Waits have full jitter: many clients that failed together do not come back together.
"""

from __future__ import annotations

import random
import re
import time
from typing import Mapping, NamedTuple, Optional

ATTEMPTS = 5  # after the first
LONGEST_WAIT = 60.0  # seconds that a server may ask us to wait; beyond it the user decides
WORTH_TELLING = 2.0  # seconds of waiting that a user should know of
_BASE = 0.5  # seconds; doubled with each failure
_CAP = 8.0
_LASTING = frozenset((501, 505, 506, 510, 511))  # 5xx that are about the request, or a login page in the way
_PULL_LIMIT = re.compile(rb"pull rate limit", re.IGNORECASE)  # Docker Hub's; waiting a little does not help
_QUOTA = re.compile(r"([0-9]{1,9})(?:;w=([0-9]{1,9}))?")

pause = time.sleep


def may_pass(status: int) -> bool:
    """Whether an answer of this status may be another one soon."""
    return status in (408, 429) or (500 <= status < 600 and status not in _LASTING)


def is_pull_limit(body: bytes) -> bool:
    """Whether the body of a 429 is about a quota of pulls, rather than about too many requests at once."""
    return _PULL_LIMIT.search(body) is not None


def backoff(failures: int) -> float:
    """Return how many seconds to wait after so many failures (from 1)."""
    return random.uniform(0.0, min(_CAP, _BASE * 2.0 ** min(failures - 1, 10)))  # noqa: S311 - no secret


def retry_after(text: str, now: float) -> Optional[float]:
    """Return the seconds that a Retry-After header asks to wait; None where it says nothing usable.

    ``now`` is the time in seconds since 1970; a date that has passed gives 0.
    """
    text = text.strip()
    if re.fullmatch("[0-9]{1,18}", text):
        return float(text)
    from email.utils import mktime_tz, parsedate_tz  # which few answers need

    try:
        date = parsedate_tz(text)
        return max(0.0, mktime_tz(date) - now) if date else None
    except (ValueError, OverflowError, TypeError, IndexError):
        return None


class Allowance(NamedTuple):
    """How many pulls a registry still allows (Docker Hub's ``ratelimit-*`` headers)."""

    limit: int
    remaining: int
    window: int  # seconds; 0 where it is not stated

    @property
    def low(self) -> bool:
        return self.remaining <= max(1, self.limit // 10)

    def __str__(self) -> str:
        span = f"{round(self.window / 3600, 1):g} hours" if self.window else "its period"
        return f"{self.remaining} of {self.limit} pulls in {span} are left"


def allowance(headers: Mapping[str, str]) -> Optional[Allowance]:
    """Return what the headers of an answer say of its quota, None where they do not."""
    limit = _QUOTA.match(headers.get("ratelimit-limit", ""))
    remaining = _QUOTA.match(headers.get("ratelimit-remaining", ""))
    if not limit or not remaining:
        return None
    return Allowance(int(limit.group(1)), int(remaining.group(1)), int(limit.group(2) or 0))


def in_words(seconds: float) -> str:
    """Return a wait as one reads it: ``40 seconds``, ``5 minutes``, ``3.5 hours``."""
    for unit, size in (("days", 86400.0), ("hours", 3600.0), ("minutes", 60.0)):
        if seconds >= 2 * size:
            return f"{round(seconds / size, 1):g} {unit}" if seconds < 10**9 else "a very long time"
    return f"{seconds:.0f} seconds"
