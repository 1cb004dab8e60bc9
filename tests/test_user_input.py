"""A password that a user typed where none belongs is not repeated: on the screen, in JSON or in the log."""

from __future__ import annotations

from pathlib import Path
from typing import List

import pytest

from layerslayer.user_input import as_path, without_login, without_secrets, without_user

from .support.registry import Registry, seen_by
from .support.registry.running import Runner

SECRET = "hunter2.x"
LOGINS = [
    ("https://me:hunter2.x@reg.example/x", "https://REDACTED@reg.example/x"),
    ("https://hunter2.x@reg.example/x", "https://REDACTED@reg.example/x"),
    ("HTTP://me:hunter2.x@reg.example/X:1@sha256:00", "HTTP://REDACTED@reg.example/X:1@sha256:00"),
    ("docker://me:hunter2.x@reg/x", "docker://REDACTED@reg/x"),
    ("me:hunter2.x@127.0.0.1:9/x", "REDACTED@127.0.0.1:9/x"),
    ("me:a/hunter2.x@b:c@reg.example", "REDACTED@reg.example"),
    ("me:hunter2.x@[::1]:5000/x", "REDACTED@[::1]:5000/x"),
    ("me:hunter2.x@localhost", "REDACTED@localhost"),
    ("docker-daemon:me:hunter2.x@reg.example/x", "REDACTED@reg.example/x"),
]
KEPT = [
    "alpine", "alpine:3.20", "reg.example:5000/a/b:1", "alpine@sha256:abc", "alpine:3@sha256:" + "0" * 64, "a@sha-1:0",
    "alpine@3.20", "localhost:5000/app@1.2", "app:1@latest", "oci:/home/me@work/images:1", "oci-archive:a@b.example/c",
]  # fmt: skip
COMMANDS = [
    ["ls", "{}"],
    ["ls", "{}", "--json"],
    ["--peek-all", "-t", "{}"],
    ["diff", "127.0.0.1:9/a", "{}", "--mirror", "{}"],
    ["{}"],
    ["ls", "alpine", "--mirror", "{}"],
    ["ls", "127.0.0.1:9/a", "--insecure", "{}"],
    ["ls", "127.0.0.1:9/a", "--trust-realm", "{}"],
]


@pytest.mark.parametrize(("typed", "shown"), LOGINS, ids=range(len(LOGINS)))
def test_a_login_before_a_host(typed: str, shown: str) -> None:
    assert without_login(typed) == shown


@pytest.mark.parametrize("typed", KEPT)
def test_what_is_no_login_stays(typed: str) -> None:
    assert without_login(typed) == typed


@pytest.mark.parametrize("command", COMMANDS, ids=range(len(COMMANDS)))
@pytest.mark.parametrize("typed", [item[0] for item in LOGINS], ids=range(len(LOGINS)))
def test_no_output_repeats_it(run: Runner, command: List[str], typed: str) -> None:
    ran = run(*(word.format(typed) for word in command), "-l", "log.txt", "-v", "--retries", "0")
    log = run.folder / "log.txt"
    assert ran.code == 2
    assert SECRET not in ran.out + ran.err + (log.read_text(encoding="utf-8") if log.exists() else "")


@pytest.mark.parametrize("piece", ["@sha1:", "@", "me:x@", "https://", "a.", "a:1@", "@sha256:a@"])
def test_long_ones(piece: str) -> None:
    text = piece * (65536 // len(piece))
    assert isinstance(without_login(text), str) and isinstance(without_secrets(text), str)


def test_the_conversation_and_a_batch(run: Runner) -> None:
    lines = "\n".join(typed for typed, _ in LOGINS) + "\n"
    ran = run("-l", "log.txt", typed=lines)
    Path("batch.txt").write_text(lines, encoding="utf-8")
    more = [run("ls", "--batch", "batch.txt", *flags, "-l", "log2.txt") for flags in ([], ["--json"])]
    told = ran.out + ran.err + "".join(item.out + item.err for item in more)
    told += Path("log.txt").read_text(encoding="utf-8") + Path("log2.txt").read_text(encoding="utf-8")
    assert SECRET not in told
    assert "https://REDACTED@reg.example/x" in told
    assert "it holds a login. Leave that out, and give it with --username and --password-stdin." in ran.err


@pytest.mark.parametrize("typed", ["https://me:hunter2.x/y@reg.example/x", "me:hunter2.x/y@reg.example/x"])
def test_nor_whose_registry_comes_first(run: Runner, monkeypatch: pytest.MonkeyPatch, typed: str) -> None:
    monkeypatch.setenv("LAYERSLAYER_TOKEN", "token-of-the-first")
    with Registry() as registry:
        Path("batch.txt").write_text("{}\n{}\n".format(typed, registry.target), encoding="utf-8")
        ran = run("ls", "--batch", "batch.txt", "-v")
        assert "token-of-the-first" not in seen_by(registry)
    assert "LAYERSLAYER_TOKEN is for (redacted), the registry named first; it is not shown to" in ran.err
    assert SECRET not in ran.out + ran.err


def test_hosts_have_no_place_for_a_login(run: Runner) -> None:
    ran = run("ls", "127.0.0.1:9/a", "--insecure", "me:hunter2.x@reg")
    assert "'REDACTED@reg' is not a host with an optional port: there is no place for a login" in ran.err
    assert without_user("reg:5000") == "reg:5000"


def test_a_password_beside_its_user_name(run: Runner) -> None:
    ran = run("ls", "127.0.0.1:9/a", "--username", "me:hunter2.x")
    assert ran.err == "Error: A user name holds no colon. Give it alone, and its password with --password-stdin.\n"


def test_a_secret_in_place_of_a_file(run: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    token = "ghp_" + "a1B2" * 9
    ran = run("ls", "127.0.0.1:9/a", "--token-file", token)
    assert token not in ran.err and "The token file REDACTED cannot be read" in ran.err
    assert as_path('{"auths": {}}') == as_path("a" * 2000) == "REDACTED"
    assert as_path("/home/me/.docker/config.json") == "/home/me/.docker/config.json"


SAID = [
    ("unrecognized arguments: --password hunter2 -v", "unrecognized arguments: --password REDACTED -v"),
    ("unrecognized arguments: --password=hunter2", "unrecognized arguments: --password=REDACTED"),
    ("unrecognized arguments: -p hunter2", "unrecognized arguments: -p REDACTED"),
    ("unrecognized arguments: -phunter2", "unrecognized arguments: -pREDACTED"),
    ("unrecognized arguments: --src-creds me:hunter2", "unrecognized arguments: --src-creds REDACTED"),
    ("argument --password-stdin: ignored explicit argument 'a b'",
     "argument --password-stdin: ignored explicit argument REDACTED"),
    ("unrecognized arguments: --colour --password -v", "unrecognized arguments: --colour --password -v"),
    ("argument --jobs: invalid int value: 'x'", "argument --jobs: invalid int value: 'x'"),
]  # fmt: skip


@pytest.mark.parametrize(("said", "shown"), SAID, ids=range(len(SAID)))
def test_options_of_other_tools(said: str, shown: str) -> None:
    assert without_secrets(said) == shown
