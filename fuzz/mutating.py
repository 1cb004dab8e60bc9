"""Fuzzing without atheris: random changes of inputs that a target takes."""

from __future__ import annotations

import hashlib
import random
import time
from pathlib import Path
from typing import List

from . import CORPUS, FINDINGS, LONGEST
from .targets import TARGETS, seeds

_PATIENCE = 20.0  # seconds for one input
_TELLING = (b"\0", b"\xff", b"9", b"-1", b'"', b"{", b"[", b",", b"=", b"\x1f\x8b", bytes(512))


def corpus_of(name: str) -> List[bytes]:
    """Return what a target's fuzzing begins with."""
    return [*seeds(name), *(path.read_bytes() for path in sorted((CORPUS / name).glob("*")))]


def mutated(source: random.Random, corpus: List[bytes]) -> bytes:
    """Return an input made of those of the corpus."""
    data = bytearray(source.choice(corpus))
    for _ in range(source.choice((1, 1, 2, 4, 16))):
        at = source.randrange(len(data) + 1)
        kind = source.randrange(5)
        if kind == 0 and data:
            data[at % len(data)] ^= 1 << source.randrange(8)
        elif kind == 1:
            data[at:at] = source.choice(_TELLING)
        elif kind == 2:
            del data[at : at + source.randrange(1, 600)]
        elif kind == 3:
            other = source.choice(corpus)
            data[at:at] = other[source.randrange(len(other) + 1) :][:1024]
        elif data:
            data[at % len(data)] = source.randrange(256)
    return bytes(data[:LONGEST])


def by_mutation(name: str, seconds: float, seed: int) -> int:
    """Run a target for so long; return how many inputs it took. A finding is written and raised."""
    source = random.Random(seed)
    corpus = corpus_of(name)
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
