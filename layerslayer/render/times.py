"""Points in time as documents state them (RFC 3339), for people: in UTC."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from ..escaping import one_line

_RFC3339 = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(?:\.\d{1,12})?(?:[Zz]|(?P<sign>[+-])(?P<hours>\d\d):?(?P<minutes>\d\d))"
)
_LIMIT = 40  # characters shown of what is no time


def utc(text: str) -> str:
    """Return an RFC 3339 time as ``YYYY-MM-DD HH:MM`` in UTC; "-" for none, other texts escaped."""
    match = _RFC3339.fullmatch(text)
    if not match:
        return one_line(text, _LIMIT) or "-"
    try:
        moment = datetime.strptime(match.group(1) + match.group(2), "%Y-%m-%d%H:%M:%S")
        if match.group("sign"):
            offset = timedelta(hours=int(match.group("hours")), minutes=int(match.group("minutes")))
            moment += -offset if match.group("sign") == "+" else offset
    except (ValueError, OverflowError):
        return one_line(text, _LIMIT)
    if moment.year == 1:
        return "-"  # Go's zero time
    return moment.isoformat(" ", "minutes")
