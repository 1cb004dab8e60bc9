"""Hostile images through the command line: a sentence or an honest listing; no traceback, hang or escape."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import List

import pytest

from ..support.registry import Registry
from ..support.registry.running import Ran, Runner
from .images import ALL, LAYERS, by_name
from .sentences import SENTENCES

LONGEST = 10.0  # seconds of the processor, however busy it is; a bound against hangs, far above what any takes
MOST = 150 * 1024 * 1024  # bytes
RAW = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u2028\u2029]")
ROOT = Path(__file__).resolve().parents[2]
try:
    import zstandard  # noqa: F401
except ImportError:
    READABLE = [name for name in ALL if "zstd" not in name]
else:
    READABLE = list(ALL)


def checked(ran: Ran, began: float) -> None:
    shown = ran.out + ran.err
    assert "Traceback" not in shown
    assert "This is a bug" not in shown
    found = RAW.search(shown)
    assert found is None, repr(found)
    assert time.process_time() - began < LONGEST


def test_there_are_enough_of_them() -> None:
    assert len(ALL) >= 60
    assert sorted(ALL) == sorted(SENTENCES)


@pytest.mark.parametrize("name", READABLE)
def test_each_gets_its_sentence(run: Runner, name: str) -> None:
    code, said = SENTENCES[name]
    with Registry(by_name(name)) as registry:
        began = time.process_time()
        ran = run("--peek-all", "-q", "-t", registry.target)
    checked(ran, began)
    assert ran.code == code
    assert said in ran.err.replace(registry.host, "HOST")
    assert bool(ran.err) == bool(said)


@pytest.mark.parametrize("name", READABLE)
def test_each_is_json_line_by_line(run: Runner, name: str) -> None:
    with Registry(by_name(name)) as registry:
        began = time.process_time()
        ran = run("peek", registry.target, "--json", "-q")
    checked(ran, began)
    for line in ran.out.splitlines():
        json.loads(line)


@pytest.mark.parametrize("verb", ["history", "config", "tree", "deleted"])
@pytest.mark.parametrize("name", sorted(set(READABLE) - {"layer: gzip bomb of 2 GiB", "layer: zstd bomb of 16 GiB"}))
def test_other_verbs_stand_them_too(run: Runner, name: str, verb: str) -> None:
    with Registry(by_name(name)) as registry:
        began = time.process_time()
        ran = run(verb, registry.target, "-q")
    checked(ran, began)
    assert ran.code in (0, 1, 2, 3)


@pytest.mark.parametrize("name", [name for name in READABLE if name in LAYERS and "bomb" not in name])
def test_nothing_is_written_outside(run: Runner, name: str) -> None:
    inner = run.folder / "a" / "b" / "c"
    inner.mkdir(parents=True)
    os.chdir(str(inner))
    with Registry(by_name(name)) as registry:
        began = time.process_time()
        got = run("get", registry.target, "**", "-o", "out", "-q")
        saved = run("--save-all", "-t", registry.target, "-o", "out", "-q")
    checked(got, began)
    checked(saved, began)
    outside: List[str] = []
    for folder, folders, files in os.walk(str(run.folder)):
        place = Path(folder).relative_to(run.folder)
        if place.parts[:4] != ("a", "b", "c", "out"):
            outside += files
        for each in folders + files:
            path = Path(folder) / each
            assert not path.is_symlink() or place.parts[:4] == ("a", "b", "c", "out")
    assert outside == []


# Of this program alone: getrusage would count what the process was before it became this program.
MEASURE = """
import sys
from layerslayer.cli.main import main
code = main(sys.argv[1:])
with open("/proc/self/status") as status:
    peak = next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM"))
sys.stderr.write("peak={}".format(peak))
sys.exit(code)
"""


@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="memory is asked for as Linux tells it")
@pytest.mark.parametrize(
    "name",
    [
        "layer: gzip bomb of 2 GiB",
        *[name for name in READABLE if "zstd bomb" in name],
        "layer: 200 000 empty gzip members",
        "tar: a pax header of 100 MB",
        "tar: pax headers without end",
        "manifest: 5 MB",
        "manifest: deep",
        "config: 200 000 steps",
    ],
)
def test_memory_stays_bounded(tmp_path: Path, name: str) -> None:
    with Registry(by_name(name)) as registry:
        done = subprocess.run(
            [sys.executable, "-c", MEASURE, "--peek-all", "-q", "-t", registry.target],
            capture_output=True,
            cwd=str(tmp_path),
            env=dict(os.environ, PYTHONPATH=str(ROOT)),
            timeout=60,
        )
    told = done.stderr.decode("utf-8", "replace")
    assert done.returncode == SENTENCES[name][0]
    assert int(told.rpartition("peak=")[2]) < MOST


@pytest.mark.parametrize("name", [name for name in READABLE if "bomb" in name])
def test_a_limit_can_be_lowered(run: Runner, name: str) -> None:
    with Registry(by_name(name)) as registry:
        ran = run("--peek-all", "-q", "-t", registry.target, "--limit", "size=300M", "--limit", "ratio=1000000")
    assert ran.code == 2
    assert "inflates to more than 314572800 bytes" in ran.err


def test_limits_that_are_none(run: Runner) -> None:
    for text in ("ratio", "ratio=", "ratio=0", "ratio=-1", "ratio=x", "ratio=1X", "height=5", "ratio=\u0663", "=5"):
        ran = run("--peek-all", "-t", "a", "--limit", text)
        assert ran.code == 2
        assert (
            "is no limit. Say NAME=NUMBER; "
            "names: document, entries, extension, frames, layers, memory, path, ratio, size, view, window." in ran.err
        )


def test_too_many_entries(run: Runner) -> None:
    with Registry(by_name("tar: 50 000 whiteouts")) as registry:
        ran = run("--peek-all", "-q", "-t", registry.target, "--limit", "entries=1000")
    assert ran.code == 2
    assert "the layer has too many entries; the limit is 1000" in ran.err
