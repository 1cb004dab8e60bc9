"""-l: what was shown and typed, in a file."""

from __future__ import annotations

import pytest

from ..support.registry import Registry
from ..support.registry.running import Runner

PEEK = ("--peek-all", "--platform", "linux/amd64", "-t")


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
