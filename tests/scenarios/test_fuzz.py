"""The fuzz targets hold for their seeds, for mutations of them, and for all that was ever found."""

from __future__ import annotations

import os
import random
import sys
from pathlib import Path

import pytest

from fuzz import FINDINGS, guiding
from fuzz.mutating import corpus_of, mutated
from fuzz.targets import TARGETS, seeds


@pytest.mark.parametrize("name", TARGETS)
def test_seeds_and_mutations(name: str) -> None:
    source = random.Random(7)
    assert len(list(seeds(name))) > 1
    corpus = corpus_of(name)
    for data in corpus:
        TARGETS[name](data)
    for _ in range(150):
        TARGETS[name](mutated(source, corpus))


def test_what_was_found_stays_mended() -> None:
    found = sorted(path for path in FINDINGS.rglob("*") if path.is_file())
    assert found
    for path in found:
        TARGETS[path.parent.name](path.read_bytes())


ENDLESS = """
import fcntl, os, signal, sys, time
file = open(sys.argv[1], "w")
fcntl.flock(file, fcntl.LOCK_EX)
os.fork()  # one that holds lock and output when the other is gone
for number in (signal.SIGINT, signal.SIGTERM):
    signal.signal(number, signal.SIG_IGN)
time.sleep(60)
file.write("survived")
"""


@pytest.mark.skipif(os.name != "posix", reason="processes come in groups on posix systems only")
def test_a_fuzzer_that_does_not_end_is_ended(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import fcntl

    held = tmp_path / "held"
    monkeypatch.setattr(guiding, "command", lambda *details: [sys.executable, "-c", ENDLESS, str(held)])
    monkeypatch.setattr(guiding, "GRACE", 2)
    ran = guiding.run("tar", 0, "")
    assert (ran.code, ran.words) == (0, "did not end by itself and was ended, without a finding")
    with open(held, "r+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # which the last of them gives back
        assert file.read() == ""


@pytest.mark.skipif(os.name != "posix", reason="atheris is for posix systems")
@pytest.mark.parametrize(("said", "code"), [("stat::number_of_executed_units: 7", 0), ("nothing", 1)])
def test_a_fuzzer_that_ran_nothing_is_a_failure(monkeypatch: pytest.MonkeyPatch, said: str, code: int) -> None:
    monkeypatch.setattr(guiding, "command", lambda *details: [sys.executable, "-c", "print({!r})".format(said)])
    assert guiding.run("tar", 0, "").code == code
