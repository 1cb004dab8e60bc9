from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from pathlib import Path
from typing import Iterator

import pytest

from .tools import Registry, need, run


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Keep the program's cache of layers out of the user's, and what is there out of the tests."""
    os.environ["LAYERSLAYER_CACHE_DIR"] = str(tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="session")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    server = Registry(tmp_path_factory.mktemp("registry"))
    yield server
    server.stop()


@pytest.fixture(scope="session")
def rootfs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real Debian root filesystem as a tar, with names and types that real ones have; one for all processes."""
    need("debootstrap", "tar")
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    tar = shared / "rootfs.tar"
    with (shared / "rootfs.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not tar.exists():
            _make(tar, tmp_path_factory.mktemp("debian"))
    return tar


def _make(tar: Path, folder: Path) -> None:
    root = folder / "root"
    run("debootstrap", "--variant=minbase", "bookworm", str(root))
    extra = root / "srv" / ("long-" * 24) / ("path-" * 24)
    extra.mkdir(parents=True)
    (extra / "umlaut-\u00fc").write_text("x")
    subprocess.run(["mkfifo", str(root / "srv" / "pipe")], check=True)
    with (root / "srv" / "sparse").open("wb") as sparse:
        sparse.truncate(50 * 1024 * 1024)
    whole = folder / "rootfs.tar"
    run("tar", "-C", str(root), "--numeric-owner", "--format=posix", "-cf", str(whole), ".")
    shutil.rmtree(str(root), ignore_errors=True)
    whole.rename(tar)
