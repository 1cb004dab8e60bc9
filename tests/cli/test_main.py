"""The outermost room: exit codes, sentences instead of tracebacks."""

from __future__ import annotations

import pytest

import layerslayer
from layerslayer.cli.arguments.parsers import build_parser
from layerslayer.cli.exit_codes import ExitCode

from ..support.registry import Registry, Silent, closed_port, store
from ..support.registry.faults import altered, any_of, flipped, layer_digests
from ..support.registry.running import Runner

MINE = "MINE-user-token-0123456789"
PEEK = ("--peek-all", "--platform", "linux/amd64", "--no-cache", "-t")


def test_the_exit_codes_are_what_the_readme_promises() -> None:
    assert {code.name: int(code) for code in ExitCode} == {
        "DONE": 0,
        "NO": 1,
        "FAILED": 2,
        "PARTIAL": 3,
        "BUG": 70,
        "INTERRUPTED": 130,
    }


def test_done_failed_and_in_part(run: Runner) -> None:
    with Registry() as registry:
        assert run(*PEEK, registry.target).code == 0
        assert run(*PEEK, registry.host + "/no/such").code == 2
        registry.fault(any_of(layer_digests(store())[:1]), altered(flipped))
        assert run(*PEEK, registry.target).code == 3


def test_a_bug_says_how_to_report_it(run: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(session: object) -> ExitCode:
        raise RuntimeError("boo\x1b[31m at https://a.example/b?sig=0123")

    monkeypatch.setattr("layerslayer.cli.commands.peek.peek_all", broken)
    ran = run(*PEEK, "localhost:1/a", "-l", "log.txt")
    assert ran.code == 70
    assert "Traceback" in ran.err and "RuntimeError: boo\\x1b[31m" in ran.err and "\x1b" not in ran.err
    assert "0123" not in ran.err
    assert "This is a bug in layerslayer {}".format(layerslayer.__version__) in ran.err
    assert "RuntimeError" in (run.folder / "log.txt").read_text(encoding="utf-8")


def test_ctrl_c_in_the_middle_of_the_work(run: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("layerslayer.registry.http.client.Transport.get", interrupted)
    ran = run(*PEEK, "localhost:1/a")
    assert (ran.code, ran.out) == (130, "")
    assert ran.err == "\nInterrupted.\n"


USAGE = {
    "unknown flag": ["--nonsense"],
    "abbreviated flag": ["--peek"],
    "two modes": ["--peek-all", "--save-all", "-t", "alpine"],
    "stray word": ["alpine"],
    "no image for peek-all": ["--peek-all"],
    "no image for save-all": ["--save-all"],
    "demo and an image": ["--demo", "--peek-all", "-t", "alpine"],
    "flag without value": ["--peek-all", "-t"],
    "timeout zero": ["--demo", "--timeout", "0"],
    "timeout negative": ["--demo", "--timeout", "-3"],
    "timeout nan": ["--demo", "--timeout", "nan"],
    "timeout words": ["--demo", "--timeout", "soon"],
    "jobs zero": ["--demo", "-j", "0"],
    "jobs many": ["--demo", "-j", "9999"],
    "jobs fraction": ["--demo", "-j", "1.5"],
    "platform": ["--peek-all", "-t", "localhost:1/a", "--platform", "linux"],
    "platform with blanks": ["--peek-all", "-t", "localhost:1/a", "--platform", "linux/a md64"],
    "reference": ["--peek-all", "-t", "UPPER/Case"],
    "reference with an escape": ["--peek-all", "-t", "a\x1b[31m"],
    "empty reference": ["--peek-all", "-t", ""],
    "token file not there": ["--peek-all", "-t", "localhost:1/a", "--token-file", "none.txt"],
}


@pytest.mark.parametrize("case", USAGE)
def test_wrong_usage_is_one_sentence(run: Runner, case: str) -> None:
    ran = run(*USAGE[case])
    assert (ran.code, ran.out) == (2, "")
    lines = [line for line in ran.err.splitlines() if not line.startswith("Demo: ")]
    assert len(lines) == 1
    assert lines[0].startswith("Error: ") and lines[0].endswith(".")
    assert "Traceback" not in ran.err and "\x1b" not in ran.err


def test_hints_where_there_is_something_to_try(run: Runner) -> None:
    assert "--demo" in run("--peek-all").err
    assert "See layerslayer --help." in run("--nonsense").err


def test_version(run: Runner) -> None:
    ran = run("--version")
    assert (ran.code, ran.out, ran.err) == (0, "layerslayer {}\n".format(layerslayer.__version__), "")


def test_help_names_every_flag(run: Runner) -> None:
    ran = run("--help")
    assert (ran.code, ran.err) == (0, "")
    for action in build_parser()._actions:
        for flag in action.option_strings:
            assert flag in ran.out
    assert "130 interrupted" in " ".join(ran.out.split())


def test_a_registry_that_is_not_there(run: Runner) -> None:
    ran = run(*PEEK, closed_port() + "/a")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.count("Error: ") == len(ran.err.splitlines()) == 1


def test_a_registry_that_never_answers(run: Runner) -> None:
    with Silent() as silent:
        ran = run(*PEEK, silent.host + "/a", "--timeout", "0.3")
    assert (ran.code, ran.out) == (2, "")
    assert "does not answer" in ran.err and "--timeout" in ran.err
