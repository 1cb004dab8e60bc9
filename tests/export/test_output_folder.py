"""Folders that are written to, where the system has less than Linux has."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import layerslayer
from layerslayer.export.output_folder import Root, found, opened

from ..support.registry import Registry

ROOT = Path(layerslayer.__file__).parent.parent
# What Windows does not have, taken away before anything of the program is loaded.
BARE = """
import os, sys
sys.modules["fcntl"] = None
os.supports_dir_fd, os.supports_fd, os.supports_follow_symlinks = set(), set(), set()
for name in ("O_NOFOLLOW", "O_DIRECTORY", "O_PATH", "O_NONBLOCK", "O_NOCTTY", "fchmod", "geteuid", "getuid", "umask"):
    if hasattr(os, name):
        delattr(os, name)
from layerslayer.cli.main import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.parametrize("verb", ["save", "oci", "oci-archive", "docker-archive", "get"])
def test_it_works_without_what_windows_has_not(tmp_path: Path, verb: str) -> None:
    words = ["get", "{}", "**"] if verb == "get" else ["save", "{}", "--format", "layers" if verb == "save" else verb]
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]))
    environment["LAYERSLAYER_CACHE_DIR"] = str(tmp_path / "cache")
    with Registry() as registry:
        more = ["--platform", "linux/amd64", "-l", "log"]
        done = subprocess.run(
            [sys.executable, "-c", BARE, *[word.format(registry.target) for word in words], *more],
            cwd=str(tmp_path),
            env=environment,
            capture_output=True,
            timeout=60,
        )
    assert done.returncode == 0, done.stderr.decode()
    assert list((tmp_path / ("carved" if verb == "get" else "downloads")).iterdir())
    assert (tmp_path / "log").read_text() and not list(tmp_path.rglob(".layerslayer-*"))


def test_a_folder_is_found_only_where_it_is_one(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    opened(Root(str(tmp_path)), ["a", "b"]).close()
    assert found(Root(str(tmp_path)), ["a", "b"]) is not None
    assert found(Root(str(tmp_path)), ["a", "c"]) is None
    assert found(Root(str(tmp_path)), ["file"]) is None
    assert found(Root(str(tmp_path / "nowhere")), []) is None
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "/a", "../a", "a\0b"])
def test_a_name_is_one_name(tmp_path: Path, name: str) -> None:
    folder = opened(Root(str(tmp_path)), ["a"])
    os.close(folder.create("file", 0o600))
    for use in (folder.inner, folder.existing, lambda name: folder.create(name, 0o600)):
        with pytest.raises(OSError):
            use(name)
    with pytest.raises(OSError):
        folder.rename("file", name)
    assert os.listdir(str(tmp_path)) == ["a"] and os.listdir(str(tmp_path / "a")) == ["file"]


def test_a_folder_that_was_closed_is_of_no_use(tmp_path: Path) -> None:
    """Not even where another folder has its descriptor now."""
    folder = opened(Root(str(tmp_path)), ["a"])
    if folder._handle is None:
        pytest.skip("no descriptors of folders here")
    folder.close()
    folder.close()
    other = opened(Root(str(tmp_path)), ["b"])
    with pytest.raises(OSError):
        folder.create("file", 0o600)
    other.close()
    assert sorted(os.listdir(str(tmp_path))) == ["a", "b"]
