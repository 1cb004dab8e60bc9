"""No timing decides a test: no test waits for another try; what would have been waited for stands in ``PAUSES``."""

from __future__ import annotations

from pathlib import Path
from typing import Any, List

import pytest
from hypothesis import settings

from layerslayer.registry.http import retries

from .support.registry.running import Runner

PAUSES: List[float] = []  # seconds

retries.pause = PAUSES.append
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Runner:
    """The command line, run in a folder of its own."""
    return Runner(tmp_path, monkeypatch, capsys)


@pytest.fixture
def nobody(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A home without logins: a user of whom nothing is known."""
    for name in ("DOCKER_CONFIG", "DOCKER_AUTH_CONFIG", "REGISTRY_AUTH_FILE", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Say how many of the menu's faults were served."""
    passed = [item for item in terminalreporter.stats.get("passed", []) if "_fault" in item.nodeid]
    if passed:
        terminalreporter.write_line("{} cases of the fault menu passed".format(len(passed)))
