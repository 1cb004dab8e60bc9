"""Runs the command line inside the test's process, in a folder of its own."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from layerslayer.cli.main import main


class Ran(NamedTuple):
    """How a run ended and what it wrote."""

    code: int
    out: str
    err: str


class Interrupts(io.StringIO):
    """A standard input at which the user presses Ctrl-C once the typed lines are used up."""

    def readline(self, *args: Any) -> str:
        line = super().readline(*args)
        if not line:
            raise KeyboardInterrupt
        return line


class Runner:
    """``run("--peek-all", "-t", ..., typed="0\\n")`` -> Ran. ``folder`` is the working directory."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self._monkeypatch = monkeypatch
        self._capsys = capsys
        monkeypatch.chdir(folder)
        self.cache = folder.parent / (folder.name + "-cache")
        monkeypatch.setenv("LAYERSLAYER_CACHE_DIR", str(self.cache))

    def __call__(self, *arguments: str, typed: str = "", interrupted: bool = False) -> Ran:
        stdin = Interrupts(typed) if interrupted else io.StringIO(typed)
        self._monkeypatch.setattr(sys, "stdin", stdin)
        code = main(list(arguments))
        captured = self._capsys.readouterr()
        return Ran(code, captured.out, captured.err)
