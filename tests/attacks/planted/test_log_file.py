"""What stands at the name that ``-l`` gives: the log is the user's alone, and overwrites nothing else."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import threading
from pathlib import Path
from typing import List

import pytest

import layerslayer
from layerslayer.cli.tee import Tee
from layerslayer.errors import LocalFileError

from ..neighbour.owners import Owners

ROOT = Path(layerslayer.__file__).parent.parent
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="other links and permissions")


def written(path: Path) -> str:
    tee = Tee(str(path))
    tee.write("said\n")
    tee.close()
    return path.read_text()


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


def test_a_log_is_the_users_alone(tmp_path: Path) -> None:
    assert written(tmp_path / "log") == "said\n" and mode(tmp_path / "log") == 0o600
    (tmp_path / "old").write_text("a longer text of before\n")
    (tmp_path / "old").chmod(0o666)
    number = (tmp_path / "old").stat().st_ino
    assert written(tmp_path / "old") == "said\n" and mode(tmp_path / "old") == 0o600
    assert (tmp_path / "old").stat().st_ino == number  # for whoever follows it with tail -f


@pytest.mark.parametrize("dangling", [False, True])
def test_a_link_to_a_file_is_not_followed(tmp_path: Path, dangling: bool) -> None:
    victim = tmp_path / "victim"
    if not dangling:
        victim.write_text("precious")
    (tmp_path / "log").symlink_to(victim)
    with pytest.raises(LocalFileError, match="it is a link to a file; name that file itself"):
        Tee(str(tmp_path / "log"))
    assert not victim.exists() if dangling else victim.read_text() == "precious"


def test_folders_on_the_way_may_be_links(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "way").symlink_to("real")
    assert written(tmp_path / "way" / "log") == "said\n"


def test_a_file_with_another_name_keeps_what_it_has(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    os.link(str(victim), str(tmp_path / "log"))
    assert written(tmp_path / "log") == "said\n" and victim.read_text() == "precious"


def test_another_users_file_is_not_written(tmp_path: Path, owners: Owners) -> None:
    log = tmp_path / "log"
    log.write_text("theirs")
    log.chmod(0o666)
    owners.give(log)
    with open(str(log)) as theirs:
        assert written(log) == "said\n" and mode(log) == 0o600
        assert theirs.read() == "theirs"


def test_a_pipe_is_written_as_it_is(tmp_path: Path) -> None:
    os.mkfifo(str(tmp_path / "pipe"))
    (tmp_path / "way").symlink_to("pipe")
    for name in ("pipe", "way"):
        heard: List[str] = []
        reader = threading.Thread(target=lambda heard=heard: heard.append((tmp_path / "pipe").read_text()))
        reader.start()
        tee = Tee(str(tmp_path / name))
        tee.write("said\n")
        tee.close()
        reader.join(30)
        assert heard == ["said\n"]


@pytest.mark.skipif(not os.path.exists("/dev/stderr"), reason="no such name here")
@pytest.mark.parametrize("name", ["/dev/stderr", "/dev/fd/2", "/dev/null"])
@pytest.mark.parametrize("to_file", [False, True], ids=["pipe", "file"])
def test_what_the_system_names_is_written(tmp_path: Path, name: str, to_file: bool) -> None:
    code = "from layerslayer.cli.tee import Tee; t = Tee({!r}); t.write('said'); t.close()".format(name)
    environment = dict(os.environ, PYTHONPATH=str(ROOT))
    with open(str(tmp_path / "err"), "w+b") as file:
        done = subprocess.run(
            [sys.executable, "-c", code], env=environment, stderr=file if to_file else subprocess.PIPE, timeout=60
        )
        file.seek(0)
        said = file.read() if to_file else done.stderr
    assert (done.returncode, said) == (0, b"" if name == "/dev/null" else b"said")
