"""The outermost room: exit codes, sentences instead of tracebacks, and what is not loaded."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import List

import pytest

import layerslayer
from layerslayer.arguments import build_parser
from layerslayer.cli import main
from layerslayer.errors import ExitCode

from .registry import SCOPE, Registry, Silent, closed_port, seen_by, store
from .registry.faults import altered, any_of, flipped, layer_digests
from .registry.running import Runner

ROOT = Path(layerslayer.__file__).parent.parent
MINE = "MINE-user-token-0123456789"
PEEK = ("--peek-all", "--platform", "linux/amd64", "-t")


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Runner:
    return Runner(tmp_path, monkeypatch, capsys)


def process(arguments: List[str], folder: Path) -> subprocess.Popen[bytes]:
    environment = dict(os.environ, PYTHONPATH=str(ROOT))
    return subprocess.Popen(
        [sys.executable, *arguments],
        cwd=str(folder),
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


# -- exit codes -------------------------------------------------------------------


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
        raise RuntimeError("boo\x1b[31m")

    monkeypatch.setattr("layerslayer.commands.peek.peek_all", broken)
    ran = run(*PEEK, "localhost:1/a", "-l", "log.txt")
    assert ran.code == 70
    assert "Traceback" in ran.err and "RuntimeError: boo\\x1b[31m" in ran.err and "\x1b" not in ran.err
    assert "This is a bug in layerslayer {}".format(layerslayer.__version__) in ran.err
    assert "RuntimeError" in (run.folder / "log.txt").read_text(encoding="utf-8")


def test_ctrl_c_in_the_middle_of_the_work(run: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("layerslayer.transport.client.Transport.get", interrupted)
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


# -- the log ----------------------------------------------------------------------


@pytest.mark.parametrize("path", ["folder", "file/log.txt", "a\0b"], ids=["a folder", "below a file", "NUL"])
def test_a_log_that_cannot_be_opened_stops_before_the_network(run: Runner, path: str) -> None:
    (run.folder / "folder").mkdir()
    (run.folder / "file").write_text("")
    with Registry() as registry:
        ran = run(*PEEK, registry.target, "-l", path)
        assert registry.requests == []
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("Error: The log file ") and len(ran.err.splitlines()) == 1


def test_the_log_holds_what_was_shown_in_order(run: Runner) -> None:
    with Registry() as registry:
        ran = run("-t", registry.target, "--platform", "linux/amd64", "-l", "new/log.txt", typed="3\nn\n")
    log = (run.folder / "new" / "log.txt").read_text(encoding="utf-8")
    assert ran.code == 0
    assert ran.out in log
    marks = [
        "Build steps:",
        "Layers to peek",
        "[default: ALL]: 3\n",
        "Layer 3  sha256:",
        "Download this layer? (y/N) n\n",
    ]
    assert [log.count(mark) for mark in marks] == [1] * len(marks)
    assert [log.index(mark) for mark in marks] == sorted(log.index(mark) for mark in marks)
    assert sorted(log.replace("\n", "")) == sorted((ran.out + ran.err).replace("\n", ""))


# -- tokens -----------------------------------------------------------------------


def test_token_txt_is_announced_and_sent_to_its_host(run: Runner) -> None:
    with Registry(challenge=True) as registry:
        registry._tokens[MINE] = SCOPE
        (run.folder / "token.txt").write_text("{} {}\n".format(registry.host, MINE))
        ran = run(*PEEK, registry.target, "-v", "-l", "log.txt")
        assert set(registry.authorizations()) == {"Bearer " + MINE}
    assert ran.code == 0
    assert ran.err.count("Using the token for {} from token.txt.".format(registry.host)) == 1
    assert MINE not in ran.out + ran.err + (run.folder / "log.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("line", [MINE, "ghcr.io " + MINE, "localhost " + MINE], ids=["the Hub's", "ghcr.io", "port"])
def test_a_token_of_another_host_is_not_sent(run: Runner, line: str) -> None:
    with Registry(challenge=True) as registry:
        (run.folder / "token.txt").write_text("# mine\n" + line + "\n")
        ran = run(*PEEK, registry.target, "-v")
        assert MINE not in seen_by(registry)
    assert ran.code == 0
    owner = "docker.io" if " " not in line else line.partition(" ")[0]
    assert "token.txt holds a token for {}; it is not sent to {}.".format(owner, registry.host) in ran.err
    assert MINE not in ran.err


def test_a_token_file_is_for_the_registry_of_the_image(run: Runner) -> None:
    with Registry(challenge=True) as registry:
        registry._tokens[MINE] = SCOPE
        (run.folder / "mine.txt").write_text("Bearer " + MINE)
        (run.folder / "token.txt").write_text(registry.host + " WRONG")
        ran = run(*PEEK, registry.target, "--token-file", "mine.txt")
        assert set(registry.authorizations()) == {"Bearer " + MINE}
        (run.folder / "mine.txt").write_text("ghcr.io " + MINE)
        refused = run(*PEEK, registry.target, "--token-file", "mine.txt")
    assert (ran.code, refused.code, refused.out) == (0, 2, "")
    assert "holds no token for " + registry.host in refused.err
    assert MINE not in ran.err + refused.err


def test_a_refused_token_is_told_and_an_anonymous_one_serves(run: Runner) -> None:
    with Registry(challenge=True) as registry:
        (run.folder / "token.txt").write_text("{} {}\n".format(registry.host, MINE))
        ran = run(*PEEK, registry.target, "-v", "-j", "8")
        assert registry.authorizations("^/token") == [None]
    assert ran.code == 0
    assert ran.err.count("refused the token from token.txt") == 1
    assert not [secret for secret in (MINE, *registry.issued) if secret in ran.out + ran.err]


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"a b c d\n", b"\x00" * 70000], ids=["BOM", "words", "large"])
def test_a_token_txt_that_makes_no_sense_is_no_obstacle(run: Runner, content: bytes) -> None:
    with Registry() as registry:
        (run.folder / "token.txt").write_bytes(content)
        ran = run(*PEEK, registry.target)
    assert ran.code == 0
    assert "a b c" not in ran.err


# -- processes --------------------------------------------------------------------


@pytest.mark.parametrize("flag", ["--help", "--version"])
def test_help_loads_nothing_heavy(flag: str, tmp_path: Path) -> None:
    code = (
        "import sys; from layerslayer.cli import main; main([{!r}]);"
        "heavy = {{'requests', 'urllib3', 'rich', 'zstandard', 'isal', 'ssl', 'sqlite3'}} & set(sys.modules);"
        "sys.exit('loaded: {{}}'.format(sorted(heavy)) if heavy else 0)"
    ).format(flag)
    child = process(["-c", code], tmp_path)
    out, err = child.communicate(timeout=60)
    assert child.returncode == 0, err
    assert out


@pytest.mark.parametrize("start", [["-m", "layerslayer"], [str(ROOT / "layerslayer.py")]], ids=["-m", "script"])
def test_it_starts_as_a_module_and_as_a_script(start: List[str], tmp_path: Path) -> None:
    child = process([*start, "--demo", "--peek-all", "--platform", "linux/amd64", "--layer", "3"], tmp_path)
    out, err = child.communicate(timeout=60)
    assert child.returncode == 0, err
    assert out.decode().startswith("Layer 3  " + layer_digests(store())[3])
    assert b"Demo: " in err


def test_a_reader_that_has_enough_ends_it_quietly(tmp_path: Path) -> None:
    child = process([str(ROOT / "layerslayer.py"), "--demo", "--peek-all", "-q"], tmp_path)
    assert child.stdout is not None and child.stderr is not None
    child.stdout.close()  # before anything is written: every write fails
    err = child.stderr.read()
    assert child.wait(60) == 0
    assert err == b""
    child.stderr.close()


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a device that is always full")
@pytest.mark.parametrize("arguments", [["--demo", "--peek-all", "-q"], ["ls", "--demo", "--json", "-q", "--no-cache"]])
def test_results_that_find_no_room_are_a_failure(tmp_path: Path, arguments: List[str]) -> None:
    with open("/dev/full", "wb") as full:
        ran = subprocess.run(
            [sys.executable, str(ROOT / "layerslayer.py"), *arguments],
            cwd=str(tmp_path),
            stdout=full,
            stderr=subprocess.PIPE,
            timeout=60,
        )
    assert ran.returncode == 2
    assert ran.stderr.startswith(b"Error: The results cannot be written: ") and b"Traceback" not in ran.stderr


def test_an_undecodable_answer_is_asked_again(tmp_path: Path) -> None:
    environment = dict(os.environ, PYTHONPATH=str(ROOT), PYTHONIOENCODING="utf-8:strict")
    with Registry() as registry:
        ran = subprocess.run(
            [sys.executable, "-m", "layerslayer", "-t", registry.target, "--layer", "3"],
            cwd=str(tmp_path),
            env=environment,
            input=b"\xff\xfe\n0\nn\n",
            capture_output=True,
            timeout=60,
        )
    assert b"Traceback" not in ran.stderr
    assert ran.returncode == 0
    assert ran.stderr.count(b"Error: ") == 1


def test_closed_standard_streams_do_no_harm(tmp_path: Path) -> None:
    code = (
        "import sys; sys.stdin = sys.stderr = None; from layerslayer.cli import main;"
        "sys.exit(main(['--demo', '--peek-all', '--layer', '3', '--platform', 'linux/amd64']))"
    )
    child = process(["-c", code], tmp_path)
    out, err = child.communicate(timeout=60)
    assert (child.returncode, err) == (0, b"")
    assert out.count(b"; complete.") == 1


def test_main_takes_the_process_s_own_arguments(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["layerslayer", "--version"])
    assert main() == 0
    assert capsys.readouterr().out.startswith("layerslayer ")
