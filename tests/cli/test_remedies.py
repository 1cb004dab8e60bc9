"""Which flag a remedy is: said by the command line alone, and for all of them."""

from __future__ import annotations

import ast
import copy
import pickle
import re
from typing import Iterator

import pytest

from layerslayer.cli.arguments.parsers import build_parser, verb_parser
from layerslayer.cli.arguments.verbs import VERBS
from layerslayer.cli.remedies import _HINTS, _WITHIN, hint_of, spell, spelled, told, with_hint
from layerslayer.errors import (
    Action,
    BudgetSpent,
    InvalidAddress,
    InvalidReference,
    LayerslayerError,
    RegistryError,
    Remedy,
)
from layerslayer.layers.outcome import Report
from layerslayer.limits import LimitReached
from layerslayer.oci.descriptor import Descriptor

from ..test_architecture import PACKAGE, modules, source_of

TOO_MANY = LimitReached("entries", 5, "the layer has too many entries")
SPENT = BudgetSpent("the budget of 1 kB is spent", within=Remedy(Action.RAISE_BUDGET))
SLOW = RegistryError("a.example does not answer.", Remedy(Action.ALLOW_TIME, "Check the address"), 500)


def test_every_action_has_words() -> None:
    assert {*_HINTS, *_WITHIN} == set(Action)


def test_a_sentence_has_its_remedy_before_its_full_stop() -> None:
    assert told("as it is.") == "as it is."
    assert told(SPENT) == "the budget of 1 kB is spent (raise it with --budget)"
    assert told(TOO_MANY) == (
        "the layer has too many entries; the limit is 5 entries of a layer "
        "(raise it with --limit entries=NUMBER if you trust the image)."
    )


def test_a_longer_sentence_has_the_remedy_of_what_it_ends_with() -> None:
    assert told(SPENT.after("layer 3: ")) == "layer 3: the budget of 1 kB is spent (raise it with --budget)"
    assert str(TOO_MANY.after("no: ")) == "no: the layer has too many entries; the limit is 5 entries of a layer"
    assert SLOW.after("layer 3: ") == "layer 3: a.example does not answer"


def test_hints() -> None:
    assert SLOW.hint == "Check the address, or allow more time."
    assert hint_of(SLOW) == "Check the address, or allow more time with --timeout."
    assert with_hint(SLOW) == "a.example does not answer. Check the address, or allow more time with --timeout."
    assert hint_of(LayerslayerError("a", "Try again.")) == "Try again." and hint_of(SPENT) == ""


def test_a_spelled_error_is_of_the_same_kind_and_the_first_is_as_it_was() -> None:
    error = spelled(SLOW)
    assert isinstance(error, RegistryError) and error.status == 500 and error.remedy is None
    assert error.hint == hint_of(SLOW) == hint_of(error) and SLOW.remedy is not None
    assert str(spelled(TOO_MANY)) == told(TOO_MANY) != str(TOO_MANY)


def test_a_spelled_report() -> None:
    report = Report(Descriptor("", "sha256:" + "0" * 64, 0, {}))
    report.notes, report.problem = ["odd", TOO_MANY.after("not used: ")], SPENT
    spell(report)
    assert report.notes[0] == "odd" and "--limit" in str(report.notes[1]) and isinstance(report.problem, BudgetSpent)


@pytest.mark.parametrize(
    "error", [TOO_MANY, SPENT, SLOW, InvalidReference("a b", "it has a space"), InvalidAddress("it is odd")]
)
def test_errors_can_be_sent_to_another_process(error: LayerslayerError) -> None:
    for twin in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert type(twin) is type(error) and str(twin) == str(error)
        assert vars(twin) == vars(error)


def test_a_reworded_error_keeps_its_remedy() -> None:
    error = RegistryError("a.example cannot be trusted.", Remedy(Action.SKIP_CHECK, "a.example"))
    error.reword(lambda text: text.replace("a.example", "HIDDEN"))
    assert "a.example" not in str(error) + error.hint + hint_of(error) and "--insecure HIDDEN" in hint_of(error)


# -- no text below the command line names a flag ---------------------------------

SHORT = sorted(
    {
        flag
        for parser in (build_parser(), *map(verb_parser, VERBS))
        for action in parser._actions
        for flag in action.option_strings
        if len(flag) == 2
    }
)
FLAG = re.compile(r"--[a-z]|(?<![\w-])(?:{})(?![\w-])".format("|".join(SHORT)))
# Where such words are Dockerfile's, and what other programs' options look like.
OTHERS = ("oci.instructions", "render.dockerfile", "demo.shop", "user_input", "cache.sqlite_file")


def flags_in(source: str) -> Iterator[str]:
    """Yield the texts of a module, docstrings excepted, that name a flag."""
    tree = ast.parse(source)
    documentation = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef))
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        constant = isinstance(node, ast.Constant)
        text = getattr(node, "value" if constant else "s", None)  # of a text that is one in Python 3.7
        if isinstance(text, str) and id(node) not in documentation and FLAG.search(text):
            yield text


@pytest.mark.parametrize("module", [name for name in modules() if not name.startswith(PACKAGE + ".cli")])
def test_no_text_below_the_command_line_names_a_flag(module: str) -> None:
    if module[len(PACKAGE) + 1 :] not in OTHERS:
        assert list(flags_in(source_of(module))) == []


def test_a_planted_flag_is_found() -> None:
    assert list(flags_in('"""--json"""\ndef f():\n    """-o is"""\n    return "Choose -o."')) == ["Choose -o."]
    assert list(flags_in("x = f'{y} with --timeout.'")) == [" with --timeout."]
    assert list(flags_in("x = 'half-open, 3 - o, a--b, -ox'")) == ["half-open, 3 - o, a--b, -ox"]
    assert list(flags_in("x = 'half-open, 3 - o, -ox'")) == []
