"""The program as a process: what it loads, how it starts and ends, its streams."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path
from typing import List, Set

import pytest

import layerslayer
from layerslayer.cli.main import main
from layerslayer.demo.image import Member

from ..support.registry import Registry, store
from ..support.registry.faults import layer_digests, single_image

ROOT = Path(layerslayer.__file__).parent.parent


def process(arguments: List[str], folder: Path) -> subprocess.Popen[bytes]:
    environment = dict(os.environ, PYTHONPATH=str(ROOT))
    return subprocess.Popen(
        [sys.executable, *arguments],
        cwd=str(folder),
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def loaded_by(words: List[str], folder: Path) -> Set[str]:
    """Return the modules that a run loads."""
    code = "import sys; from layerslayer.cli.main import main; main({!r}); print('LOADED', *sys.modules)".format(words)
    out, err = process(["-c", code], folder).communicate(timeout=60)
    lines = out.decode().splitlines()
    assert lines and (len(lines) > 1 or err)  # it said something
    return set(lines[-1].split()[1:])


@pytest.mark.parametrize("words", ["--help", "--version", "tree --help", "--nonsense", "tags", "brew coffee"])
def test_help_and_usage_errors_load_nothing_heavy(words: str, tmp_path: Path) -> None:
    loaded = loaded_by(words.split(), tmp_path)
    assert not {"requests", "urllib3", "rich", "zstandard", "isal", "ssl", "sqlite3", "socket"} & loaded
    assert not {name for name in loaded if name.startswith("layerslayer.cli.commands.")}


def test_a_listing_loads_nothing_that_other_verbs_need(tmp_path: Path) -> None:
    loaded = loaded_by(["peek", "--demo", "--platform", "linux/amd64", "--no-cache"], tmp_path)
    assert "layerslayer.registry.repository" in loaded
    others = (
        "cache cli.commands.get cli.commands.ls cli.progress export.docker_archive export.oci_layout "
        "filesystem.overlay layers.leap.reader layers.recall layers.toc.chunked layers.toc.discovery "
        "registry.foreign_layers registry.listings registry.refusals sources.budget sources.mirror sources.oci_layout"
    )
    assert not {"layerslayer." + name for name in others.split()} & loaded
    assert not {"rich", "sqlite3"} & loaded


@pytest.mark.parametrize("start", [["-m", "layerslayer"], [str(ROOT / "layerslayer.py")]], ids=["-m", "script"])
def test_it_starts_as_a_module_and_as_a_script(start: List[str], tmp_path: Path) -> None:
    child = process([*start, "--demo", "--peek-all", "--platform", "linux/amd64", "--layer", "3"], tmp_path)
    out, err = child.communicate(timeout=60)
    assert child.returncode == 0, err
    assert out.decode().startswith("Layer 3  " + layer_digests(store())[3])
    assert b"Demo: " in err


def test_a_reader_that_has_enough_ends_it_quietly(tmp_path: Path) -> None:
    child = process([str(ROOT / "layerslayer.py"), "--demo", "--peek-all", "-q"], tmp_path)
    assert child.stdout is not None and child.stderr is not None
    child.stdout.close()  # before anything is written: every write fails
    err = child.stderr.read()
    assert child.wait(60) == 0
    assert err == b""
    child.stderr.close()


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a device that is always full")
@pytest.mark.parametrize("arguments", [["--demo", "--peek-all", "-q"], ["ls", "--demo", "--json", "-q", "--no-cache"]])
def test_results_that_find_no_room_are_a_failure(tmp_path: Path, arguments: List[str]) -> None:
    with open("/dev/full", "wb") as full:
        ran = subprocess.run(
            [sys.executable, str(ROOT / "layerslayer.py"), *arguments],
            cwd=str(tmp_path),
            stdout=full,
            stderr=subprocess.PIPE,
            timeout=60,
        )
    assert ran.returncode == 2
    assert ran.stderr.startswith(b"Error: The results cannot be written: ") and b"Traceback" not in ran.stderr


@pytest.mark.skipif(os.name == "nt", reason="needs limits of a process")
@pytest.mark.parametrize("way", [[], ["--fast", "--no-cache"]], ids=["known", "leapt"])
@pytest.mark.parametrize("short", [1, 5000, 900_000])  # bytes that find no room: of the last piece, or earlier
def test_a_temporary_file_that_finds_no_room_is_told(tmp_path: Path, way: List[str], short: int) -> None:
    """Whatever is held back until it is known to be right, and however little of it finds no room."""
    size = 5_000_000
    noise = random.Random(1)
    with Registry(single_image([[Member("f", body=noise.getrandbits(8 * size).to_bytes(size, "big"))]])) as registry:
        limited = (
            "import resource, sys; from layerslayer.cli.main import main;"
            " resource.setrlimit(resource.RLIMIT_FSIZE, ({0}, {0})); sys.exit(main(sys.argv[1:]))"
        ).format(size - short)
        words = ["--cache-dir", str(tmp_path / "cache"), "-q"]
        assert way or main(["ls", registry.target, *words]) == 0
        ran = subprocess.run(
            [sys.executable, "-c", limited, "cat", registry.target, "/f", *words, *way],
            cwd=str(ROOT),
            capture_output=True,
            timeout=60,
        )
    assert ran.returncode == 2 and not ran.stdout
    assert ran.stderr.startswith(b"Error: A temporary file cannot be written: ") and b"Traceback" not in ran.stderr


def test_an_undecodable_answer_is_asked_again(tmp_path: Path) -> None:
    environment = dict(os.environ, PYTHONPATH=str(ROOT), PYTHONIOENCODING="utf-8:strict")
    with Registry() as registry:
        ran = subprocess.run(
            [sys.executable, "-m", "layerslayer", "-t", registry.target, "--layer", "3"],
            cwd=str(tmp_path),
            env=environment,
            input=b"\xff\xfe\n0\nn\n",
            capture_output=True,
            timeout=60,
        )
    assert b"Traceback" not in ran.stderr
    assert ran.returncode == 0
    assert ran.stderr.count(b"Error: ") == 1


def test_closed_standard_streams_do_no_harm(tmp_path: Path) -> None:
    code = (
        "import sys; sys.stdin = sys.stderr = None; from layerslayer.cli.main import main;"
        "sys.exit(main(['--demo', '--peek-all', '--layer', '3', '--platform', 'linux/amd64']))"
    )
    child = process(["-c", code], tmp_path)
    out, err = child.communicate(timeout=60)
    assert (child.returncode, err) == (0, b"")
    assert out.count(b"; complete.") == 1


def test_main_takes_the_process_s_own_arguments(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["layerslayer", "--version"])
    assert main() == 0
    assert capsys.readouterr().out.startswith("layerslayer ")
