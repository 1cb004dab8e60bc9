"""``--limit NAME=NUMBER``, any number of times -> ``Limits``."""

from __future__ import annotations

from typing import Dict, Iterable

from ..errors import UsageError
from ..limits import DEFAULT, MEANINGS, Limits

_UNITS = {"K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}


def parse_limits(texts: Iterable[str]) -> Limits:
    """Return the default limits with those replaced that ``texts`` name; the last one of a name counts.

    Each is ``NAME=NUMBER``, the number with a unit K, M, G or T if wished. Raises UsageError.
    """
    values: Dict[str, int] = {}
    for text in texts:
        name, _, number = text.partition("=")
        unit = _UNITS.get(number[-1:].upper(), 0)
        digits = number[:-1] if unit else number
        if name not in MEANINGS or not (digits.isascii() and digits.isdigit()) or len(digits) > 15 or int(digits) == 0:
            raise UsageError(
                "'{}' is no limit.".format(text[:60]),
                "Say NAME=NUMBER; names: {}.".format(", ".join(sorted(MEANINGS))),
            )
        values[name] = int(digits) * (unit or 1)
    return DEFAULT._replace(**values)
