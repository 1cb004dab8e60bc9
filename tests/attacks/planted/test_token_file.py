"""A ``token.txt`` in the folder that the program is run in, which somebody else put there."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from layerslayer.errors import LocalFileError
from layerslayer.registry.credentials import helpers
from layerslayer.registry.credentials.auth_files import Helper

from ...support.registry import Registry
from ...support.registry.running import Runner
from ..neighbour.owners import Owners

AMD64 = ("--platform", "linux/amd64")
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="other links and permissions")


def listed(run: Runner, *more: str) -> tuple[int, str, bool]:
    """List an image; return the exit code, what was said and whether the token was sent."""
    with Registry(challenge=True) as registry:
        for path in (run.folder / "secret", run.folder / "token.txt"):
            if path.is_file():
                path.write_text("{} 0123456789\n".format(registry.host))
        ran = run("manifest", registry.target, *AMD64, *more)
        sent = any("0123456789" in str(item.headers) for item in registry.requests)
    return ran.code, ran.err, sent


def test_a_file_is_read(run: Runner) -> None:
    (run.folder / "token.txt").write_text("")
    assert listed(run)[2]


def test_a_link_would_send_another_files_lines(run: Runner) -> None:
    (run.folder / "secret").write_text("")
    (run.folder / "token.txt").symlink_to("secret")
    code, said, sent = listed(run)
    assert (code, sent) == (0, False) and "Warning: The token file token.txt cannot be read: it is a link" in said
    assert "0123456789" not in said
    assert listed(run, "--token-file", "token.txt")[2]  # the user's own choice


@pytest.mark.parametrize("kind", ["pipe", "folder"])
def test_what_is_no_file_is_not_waited_for(run: Runner, kind: str) -> None:
    os.mkfifo("token.txt") if kind == "pipe" else os.mkdir("token.txt")
    code, said, _ = listed(run)
    assert code == 0 and "token.txt cannot be read: it is a link or no file" in said


def test_another_users_file_is_not_believed(
    run: Runner,
    owners: Owners,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (run.folder / "token.txt").write_text("")
    owners.give(run.folder / "token.txt")
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    code, said, sent = listed(run)
    assert (code, sent) == (0, False) and "it is another user's" in said


def test_a_credential_helper_of_the_current_folder_is_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows looks there first, and so do shells whose PATH has a dot in it."""
    program = tmp_path / "docker-credential-planted"
    program.write_text("#!/bin/sh\ntouch hit\n")
    program.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", ".{}{}".format(os.pathsep, os.environ["PATH"]))
    with pytest.raises(LocalFileError, match="not installed"):
        helpers.ask(Helper("planted", "host"), "a file")
    assert not (tmp_path / "hit").exists()
