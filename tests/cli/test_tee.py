from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import Any

import pytest

from layerslayer.cli.console import Console, EndOfInput
from layerslayer.cli.tee import Tee
from layerslayer.errors import LayerslayerError, LocalFileError


def test_the_log_is_fresh_plain_and_flushed(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "log"
    path.parent.mkdir(parents=True)
    path.write_text("old")
    tee = Tee(str(path))
    tee.write("\x1b[31mred\x1b[0m \u00fc\n")
    assert path.read_text(encoding="utf-8") == "red \u00fc\n"  # before it is closed
    tee.close()
    tee.write("ignored")


def test_a_log_that_cannot_be_opened_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for path in (tmp_path, tmp_path / "file" / "log", tmp_path.joinpath(*["deep"] * 1500)):
        with pytest.raises(LocalFileError):
            Tee(str(path))


def test_everything_shown_and_typed_is_logged_in_order(tmp_path: Path, monkeypatch: Any, capsys: Any) -> None:
    path = tmp_path / "log"
    monkeypatch.setattr(sys, "stdin", io.StringIO("an answer\x1b\n"))
    console = Console(tee=Tee(str(path)))
    console.say("said")
    console.out("result\n")
    assert console.ask("question? ") == "an answer\x1b"
    console.warn("be careful")
    console.error(LayerslayerError("it failed\x1b[2J", "Try again."))
    with pytest.raises(EndOfInput):
        console.ask("more? ")
    console.close()
    expected = (
        "said\nresult\nquestion? an answer\\x1b\nWarning: Be careful.\nError: It failed\\x1b[2J. Try again.\nmore? \n"
    )
    assert path.read_text(encoding="utf-8") == expected
    shown = capsys.readouterr()
    assert shown.out == "result\n"
    assert shown.out + shown.err.replace("said\n", "") == "result\n" + expected.replace("said\nresult\n", "")


def test_quiet_drops_what_is_said_only(capsys: Any) -> None:
    console = Console(quiet=True)
    console.say("said")
    console.warn("warned")
    console.lines(["a", "b"])
    shown = capsys.readouterr()
    assert (shown.out, shown.err) == ("a\nb\n", "Warning: Warned.\n")
