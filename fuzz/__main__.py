"""``python -m fuzz [TARGET ...] [--seconds N]``: run targets one after the other.

With atheris guided by coverage; without it by mutation alone. Both begin with
the target's seeds and with ``fuzz/corpus/TARGET/``. A finding is written to
``fuzz/findings/TARGET/`` and ends with exit code 1; kept there, the tests replay
it for ever.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import sys
import tempfile
import time
from typing import Optional

from . import CORPUS, guiding
from .mutating import by_mutation
from .targets import TARGETS, seeds


def guided(name: str, seconds: int, kept: Optional[str]) -> int:
    """Fuzz a target by coverage; return the fuzzer's exit code. What it grows stays in the folder ``kept``."""
    with tempfile.TemporaryDirectory() as folder:
        corpus = os.path.join(kept or folder, name)
        os.makedirs(corpus, exist_ok=True)
        for number, seed in enumerate(seeds(name)):
            with open(os.path.join(corpus, "seed-{}".format(number)), "wb") as file:
                file.write(seed)
        for path in sorted((CORPUS / name).glob("*")):
            shutil.copy(str(path), corpus)
        ran = guiding.run(name, seconds, corpus)
        print("{}: {}; corpus of {} inputs".format(name, ran.words, len(os.listdir(corpus))), flush=True)
        return ran.code


def _ended(number: int, frame: object) -> None:
    raise SystemExit("ended by signal {}".format(number))  # so that the fuzzer at work is ended too


def main() -> int:
    """Run what the command line names."""
    parser = argparse.ArgumentParser(prog="python -m fuzz")
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=", ".join(TARGETS))
    parser.add_argument("--seconds", type=int, default=10, help="for each target (default: 10)")
    parser.add_argument("--seed", type=int, default=int(time.time()), help="of mutations, to do the same again")
    parser.add_argument("--corpus", help="folder that keeps what atheris finds worth keeping, by target")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, _ended)
    by_coverage = guiding.is_possible()
    if not by_coverage:
        print("Without atheris on this Python: inputs by mutation alone.", flush=True)
    for name in options.targets or TARGETS:
        if by_coverage:
            if guided(name, options.seconds, options.corpus):
                return 1
        else:
            count = by_mutation(name, options.seconds, options.seed)
            print("{}: {} inputs by mutation, seed {}, no finding".format(name, count, options.seed), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
