"""The README is true: its flags are the program's, its files are there."""

from __future__ import annotations

import re
from pathlib import Path

from layerslayer import __version__
from layerslayer.cli.arguments.parsers import build_parser
from layerslayer.cli.exit_codes import ExitCode

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def _section(title: str) -> str:
    return README.split("### " + title + "\n", 1)[1].split("\n#", 1)[0]


def test_the_flags_table_is_what_the_parser_has() -> None:
    told = [
        tuple(re.findall(r"`(-[^`]*)`", row.split("|")[1])) for row in _section("Flags").splitlines() if "| `-" in row
    ]
    real = [tuple(action.option_strings) for action in build_parser()._actions if action.option_strings]
    assert sorted(told) == sorted(real)


def test_the_exit_codes_are_told() -> None:
    told = {int(number) for number in re.findall(r"^\| (\d+) \|", _section("Exit codes"), re.MULTILINE)}
    assert told == {int(code) for code in ExitCode}


def test_there_are_two_one_line_commands() -> None:
    commands = [line for line in README.splitlines() if line.startswith("python3 -m venv")]
    assert len(commands) == 2
    assert commands[0].endswith("layerslayer.py --demo --peek-all")
    assert commands[1].endswith("-m pytest")


def test_the_files_that_are_named_exist() -> None:
    for name in (
        "layerslayer.py",
        "requirements.txt",
        "LICENSE",
        "token.txt.example",
        "CHANGELOG.md",
        "CONTRIBUTING.md",
    ):
        assert (ROOT / name).is_file()


def test_the_version_is_the_same_everywhere() -> None:
    assert 'version = "{}"'.format(__version__) in (ROOT / "pyproject.toml").read_text(encoding="utf-8")
