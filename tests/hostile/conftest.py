"""The command line as a fixture."""

from __future__ import annotations

from pathlib import Path

import pytest

from ..registry.running import Runner


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Runner:
    return Runner(tmp_path, monkeypatch, capsys)
