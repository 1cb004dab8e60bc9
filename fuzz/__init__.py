"""Fuzzing of everything that parses; see docs/reliability.md."""

from __future__ import annotations

from pathlib import Path

CORPUS = Path(__file__).parent / "corpus"  # TARGET/NAME: inputs that earlier fuzzing found worth keeping
FINDINGS = Path(__file__).parent / "findings"  # TARGET/NAME: inputs that once went wrong
LONGEST = 64 * 1024  # bytes of an input
