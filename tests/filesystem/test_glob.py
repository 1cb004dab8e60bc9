"""Globs by table."""

from __future__ import annotations

from functools import lru_cache
from typing import List

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from layerslayer.errors import UsageError
from layerslayer.filesystem.glob import has_magic, matcher, regex_matcher

TABLE = [
    ("passwd", "etc/passwd", True),
    ("passwd", "passwd/x", False),
    ("/passwd", "etc/passwd", False),
    ("/passwd", "passwd", True),
    ("etc/passwd", "etc/passwd", True),
    ("/etc/passwd/", "etc/passwd", True),
    ("etc/*", "etc/a/b", False),
    ("etc/**", "etc/a/b", True),
    ("**/b", "a/x/b", True),
    ("**/b", "b", True),
    ("a/**/b", "a/b", True),
    ("a/**/b", "a/x/y/b", True),
    ("a/**/b", "ax/b", False),
    ("*.py", "x/y.py", True),
    ("*.py", "x/y.pyc", False),
    ("?.c", "x/y.c", True),
    ("[ab].c", "b.c", True),
    ("[!ab].c", "b.c", False),
    ("[]]x", "]x", True),
    ("[a-c]", "b", True),
    ("a[!x]b", "a/b", False),
    ("a.c", "abc", False),
    ("a\\b", "a\\b", True),
    ("*", "new\nline", True),
    ("*", "\udcff", True),
]


@pytest.mark.parametrize("glob, path, expected", TABLE)
def test_globs(glob: str, path: str, expected: bool) -> None:
    assert matcher([glob])(path) is expected


def test_any_pattern_will_do() -> None:
    assert matcher(["x", "y"])("a/y")
    assert regex_matcher(["^/etc/", "z$"])("etc/passwd")
    assert not regex_matcher(["^etc"])("etc/passwd")


def test_bad_patterns_end_with_a_sentence() -> None:
    with pytest.raises(UsageError, match="without its"):
        matcher(["a[b"])
    with pytest.raises(UsageError, match="not a regular expression"):
        regex_matcher(["("])


@given(st.text(max_size=20))
def test_no_pattern_breaks_the_program(text: str) -> None:
    assert has_magic(text) == any(letter in text for letter in "*?[")
    for make in (matcher, regex_matcher):
        try:
            make([text])("some/path")
        except UsageError:
            pass


@given(st.text(alphabet="ab./\\^$+(){}|&~-", min_size=1, max_size=12).filter(lambda text: text.strip("/")))
def test_a_text_without_magic_matches_itself(text: str) -> None:
    assert matcher(["/" + text.strip("/")])(text.strip("/"))


PIECES = ["*", "**", "**/", "/**/", "/", "?", "[ab]", "[!a]", "[*]", "a", "b", "ab"]
COMPONENT = st.text(alphabet="ab*", min_size=1, max_size=5)


def means(glob: str, path: str) -> bool:
    """What a glob with a slash means, tried out: every text that a wildcard can stand for."""

    @lru_cache(maxsize=None)
    def at(glob_at: int, path_at: int) -> bool:
        rest, left = glob[glob_at:], path[path_at:]
        if not rest:
            return not left
        if rest.startswith("**/") and (glob_at == 0 or glob[glob_at - 1] == "/"):
            component = left.find("/")
            return at(glob_at + 3, path_at) or (component > 0 and at(glob_at, path_at + component + 1))
        if rest.startswith("**"):
            return at(glob_at + 2, path_at) or (bool(left) and at(glob_at, path_at + 1))
        if rest[0] == "*":
            return at(glob_at + 1, path_at) or (left[:1] not in ("", "/") and at(glob_at, path_at + 1))
        for sign, wanted in (("?", "ab*"), ("[ab]", "ab"), ("[!a]", "b*"), ("[*]", "*"), (rest[0], rest[0])):
            if rest.startswith(sign):
                return left[:1] in tuple(wanted) and at(glob_at + len(sign), path_at + 1)
        raise AssertionError(rest)

    return at(0, 0)


@settings(max_examples=600, deadline=None)
@given(st.lists(st.sampled_from(PIECES), min_size=1, max_size=8), st.lists(COMPONENT, min_size=1, max_size=5))
@example(["**", "a", "*", "b"], ["a", "ab"])
@example(["**/", "a", "/**/", "a", "*"], ["a", "a", "b", "ab"])
@example(["*", "a", "/", "*", "b", "*", "/", "**"], ["ba", "abb", "a"])
@example(["a", "*", "**", "**/", "b"], ["a", "b", "b"])
def test_a_glob_means_what_trying_all_out_finds(pieces: List[str], components: List[str]) -> None:
    glob, path = "".join(pieces).strip("/"), "/".join(components)
    for absolute in (glob, "**" + glob, "a/" + glob):
        if "/" in absolute:
            assert matcher(["/" + absolute])(path) is means(absolute.strip("/"), path)
    if "/" not in glob:
        assert matcher([glob])(path) is means(glob, components[-1])


def test_several_globs_are_as_each_alone() -> None:
    globs = ["*a*b", "**/a*/**/b*c", "a/**", "*-*-?"]
    paths = ["xaxb", "a/x", "q/ax/q/bxc", "1-2-3", "1-2", "b/a", "a"]
    assert [matcher(globs)(path) for path in paths] == [any(matcher([glob])(path) for glob in globs) for path in paths]
