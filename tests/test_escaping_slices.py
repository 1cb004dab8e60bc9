"""Long texts are escaped slice by slice, as they would be as a whole."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from layerslayer.escaping import original, printable, slices


@given(st.text(alphabet="\\\\\\x1bau0\u202e\x1b", max_size=60), st.integers(1, 20))
@example("000" + 2 * "\\" + "x00", 1)
def test_slices_are_escaped_as_the_whole(text: str, size: int) -> None:
    parts = list(slices(text, size))
    assert "".join(parts) == text
    assert "".join(map(printable, parts)) == printable(text)


def test_long_texts_are_escaped_as_short_ones() -> None:
    for text in ("\\" * 500 + "z" * 70_000, "\\x1b" * 50_000, "a\u202e\\" * 60_000, "\x1b" * 200_000):
        assert original(printable(text)) == text
        assert printable(text + "z" * 70_000)[-70_000:] == "z" * 70_000
