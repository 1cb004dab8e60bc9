from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from layerslayer.escaping import ContentText, human_size, one_line, original, printable, slices

BIDI = "\u061c\u200e\u200f" + "".join(map(chr, range(0x202A, 0x202F))) + "".join(map(chr, range(0x2066, 0x206A)))
ZERO_WIDTH = "\u200b\u200c\u200d\u2060\ufeff\u00ad\u180e\u034f"
SEPARATORS = "\u2028\u2029"
BLANK_LETTERS = "\u115f\u1160\u3164\uffa0"
TAGS = "\U000e0001\U000e0041\U000e007f"
NONCHARACTERS = "\ufdd0\ufffe\uffff\U0001fffe\U0010ffff"
CONTROLS = "".join(map(chr, [*range(0x20), *range(0x7F, 0xA0)]))
NEVER = frozenset(CONTROLS + BIDI + ZERO_WIDTH + SEPARATORS + BLANK_LETTERS + TAGS + NONCHARACTERS)

not_utf8 = st.binary(max_size=40).map(lambda raw: raw.decode("utf-8", "surrogateescape"))
tricky = st.text(alphabet="\\xuU0189abcdef\x1b\x80\udc80\ud800\u200b\U000e0041é", max_size=30)
anything = st.one_of(st.text(), not_utf8, tricky, st.text(alphabet=st.sampled_from(sorted(NEVER)), max_size=8))


def is_unsafe(char: str) -> bool:
    return char in NEVER or unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp")


@settings(max_examples=400, deadline=None)
@given(anything)
@example("\\x1b[31m")
@example("\\\\x1b")
@example("\\\x1b")
@example("C:\\users\\udc80")
@example("\\u200\u200b")
@example("\\U000e0041\U000e0041")
@example("a\u3164b")
def test_printable_is_safe_and_can_be_turned_back(text):
    shown = printable(text)
    assert [char for char in shown if is_unsafe(char)] == []
    assert original(shown) == text


@settings(max_examples=200, deadline=None)
@given(tricky, tricky)
def test_two_texts_never_look_alike(one, other):
    assert (printable(one) == printable(other)) == (one == other)


@pytest.mark.parametrize("char", sorted(NEVER), ids=lambda char: "U+{:04X}".format(ord(char)))
def test_every_unsafe_character_is_escaped_in_any_company(char):
    for text in (char, "a" + char, char + "b", "\\" + char, "é" + char):
        assert char not in printable(text)
        assert original(printable(text)) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("etc/passwd", "etc/passwd"),
        ("", ""),
        ("café/日本語/😀", "café/日本語/😀"),
        ("a\x1b[31mred", "a\\x1b[31mred"),
        ("a\nb\tc", "a\\x0ab\\x09c"),
        ("\x7f", "\\x7f"),
        ("\x9b31m", "\\u009b31m"),
        ("\udcff\udc80", "\\xff\\x80"),
        ("\ud800", "\\ud800"),
        ("\udc7f", "\\udc7f"),
        ("abc\u202etxt.exe", "abc\\u202etxt.exe"),
        ("a\u2028b", "a\\u2028b"),
        ("\U000e0041", "\\U000e0041"),
        ("a\u3164", "a\\u3164"),
        ("C:\\temp", "C:\\temp"),
        ("C:\\x", "C:\\x"),
        ("a\\x1b", "a\\\\x1b"),
        ("a\\\\x1b", "a\\\\\\\\x1b"),
        ("a\\\x1b", "a\\\\\\x1b"),
        ("\\x41", "\\x41"),
        ("\\udc80", "\\\\udc80"),
    ],
    ids=ascii,
)
def test_printable_table(text, shown):
    assert printable(text) == shown
    assert original(shown) == text


@pytest.mark.parametrize(
    ("text", "limit", "line"),
    [
        ("  RUN  a \n\t&& b  ", 0, "RUN a && b"),
        ("a\u2028b\x85c", 0, "a b c"),
        ("abcdef", 6, "abcdef"),
        ("abcdefg", 6, "abcde…"),
        ("ab", 1, "…"),
        ("x\x1b[0m", 0, "x\\x1b[0m"),
        ("", 5, ""),
        (" \n ", 5, ""),
    ],
    ids=ascii,
)
def test_one_line(text, limit, line):
    assert one_line(text, limit) == line


@settings(max_examples=150, deadline=None)
@given(anything, st.integers(1, 30))
def test_one_line_is_one_safe_line_within_its_limit(text, limit):
    line = one_line(text, limit)
    assert not any(map(is_unsafe, line))
    assert len(original(line)) <= limit


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (1, "1 B"),
        (999, "999 B"),
        (1000, "1.0 KB"),
        (1049, "1.0 KB"),
        (29_700_000, "29.7 MB"),
        (999_949, "999.9 KB"),
        (999_950, "1.0 MB"),
        (999_999_999, "1.0 GB"),
        (10**12, "1.0 TB"),
        (10**15, "1.0 PB"),
        (10**18, "1000.0 PB"),
        (2**63 - 1, "9223.4 PB"),
    ],
)
def test_human_size(count, text):
    assert human_size(count) == text


@pytest.mark.parametrize(
    ("content", "shown"),
    [
        (b"a\tb\nc\r\n", "a\tb\nc\\x0d\n"),
        (rb"C:\temp\new\x1b[0m \\ \u202e", r"C:\temp\new\x1b[0m \\ \u202e"),
        (b"\x1b]0;x\x07\x7f", "\\x1b]0;x\\x07\\x7f"),
        ("café 日本 😀 \u202e\u009b".encode(), "café 日本 😀 \\u202e\\u009b"),
        (b"\x7fELF\x00\xff\xfe\xc3(\xe6\x97", "\\x7fELF\\x00\\xff\\xfe\\xc3(\\xe6\\x97"),
        (b"", ""),
    ],
    ids=ascii,
)
def test_content_for_a_terminal(content, shown):
    for length in (1, 2, 3, 5, 100):
        text = ContentText()
        pieces = [text.take(content[at : at + length]) for at in range(0, len(content), length)]
        assert "".join(pieces) + text.take(b"", ends=True) == shown


@settings(max_examples=200, deadline=None)
@given(st.one_of(anything.map(lambda text: text.encode("utf-8", "surrogatepass")), st.binary(max_size=60)), st.data())
def test_content_is_safe_and_the_same_wherever_it_is_cut(content, data):
    cut = data.draw(st.integers(0, len(content)))
    text = ContentText()
    shown = text.take(content[:cut]) + text.take(content[cut:], ends=True)
    assert shown == ContentText().take(content, ends=True)
    assert [char for char in shown if is_unsafe(char) and char not in "\n\t"] == []
@given(st.text(alphabet="\\\\\\x1bau0\u202e\x1b", max_size=60), st.integers(1, 20))
def test_slices_are_escaped_as_the_whole(text: str, size: int) -> None:
    parts = list(slices(text, size))
    assert "".join(parts) == text
    assert "".join(map(printable, parts)) == printable(text)


def test_long_texts_are_escaped_as_short_ones() -> None:
    for text in ("\\" * 500 + "z" * 70_000, "\\x1b" * 50_000, "a\u202e\\" * 60_000, "\x1b" * 200_000):
        assert original(printable(text)) == text
        assert printable(text + "z" * 70_000)[-70_000:] == "z" * 70_000
