"""The table of verbs: each row is whole, and what it names is there."""

from __future__ import annotations

import inspect

import pytest

from layerslayer.cli.arguments.parsers import verb_parser
from layerslayer.cli.arguments.verbs import CONVERSATION, VERBS
from layerslayer.cli.commands import load
from layerslayer.cli.options import Options


@pytest.mark.parametrize("name", ["", *VERBS])
def test_a_row_names_a_function_of_a_session(name: str) -> None:
    function = load(Options(name).row.function)
    assert list(inspect.signature(function).parameters) == ["session"]
    assert function.__module__.startswith("layerslayer.cli.commands.")


@pytest.mark.parametrize("name", VERBS)
def test_a_row_says_which_flags_go_with_its_verb(name: str) -> None:
    row, text = VERBS[name], verb_parser(name).format_help()
    assert ("--plan" in text) == ("--budget" in text) == row.reads_layers
    assert "--cache-dir" in text
    assert ("--batch" in text) == ("--platform" in text) == ("IMAGE" in text) == row.needs_image
    assert ("or all of a multi-arch image" in text.replace("\n", " ").replace("  ", "")) == (
        row.all_platforms and row.needs_image
    )
    assert " ".join(text.split()).count(row.gist[1:]) == 1


def test_words_are_counted_as_the_usage_line_says() -> None:
    for row in VERBS.values():
        optional, several = row.words.startswith("["), row.words.endswith("...")
        assert row.least <= row.most and bool(row.words) == bool(row.most)
        assert not (optional and row.least) and (not several or row.most > 100)


def test_without_a_verb_there_is_a_conversation() -> None:
    assert Options("").row is CONVERSATION
    assert CONVERSATION not in VERBS.values()
    assert not CONVERSATION.needs_config


@pytest.mark.parametrize(
    "verb, folder, plan, printed",
    [
        ("cat", "-", False, True),
        ("get", "-", False, True),
        ("get", "-", True, False),
        ("get", "out", False, False),
        ("get", None, False, False),
        ("save", "-", False, False),
    ],
)
def test_standard_output_is_for_files(verb: str, folder: str, plan: bool, printed: bool) -> None:
    assert Options(verb, output_dir=folder, plan=plan).prints_files is printed
