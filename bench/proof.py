"""``python -m bench.proof``: honest layers by the thousand that try to make ``--fast`` prove a wrong listing.

Each is listed by leaping, or as far as a file that is sought, and held against
the truth (``tests/layers/leap/adversary.py``). It ends with 1 where one is wrong.
Two errors that cancel exactly are what no sum can see: they are told apart.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from collections import Counter
from multiprocessing import Pool
from typing import Counter as Counts

from tests.support.leap_verdicts import Verdict, counted, tried

_MOST_SECONDS = 120  # for one layer; others take a tenth of a second, those of real size one


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.proof", description=__doc__)
    parser.add_argument("--layers", type=int, default=20_000)
    parser.add_argument("--first", type=int, default=0, help="seed of the first (default: 0)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    counts: Counts[str] = Counter()
    began = time.monotonic()
    with Pool(options.jobs, _politely) as pool:
        seeds = range(options.first, options.first + options.layers)
        for number, verdict in enumerate(pool.imap_unordered(_tried, seeds, 20), 1):
            counts += counted([verdict])
            _tell(verdict)
            if number % 1000 == 0:
                print("{} layers, {:.0f} s".format(number, time.monotonic() - began), file=sys.stderr, flush=True)
    print("| layers | leapt | proved | fell back | wrong | two errors that cancel |")
    print("|---:|---:|---:|---:|---:|---:|")
    columns = ("leapt", "proved", "fell back", "wrong", "pair")
    print("| {} | {} |".format(options.layers, " | ".join(str(counts[name]) for name in columns)))
    sys.exit(1 if counts["wrong"] else 0)


def _tried(seed: int) -> Verdict:
    """Judge a layer; one that takes a hundred times as long as others is told, and counts as wrong."""
    if not hasattr(signal, "SIGALRM"):
        return tried(seed)

    def stop(*_: object) -> None:
        raise TimeoutError

    signal.signal(signal.SIGALRM, stop)
    signal.alarm(_MOST_SECONDS)
    try:
        return tried(seed)
    except TimeoutError:
        return Verdict("wrong", True, f"seed {seed}: not done after {_MOST_SECONDS} s")
    finally:
        signal.alarm(0)


def _politely() -> None:
    """Take what processor time nobody else wants, where the system has a word for that."""
    if hasattr(os, "nice"):
        os.nice(15)


def _tell(verdict: Verdict) -> None:
    if verdict.kind in ("wrong", "pair"):
        print("{}: {}".format(verdict.kind, verdict.what), flush=True)


if __name__ == "__main__":
    main()
