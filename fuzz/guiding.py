"""Fuzzing guided by coverage: each target under atheris in a process of its own, which ends whatever happens.

Three bounds, each for where the one before does not hold: libFuzzer's own
time; its process group killed from here a little later; and, should this
process be gone by then, the kernel's limit on processor time.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import List, NamedTuple

from . import FINDINGS, LONGEST

_ONE_INPUT = 60  # seconds; more is a finding, unless the time for all is over first
GRACE = 25  # seconds beyond its own: to start, to finish an input, and to say how it went
_EXECUTIONS = re.compile(r"stat::number_of_executed_units:\s*(\d+)")
# Setup takes the name of the program first and reads no flag there.
_PROGRAM = """
import resource, sys
import atheris
with atheris.instrument_imports(include=["layerslayer"]):
    from fuzz.targets import TARGETS
resource.setrlimit(resource.RLIMIT_CPU, (int(sys.argv[2]), int(sys.argv[2])))
atheris.Setup([sys.argv[0], *sys.argv[3:]], TARGETS[sys.argv[1]])
atheris.Fuzz()
"""


class Ran(NamedTuple):
    """The fuzzer's exit code, 0 without a finding, and how it went."""

    code: int
    words: str


def is_possible() -> bool:
    """Whether atheris is there; it has no wheels for some systems and for the newest Pythons."""
    try:
        import atheris  # noqa: F401
    except ImportError:
        return False
    return os.name == "posix"


def command(name: str, seconds: int, corpus: str) -> List[str]:
    """Return the command line of a fuzzer."""
    flags = {
        "max_total_time": seconds,
        "max_len": LONGEST,
        "timeout": _ONE_INPUT,
        "rss_limit_mb": 1024,
        "artifact_prefix": "{}/".format(FINDINGS / name),
        "print_final_stats": 1,
        "verbosity": 0,
    }
    limit = str(seconds + GRACE)
    return [
        sys.executable, "-c", _PROGRAM, name, limit, *("-{}={}".format(*flag) for flag in flags.items()), corpus,
    ]  # fmt: skip


def run(name: str, seconds: int, corpus: str) -> Ran:
    """Fuzz a target for so many seconds, from the folder ``corpus``, which grows; a finding is written."""
    (FINDINGS / name).mkdir(parents=True, exist_ok=True)  # libFuzzer does not
    environment = dict(os.environ, PYTHONPATH=str(Path(__file__).parents[1]))
    process = subprocess.Popen(
        command(name, seconds, corpus),
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        said = process.communicate(timeout=seconds + GRACE)[0].decode("utf-8", "replace")
    except subprocess.TimeoutExpired:
        return Ran(0, "did not end by itself and was ended, without a finding")
    finally:
        _end(process)
    executions = _EXECUTIONS.search(said)
    if process.returncode == 0 and executions:
        return Ran(0, "{} inputs by coverage, no finding".format(executions.group(1)))
    return Ran(process.returncode or 1, "exit code {}\n{}".format(process.returncode, said))


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a fuzzer with all it may have started."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        pass  # nobody is left
    process.wait()
    if process.stdout:
        process.stdout.close()
