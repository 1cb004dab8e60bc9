"""The fuzz targets hold for their seeds, for mutations of them, and for all that was ever found."""

from __future__ import annotations

import random

import pytest

from fuzz.__main__ import FINDINGS, mutated
from fuzz.targets import TARGETS, seeds


@pytest.mark.parametrize("name", TARGETS)
def test_seeds_and_mutations(name: str) -> None:
    source = random.Random(7)
    corpus = list(seeds(name))
    assert len(corpus) > 1
    for data in corpus:
        TARGETS[name](data)
    for _ in range(150):
        TARGETS[name](mutated(source, corpus))


def test_what_was_found_stays_mended() -> None:
    found = sorted(path for path in FINDINGS.rglob("*") if path.is_file())
    assert found
    for path in found:
        TARGETS[path.parent.name](path.read_bytes())
