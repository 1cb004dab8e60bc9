"""``python -m fuzz [TARGET ...] [--seconds N]``: run targets one after the other.

With atheris guided by coverage; without it by mutation alone. A finding is
written to ``fuzz/findings/TARGET/`` and ends with exit code 1; kept there, the
tests replay it for ever.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import List

from .targets import TARGETS, seeds

FINDINGS = Path(__file__).parent / "findings"
_LONGEST = 64 * 1024  # bytes of an input
_PATIENCE = 20.0  # seconds for one input


def mutated(source: random.Random, corpus: List[bytes]) -> bytes:
    """Return an input made of those of the corpus."""
    data = bytearray(source.choice(corpus))
    for _ in range(source.choice((1, 1, 2, 4, 16))):
        at = source.randrange(len(data) + 1)
        kind = source.randrange(5)
        if kind == 0 and data:
            data[at % len(data)] ^= 1 << source.randrange(8)
        elif kind == 1:
            data[at:at] = source.choice(
                (b"\0", b"\xff", b"9", b"-1", b'"', b"{", b"[", b",", b"=", b"\x1f\x8b", bytes(512))
            )
        elif kind == 2:
            del data[at : at + source.randrange(1, 600)]
        elif kind == 3:
            other = source.choice(corpus)
            data[at:at] = other[source.randrange(len(other) + 1) :][:1024]
        elif data:
            data[at % len(data)] = source.randrange(256)
    return bytes(data[:_LONGEST])


def by_mutation(name: str, seconds: float, seed: int) -> int:
    """Run a target without atheris; return how many inputs it took. A finding is written and raised."""
    source = random.Random(seed)
    corpus = list(seeds(name))
    until, count = time.monotonic() + seconds, 0
    while time.monotonic() < until:
        data = mutated(source, corpus)
        began = time.monotonic()
        try:
            TARGETS[name](data)
        except BaseException:
            keep(name, data)
            raise
        if time.monotonic() - began > _PATIENCE:
            raise SystemExit("too slow: {}".format(keep(name, data)))
        count += 1
        if count % 100 == 0 and len(corpus) < 500:
            corpus.append(data)
    return count


def keep(name: str, data: bytes) -> Path:
    """Write a finding; return its path."""
    path = FINDINGS / name / hashlib.sha256(data).hexdigest()[:16]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


_GUIDED = """
import sys
import atheris
with atheris.instrument_imports(include=["layerslayer"]):
    from fuzz.targets import TARGETS
atheris.Setup(sys.argv[1:], TARGETS["{}"])
atheris.Fuzz()
"""


def guided(name: str, seconds: int, corpus: str) -> int:
    """Run a target under atheris, whose own report follows; return its exit code."""
    for number, seed in enumerate(seeds(name)):
        Path(corpus, "seed-{}".format(number)).write_bytes(seed)
    (FINDINGS / name).mkdir(parents=True, exist_ok=True)
    limits = ["-max_total_time={}".format(seconds), "-max_len={}".format(_LONGEST), "-timeout=20", "-rss_limit_mb=1024"]
    artifacts = "-artifact_prefix={}/".format(FINDINGS / name)
    script = _GUIDED.format(name)
    with tempfile.NamedTemporaryFile("w", suffix=".py", delete=False) as file:
        file.write(script)
    try:
        environment = dict(os.environ, PYTHONPATH=str(Path(__file__).parents[1]))
        command = [sys.executable, file.name, *limits, artifacts, "-print_final_stats=1", "-verbosity=0", corpus]
        return subprocess.call(command, env=environment)
    finally:
        os.unlink(file.name)


def main() -> int:
    """Run what the command line names."""
    parser = argparse.ArgumentParser(prog="python -m fuzz")
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=", ".join(TARGETS))
    parser.add_argument("--seconds", type=int, default=10, help="for each target (default: 10)")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--corpus", help="folder that keeps what atheris finds worth keeping, by target")
    options = parser.parse_args()
    try:
        import atheris  # noqa: F401

        by_coverage = True
    except ImportError:
        by_coverage = False
    for name in options.targets or TARGETS:
        if not by_coverage:
            count = by_mutation(name, options.seconds, options.seed)
            print("{}: {} inputs by mutation, seed {}, no finding".format(name, count, options.seed), flush=True)
            continue
        with tempfile.TemporaryDirectory() as folder:
            corpus = os.path.join(options.corpus or folder, name)
            os.makedirs(corpus, exist_ok=True)
            code = guided(name, options.seconds, corpus)
            print("{}: corpus of {} inputs, exit code {}".format(name, len(os.listdir(corpus)), code), flush=True)
            if code:
                return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
