"""Globs and what else a path is asked for. Pure.

``*`` and ``?`` stay within a component, ``**`` crosses them, ``[...]`` is a
set. A pattern without a slash is compared with the last component, one with a
slash with the whole path; a leading slash is optional and means the root.
"""

from __future__ import annotations

import re
import warnings
from typing import Callable, List, Match, Optional, Pattern, Sequence

from .errors import UsageError

Matcher = Callable[[str], bool]  # a path without leading slash -> whether it is wanted
_MAGIC = re.compile(r"[*?\[]")


def has_magic(text: str) -> bool:
    """Whether a text is a glob rather than a path."""
    return bool(_MAGIC.search(text))


def glob_pattern(glob: str) -> Pattern[str]:
    """Return the regular expression that matches what ``glob`` means, to be used with ``fullmatch``.

    Raises UsageError for a set that does not end.
    """
    made: List[str] = []
    at = 0
    while at < len(glob):
        letter = glob[at]
        if glob.startswith("**/", at) and (at == 0 or glob[at - 1] == "/"):
            made.append("(?:[^/]+/)*")
            at += 3
        elif glob.startswith("**", at):
            made.append(".*")
            at += 2
        elif letter == "[":
            end = glob.find("]", at + 2 + (glob[at + 1 : at + 2] == "!"))
            if end < 0:
                raise UsageError("The pattern '{}' has a '[' without its ']'.".format(glob), "Write [[] for a '['.")
            inner = re.sub(r"([\\\[\]^&~|])", r"\\\1", glob[at + 1 : end])
            made.append("(?!/)[{}]".format("^" + inner[1:] if inner.startswith("!") else inner))
            at = end + 1
        else:
            made.append({"*": "[^/]*", "?": "[^/]"}.get(letter) or re.escape(letter))
            at += 1
    try:
        return re.compile("".join(made), re.DOTALL)
    except re.error as error:
        raise UsageError("The pattern '{}' cannot be used: {}.".format(glob, error)) from None


def matcher(globs: Sequence[str]) -> Matcher:
    """Return what tells whether any of ``globs`` matches a path."""
    whole = _any_of([glob_pattern(glob.strip("/") if glob != "/" else glob) for glob in globs if "/" in glob])
    last = _any_of([glob_pattern(glob) for glob in globs if "/" not in glob])

    def matches(path: str) -> bool:
        return last(path.rpartition("/")[2]) is not None or whole(path) is not None

    return matches


def _any_of(patterns: Sequence[Pattern[str]]) -> Callable[[str], Optional[Match[str]]]:
    """Return what matches a whole text with any of the patterns, at once: that is asked of every path."""
    if not patterns:
        return lambda text: None
    return re.compile("|".join("(?:{})".format(pattern.pattern) for pattern in patterns), re.DOTALL).fullmatch


def regex_matcher(texts: Sequence[str]) -> Matcher:
    """Return what tells whether any regular expression is found in ``/path``. Raises UsageError."""
    patterns = []
    for text in texts:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of what a later Python may read differently
                patterns.append(re.compile(text))
        except (re.error, RecursionError, OverflowError) as error:
            raise UsageError("'{}' is not a regular expression: {}.".format(text, error)) from None
    return lambda path: any(pattern.search("/" + path) for pattern in patterns)
