"""cat of a file that a publisher wrote for the terminal it is shown on, and of what is no text at all."""

from __future__ import annotations

import io
import sys

import pytest

from layerslayer.cli.console import Console
from layerslayer.export.sinks import Printed


class Terminal(io.TextIOWrapper):
    def isatty(self) -> bool:
        return True


class Shown:
    """What a terminal, which stands in for standard output, is shown."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._raw = io.BytesIO()
        self._terminal = Terminal(self._raw, encoding="utf-8", newline="")
        monkeypatch.setattr(sys, "stdout", self._terminal)

    def text(self) -> str:
        self._terminal.flush()
        return self._raw.getvalue().decode("utf-8")


CONTENT = "printf 'a\\tb\\n'\t# café 日本語 \x1b[2J\x1b]0;owned\x07\\x1b \u202egnp.exe\n".encode() + b"\xff\x00\xe6\x97"
EXPECTED = "printf 'a\\tb\\n'\t# café 日本語 \\x1b[2J\\x1b]0;owned\\x07\\x1b \\u202egnp.exe\n\\xff\\x00\\xe6\\x97"


@pytest.mark.parametrize("length", [1, 2, 3, 7, 1000])
def test_whatever_pieces_it_comes_in(monkeypatch: pytest.MonkeyPatch, length: int) -> None:
    shown = Shown(monkeypatch)
    printed = Printed(Console(color=False).raw)
    for at in range(0, len(CONTENT), length):
        printed.write(memoryview(CONTENT)[at : at + length])
    printed.end()
    assert shown.text() == EXPECTED


def test_a_file_that_broke_off_does_not_run_into_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = Shown(monkeypatch)
    console = Console(color=False)
    broken, whole = Printed(console.raw), Printed(console.raw)
    broken.write("é".encode()[:1])
    whole.write("é".encode())
    whole.end()
    assert shown.text() == "é"


def test_what_is_no_terminal_gets_the_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="utf-8"))
    printed = Printed(Console(color=False).raw)
    for at in range(len(CONTENT)):
        printed.write(CONTENT[at : at + 1])
    printed.end()
    assert raw.getvalue() == CONTENT
