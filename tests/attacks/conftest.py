"""Users of whom all is watched."""

from __future__ import annotations

from pathlib import Path
from typing import Callable

import pytest

from .ways import User


@pytest.fixture
def user_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], User]:
    """Make a user with nothing but what is given to him, for the registry that is named."""
    return lambda host: User(tmp_path, monkeypatch, host)
