"""Every verb over every hostile image, what it takes: ``python -m tests.attacks.publisher.every_verb [WORD]`` tells."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import List, Sequence

from ...hostile.images import ALL, by_name
from ...support.registry import Registry
from ..measuring import beyond, measured
from .heavy import HEAVY, heavy


def few(target: str) -> List[List[str]]:
    """Return a command line for each way that images are held: listed, merged, compared, sought in, by their tables."""
    return [
        ["peek", target, "-q"],
        ["ls", target, "-q"],
        ["deleted", target, "-q"],
        ["diff", target, target, "--full", "-q", "--no-cache"],
        ["cat", target, "/nope", "-q", "--no-cache"],
        ["peek", target, "-q", "--fast"],
        ["ls", target, "-q", "--fast", "--no-cache"],
        ["peek", target, "-q", "--fast", "--verify"],
    ]


def every(target: str) -> List[List[str]]:
    """Return a command line for each verb, and for each way of its own that it has."""
    return [
        *few(target),
        ["--peek-all", "-q", "-t", target],
        ["peek", target, "-q", "--json"],
        ["ls", target, "-q", "--no-cache", "--json"],
        ["ls", target, "-q", "--plan"],
        ["tree", target, "-q", "--no-cache"],
        ["find", target, "**", "-q", "--no-cache", "--json"],
        ["find", target, "**/nope", "-q", "--no-cache", "--fast"],
        ["get", target, "**/nope", "-q", "--no-cache", "-o", "some"],
        ["get", target, "/nope", "-q", "--no-cache", "--fast", "-o", "some"],
        ["cat", target, "/nope", "-q"],
        ["find", "nope", "--everywhere", "-q"],
        ["history", target, "-q"],
        ["config", target, "-q"],
        ["manifest", target, "-q"],
        ["referrers", target, "-q"],
        ["tags", target, "-q"],
        ["save", target, "-q", "-o", "saved"],
        ["save", target, "-q", "--format", "oci", "-o", "oci"],
        ["save", target, "-q", "--format", "oci-archive", "-o", "oci.tar"],
        ["save", target, "-q", "--format", "docker-archive", "-o", "docker.tar"],
    ]


def main(words: Sequence[str]) -> int:
    """Print a line for each, marked where it goes beyond; return how many do."""
    count = 0
    for name in [*HEAVY, *ALL]:
        if not all(word in name for word in words):
            continue
        content = heavy(name) if name in HEAVY else by_name(name)
        with Registry(content) as registry, tempfile.TemporaryDirectory() as folder:
            for line in every(registry.target):
                cost = measured(line, Path(folder))
                told = beyond(cost)
                count += bool(told)
                shown = " ".join(word for word in line if word != registry.target)
                figures = "{:6.1f} MB {:5.2f} s".format(cost.peak / 1e6, cost.seconds)
                sys.stdout.write("{:32} {:50} {} {}\n".format(name[:32], shown, figures, told and "BEYOND: " + told))
    sys.stdout.write("{} beyond\n".format(count))
    return count


if __name__ == "__main__":
    sys.exit(min(main(sys.argv[1:]), 1))
