"""Files that seem to be another user's: changing owners takes root, so the tests let the system say so."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Callable, Set, Tuple

import pytest

OTHER = 54321  # nobody in particular


_IN_ORDER = ("st_mode", "st_ino", "st_dev", "st_nlink", "st_uid", "st_gid", "st_size")  # of a stat_result


class Owners:
    """Gives files to another user: really where this process may, else in what the system is heard to say."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, really: bool) -> None:
        self._foreign: Set[Tuple[int, int]] = set()
        self._really = really
        if not really:
            for name in ("stat", "lstat", "fstat"):
                monkeypatch.setattr(os, name, self._told(getattr(os, name)))

    def give(self, path: Path) -> None:
        """Make a file another user's."""
        if self._really:
            os.chown(str(path), OTHER, OTHER)
            return
        info = os.lstat(str(path))
        self._foreign.add((info.st_dev, info.st_ino))

    def _told(self, ask: Callable[..., os.stat_result]) -> Callable[..., os.stat_result]:
        def told(*words: Any, **more: Any) -> os.stat_result:
            info = ask(*words, **more)
            if (info.st_dev, info.st_ino) not in self._foreign:
                return info
            more_fields = {name: getattr(info, name) for name in dir(info) if name.startswith("st_")}
            for name in _IN_ORDER:
                del more_fields[name]
            return os.stat_result((*info[:4], OTHER, *info[5:]), more_fields)

        return told


@pytest.fixture(params=["really", "as told"])
def owners(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Owners:
    really = request.param == "really"
    if really and (not hasattr(os, "geteuid") or os.geteuid() != 0):
        pytest.skip("giving files away takes root")
    return Owners(monkeypatch, really)
