"""What command lines cost, as the operating system counts it: seconds of the processor, and memory at its peak.

``measured`` runs one in a process of its own, ``measured_all`` several in one
process after another, which spares starting it anew. The registry is the
test's own, in the test's process, so what it takes is not counted::

    with Registry(store) as registry:
        cost = measured(["ls", registry.target], tmp_path)
        assert cost.peak < MOST_MEMORY and cost.seconds < MOST_SECONDS
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Dict, List, NamedTuple, Optional, Sequence

MOST_MEMORY = 250 * 10**6  # bytes in all, with the interpreter
MOST_SECONDS = 10.0  # of the processor
A_HANG = 120.0  # seconds by the clock, after which a process is ended
_HELD = 2**20  # bytes of an output that are kept here
_ROOT = Path(__file__).resolve().parents[2]

# Of this program alone: what wait4 and getrusage tell of a child counts what the process was before it began.
_CHILD = """
import ctypes, gc, json, os, resource, sys
from layerslayer.cli.main import main

def peak():
    try:
        with open("/proc/self/status") as status:
            return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM"))
    except OSError:  # no Linux
        scale = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * scale

def begin_anew():
    gc.collect()
    try:
        ctypes.CDLL(None).malloc_trim(0)  # what earlier runs gave back, and the library kept
    except (OSError, AttributeError):
        pass
    try:
        with open("/proc/self/clear_refs", "w") as refs:
            refs.write("5")
    except OSError:
        pass

def seconds():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime

folder = sys.argv[1]
for number, line in enumerate(json.load(open(os.path.join(folder, "lines")))):
    for descriptor, name in ((1, "out"), (2, "err")):
        file = os.open(os.path.join(folder, "{}-{}".format(name, number)), os.O_WRONLY | os.O_CREAT, 0o600)
        os.dup2(file, descriptor)
        os.close(file)
    begin_anew()
    before = seconds()
    code = main(line)
    sys.stdout.flush()
    sys.stderr.flush()
    with open(os.path.join(folder, "costs"), "a") as costs:
        costs.write(json.dumps([code, seconds() - before, peak()]) + "\\n")
"""


class Cost(NamedTuple):
    """How a run ended, the first MiB of what it wrote, and what it took."""

    code: int
    out: str
    err: str
    seconds: float  # of the processor, all threads together
    peak: int  # bytes resident at most


def measured(
    arguments: Sequence[str], folder: Path, typed: bytes = b"", environment: Optional[Dict[str, str]] = None
) -> Cost:
    """Run the command line in a process of its own, in ``folder``, where its cache is kept as well."""
    return measured_all([arguments], folder, typed, environment)[0]


def measured_all(
    lines: Sequence[Sequence[str]],
    folder: Path,
    typed: bytes = b"",
    environment: Optional[Dict[str, str]] = None,
) -> List[Cost]:
    """Run command lines one after the other in one process; the peak is counted anew for each (on Linux).

    ``typed`` is what the process has as its standard input. Fails where one of
    them hangs, or ends the process.
    """
    work = folder / "measured-{}".format(len(list(folder.glob("measured-*"))))
    work.mkdir()
    (work / "lines").write_text(json.dumps([list(line) for line in lines]))
    around = dict(os.environ, PYTHONPATH=str(_ROOT), LAYERSLAYER_CACHE_DIR=str(folder / "cache"))
    around.update(environment or {})
    child = subprocess.Popen(
        [sys.executable, "-c", _CHILD, str(work)],
        cwd=str(folder),
        env=around,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    hangs = threading.Timer(A_HANG, child.send_signal, (signal.SIGABRT,))
    hangs.start()
    try:
        _, told = child.communicate(typed)
    finally:
        hangs.cancel()
    costs = (work / "costs").read_text().splitlines() if (work / "costs").exists() else []
    assert len(costs) == len(lines), "ended ({}) in: {}\n{}{}".format(
        child.returncode, list(lines[len(costs)]), told.decode("utf-8", "replace"), _head(work, "err", len(costs))
    )
    found = []
    for number, line in enumerate(costs):
        code, seconds, peak = json.loads(line)
        found.append(Cost(code, _head(work, "out", number), _head(work, "err", number), seconds, peak))
    return found


def _head(work: Path, name: str, number: int) -> str:
    try:
        with open(str(work / "{}-{}".format(name, number)), "rb") as file:
            return file.read(_HELD).decode("utf-8", "replace")
    except FileNotFoundError:
        return ""


def beyond(cost: Cost, memory: int = MOST_MEMORY, seconds: float = MOST_SECONDS) -> str:
    """Return what a cost goes beyond, for an assertion's message; empty where it stays within."""
    found = []
    if cost.peak >= memory:
        found.append("{:.0f} MB of memory".format(cost.peak / 1e6))
    if cost.seconds >= seconds:
        found.append("{:.1f} s".format(cost.seconds))
    if "Traceback" in cost.err or "This is a bug" in cost.err:
        found.append("a traceback")
    return ", ".join(found)
