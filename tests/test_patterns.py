"""Globs by table."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from layerslayer.errors import UsageError
from layerslayer.patterns import has_magic, matcher, regex_matcher

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
