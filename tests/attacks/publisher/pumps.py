"""Texts that regular expressions may take long on, made of what the expressions themselves look for."""

from __future__ import annotations

import itertools
import re
import warnings
from typing import Any, Iterator, List, Pattern, Set

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    import sre_parse

_MOST_LETTERS, _MOST_STEMS, _LONGEST_STEM = 12, 40, 400
_CLASSES = {"CATEGORY_DIGIT": "7", "CATEGORY_SPACE": " ", "CATEGORY_WORD": "w"}


def letters(pattern: Pattern[Any]) -> List[str]:
    """Return letters that the expression tells apart, a few of each set, and one that it may not know."""
    found: Set[str] = set()
    text = pattern.pattern if isinstance(pattern.pattern, str) else pattern.pattern.decode("latin-1")
    for operation, value in _flat(sre_parse.parse(text, pattern.flags & ~re.UNICODE)):
        name = str(operation)
        if name in ("LITERAL", "NOT_LITERAL"):
            found.add(chr(value))
        elif name == "RANGE":
            found.add(chr(value[0]))
        elif name == "CATEGORY":
            found.add(_CLASSES.get(str(value), "-"))
    return [*sorted(found)[:_MOST_LETTERS], "~", "\n"]


def stems(pattern: Pattern[Any]) -> List[str]:
    """Return short texts that match up to each place of the expression, nested ones too, and lastly all of it."""
    text = pattern.pattern if isinstance(pattern.pattern, str) else pattern.pattern.decode("latin-1")
    found: List[str] = []
    whole = _passed(sre_parse.parse(text, pattern.flags & ~re.UNICODE), "", found)
    return [*[stem for stem in dict.fromkeys(found) if len(stem) < _LONGEST_STEM][:_MOST_STEMS], whole]


def texts(pattern: Pattern[Any], length: int) -> Iterator[Any]:
    """Yield texts of about that length: a stem, then a few letters over and over, then what fits not."""
    alphabet, found = letters(pattern), stems(pattern)
    pairs = ["".join(pair) for pair in itertools.permutations(alphabet, 2)]
    tails = [stem[len(before) :] for before in ("", *found) for stem in found if stem.startswith(before)]
    most = sorted({tail for tail in tails if len(tail) > 1}, key=len)[: 2 * _MOST_STEMS]
    for pumps, begins in ((alphabet, found), (pairs + most, ["", found[-1]])):
        for stem, pump, end in itertools.product(dict.fromkeys(begins), pumps, ("", "\n~")):
            made = stem + pump * (length // len(pump)) + end
            yield made if isinstance(pattern.pattern, str) else made.encode("latin-1", "replace")


def _passed(parsed: Any, before: str, found: List[str]) -> str:
    """Note what leads to each place of a parsed expression; return what leads through it."""
    for part in parsed:
        found.append(before)
        operation, value = str(part[0]), part[1]
        if operation in ("MAX_REPEAT", "MIN_REPEAT"):
            after = _passed(value[2], before, found)
            before += (after[len(before) :]) * max(1, value[0])
        elif operation == "SUBPATTERN":
            before = _passed(value[-1], before, found)
        elif operation in ("ASSERT",):
            _passed(value[1], before, found)
        elif operation == "BRANCH":
            before, *_ = [_passed(branch, before, found) for branch in value[1]]
        else:
            before += _letter(operation, value)
    return before


def _letter(operation: str, value: Any) -> str:
    """Return one letter that an operation matches; nothing where it matches none."""
    if operation == "LITERAL":
        return chr(value)
    if operation == "IN":
        for kind, what in value:
            if str(kind) in ("LITERAL", "RANGE"):
                return chr(what if str(kind) == "LITERAL" else what[0])
        return next((letter for name, letter in _CLASSES.items() if name in str(value)), "w")
    return "w" if operation in ("ANY", "CATEGORY", "NOT_LITERAL") else ""


def _flat(parsed: Any) -> Iterator[Any]:
    """Yield the operations of a parsed expression, nested ones too."""
    if isinstance(parsed, tuple) and len(parsed) == 2 and str(parsed[0]).isupper():
        yield parsed
    for part in parsed if isinstance(parsed, (tuple, list, sre_parse.SubPattern)) else ():
        yield from _flat(part)
