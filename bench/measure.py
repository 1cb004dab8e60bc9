"""Runs commands in turn and accounts for them as the operating system does."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from typing import Callable, Dict, List, NamedTuple, Sequence


class Run(NamedTuple):
    """One run: seconds of wall time and of CPU, peak resident bytes of its largest process."""

    wall: float
    cpu: float
    peak: int


class Contestant(NamedTuple):
    """A shell command under a name; ``before`` prepares each run, untimed."""

    name: str
    command: str
    before: Callable[[], None] = lambda: None


def run_once(contestant: Contestant) -> Run:
    """Run one command to its end. Raises SystemExit with its words when it fails."""
    contestant.before()
    started = time.perf_counter()
    child = subprocess.Popen(
        ["bash", "-o", "pipefail", "-ec", contestant.command], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    assert child.stderr
    said = child.stderr.read()
    _, status, usage = os.wait4(child.pid, 0)
    wall = time.perf_counter() - started
    child.returncode = status
    child.stderr.close()
    if status:
        sys.exit("bench: {} failed: {}".format(contestant.name, said.decode("utf-8", "replace")[-2000:]))
    return Run(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024)


def alternate(contestants: Sequence[Contestant], rounds: int) -> Dict[str, List[Run]]:
    """Run all contestants in turn, ``rounds`` times after one unmeasured round."""
    runs: Dict[str, List[Run]] = {contestant.name: [] for contestant in contestants}
    for number in range(rounds + 1):
        for contestant in contestants:
            result = run_once(contestant)
            if number:
                runs[contestant.name].append(result)
    return runs


def table(runs: Dict[str, List[Run]], moved: Dict[str, int], ours: str) -> List[str]:
    """Return the rows of a Markdown table; the ratio is of ours to each, median to median."""
    rows = [
        "| command | median s | range s | ours / this | CPU s | peak MB | bytes |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    mine = statistics.median(run.wall for run in runs[ours])
    for name, results in runs.items():
        walls = sorted(run.wall for run in results)
        rows.append(
            "| {} | {:.2f} | {:.2f}-{:.2f} | {:.2f} | {:.2f} | {:.0f} | {} |".format(
                name,
                statistics.median(walls),
                walls[0],
                walls[-1],
                mine / statistics.median(walls),
                statistics.median(run.cpu for run in results),
                max(run.peak for run in results) / 1e6,
                "{:,}".format(moved[name]).replace(",", " ") if name in moved else "",
            )
        )
    return rows
