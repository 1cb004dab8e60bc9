"""Globs and what else a path is asked for. Pure.

``*`` and ``?`` stay within a component, ``**`` crosses them, ``[...]`` is a
set. A pattern without a slash is compared with the last component, one with a
slash with the whole path; a leading slash is optional and means the root.

Paths are a stranger's, so matching never goes back: the shortest text that a
``*`` or ``**`` can stand for is the best for all that follows, but for the last
one, which must reach the end. Each is settled once, by a group in a look-ahead
and a reference to it, which are what Python 3.7 has for atomic groups. So the
time is at most the pattern's length times the path's.
"""

from __future__ import annotations

import re
import warnings
from itertools import count
from typing import Callable, Iterator, List, Match, Optional, Sequence, Tuple

from ..errors import UsageError

Matcher = Callable[[str], bool]  # a path without leading slash -> whether it is wanted
_MAGIC = re.compile(r"[*?\[]")


def has_magic(text: str) -> bool:
    """Whether a text is a glob rather than a path."""
    return bool(_MAGIC.search(text))


class _Segment:
    """What stands between two wildcards that cross slashes: texts with a ``*`` between each two of them."""

    def __init__(self, gap: str) -> None:
        self.gap = gap  # what may be passed over before it: nothing, whole components, or anything
        self.texts = [""]  # regular expressions without repetition


_COMPONENTS = "(?:[^/]+/)*?"  # of "**/"
_ANYTHING = "(?:[^/]*/)*?"  # of any other "**"; a "*" follows, for the rest of the way
_STAR = "[^/]*"


def _segments(glob: str) -> List[_Segment]:
    """Cut a glob at its ``**``. Raises UsageError for a set that does not end."""
    made = [_Segment("")]
    at = 0
    while at < len(glob):
        letter, texts = glob[at], made[-1].texts
        if glob.startswith("**/", at) and (at == 0 or glob[at - 1] == "/"):
            if made[-1].gap != _COMPONENTS or texts != [""]:  # a second one adds nothing
                made.append(_Segment(_COMPONENTS))
            at += 3
        elif glob.startswith("**", at):
            if texts[-1] == "" and len(texts) > 1:
                texts.pop()  # it crosses whatever a wildcard just before it does
            if texts == [""] and made[-1].gap:
                made.pop()
            made.append(_Segment(_ANYTHING))
            made[-1].texts.append("")
            at += 2
        elif letter == "*":
            texts += [""] if len(texts) == 1 or texts[-1] else []
            at += 1
        else:
            text, at = _one_letter(glob, at)
            texts[-1] += text
    return made


def _one_letter(glob: str, at: int) -> Tuple[str, int]:
    """Return what matches the one letter that ``glob[at]`` stands for, and where the glob goes on."""
    letter = glob[at]
    if letter != "[":
        return "[^/]" if letter == "?" else re.escape(letter), at + 1
    end = glob.find("]", at + 2 + (glob[at + 1 : at + 2] == "!"))
    if end < 0:
        raise UsageError("The pattern '{}' has a '[' without its ']'.".format(glob), "Write [[] for a '['.")
    inner = re.sub(r"([\\\[\]^&~|])", r"\\\1", glob[at + 1 : end])
    return "(?!/)[{}]".format("^" + inner[1:] if inner.startswith("!") else inner), end + 1


def glob_pattern(glob: str, groups: Iterator[int]) -> str:
    """Return the regular expression that matches what ``glob`` means, to be used with ``fullmatch``.

    ``groups`` numbers the groups of all globs that become one expression.
    Raises UsageError for a set that does not end, or cannot be.
    """
    *before, last = _segments(glob)
    made = [_starred(segment.texts, groups, segment.gap) for segment in before]
    if last.gap == _ANYTHING and len(last.texts) == 2:
        made.append(".*" + last.texts[1])
    elif len(last.texts) == 1:
        made.append(last.gap + last.texts[0])
    else:
        made += [last.gap, _starred(last.texts[:-1], groups), _STAR, last.texts[-1]]
    pattern = "".join(made)
    try:
        re.compile(pattern, re.DOTALL)
    except re.error as error:
        raise UsageError("The pattern '{}' cannot be used: {}.".format(glob, error)) from None
    return pattern


def _starred(texts: Sequence[str], groups: Iterator[int], gap: str = "") -> str:
    """Return what matches a gap and texts with a ``*`` between each two, each found at the first place that has it."""
    found = texts[0] + "".join(_settled(_STAR + "?" + text, groups) for text in texts[1:])
    return _settled(gap + found, groups) if gap else found


def _settled(pattern: str, groups: Iterator[int]) -> str:
    """Return what matches a pattern in the first way that it can be matched, and in no other."""
    name = "g{}".format(next(groups))
    return "(?=(?P<{0}>{1}))(?P={0})".format(name, pattern)


def matcher(globs: Sequence[str]) -> Matcher:
    """Return what tells whether any of ``globs`` matches a path (normalised). Raises UsageError as ``glob_pattern``."""
    groups = count()
    whole = _any_of([glob_pattern(glob.strip("/") if glob != "/" else glob, groups) for glob in globs if "/" in glob])
    last = _any_of([glob_pattern(glob, groups) for glob in globs if "/" not in glob])

    def matches(path: str) -> bool:
        return last(path.rpartition("/")[2]) is not None or whole(path) is not None

    return matches


def _any_of(patterns: Sequence[str]) -> Callable[[str], Optional[Match[str]]]:
    """Return what matches a whole text with any of the patterns, at once: that is asked of every path."""
    if not patterns:
        return lambda text: None
    return re.compile("|".join(map("(?:{})".format, patterns)), re.DOTALL).fullmatch


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
