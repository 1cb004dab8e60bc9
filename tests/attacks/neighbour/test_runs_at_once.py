"""Several runs in one folder, and what runs left there that were killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import List

import pytest

import layerslayer
from layerslayer.demo.image import Member, Store, add_image, tar_of
from layerslayer.errors import LocalFileError
from layerslayer.export import oci_layout_index
from layerslayer.export.atomic_file import NewFile, clear
from layerslayer.export.file_lock import lock
from layerslayer.export.output_folder import Folder, Root, opened
from layerslayer.export.partial_file import beginning_of
from layerslayer.oci.descriptor import Descriptor
from layerslayer.oci.layout import REF_NAME

from ...support.registry import NAME, Registry, store
from ...support.registry.faults import any_of, layer_digests, stalled
from ...support.registry.running import Runner
from .owners import Owners

ROOT = Path(layerslayer.__file__).parent.parent
AMD64 = ("--platform", "linux/amd64")
LEFT = ".layerslayer-new-0123456789abcdef.part"
OLD = ".layerslayer-0123456789abcdef.part"  # as earlier versions called what they wrote
BEGUN = beginning_of(Descriptor("", "sha256:" + "a" * 64, 1, {}))
A_WEEK = 8 * 24 * 3600


def process(folder: Path, *arguments: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, *arguments],
        cwd=str(folder),
        env=dict(os.environ, PYTHONPATH=os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )


def here(path: Path) -> Folder:
    return opened(Root(str(path)))


def tagged(*tags: str) -> Store:
    content = Store({}, {}, {})
    for tag in tags:
        described = add_image(
            content, [tar_of([Member(tag, body=tag.encode())])], {"os": "linux", "architecture": "amd64"}
        )
        content.tags[(NAME, tag)] = described["digest"]
    return content


def test_six_savers_into_one_layout_are_all_named(tmp_path: Path) -> None:
    tags = ["t{}".format(number) for number in range(6)]
    with Registry(tagged(*tags)) as registry:
        running = [
            process(tmp_path, str(ROOT / "layerslayer.py"), "save", "{}/{}:{}".format(registry.host, NAME, tag),
                    "--format", "oci", "-o", "out")
            for tag in tags
        ]  # fmt: skip
        ended = [(each.communicate(timeout=120)[1], each.returncode) for each in running]
    assert [code for _, code in ended] == [0] * 6, ended
    (layout,) = (tmp_path / "out").iterdir()
    index = json.loads((layout / "index.json").read_text())
    assert sorted(entry["annotations"][REF_NAME] for entry in index["manifests"]) == tags
    assert sorted(path.name for path in layout.iterdir()) == ["blobs", "index.json", "oci-layout"]


def test_an_index_that_cannot_be_written_leaves_no_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> str:
        raise LocalFileError("no space left")

    monkeypatch.setattr(oci_layout_index, "save_bytes", full)
    with pytest.raises(LocalFileError):
        oci_layout_index.update_index(here(tmp_path), {"digest": "sha256:" + "a" * 64}, "name")
    assert list(tmp_path.iterdir()) == []


def test_what_another_run_adds_meanwhile_stays(run: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the moment: the other adds while this one has fetched all but not yet named it."""
    with Registry(tagged("one", "two")) as registry:
        words = ("save", "--format", "oci", "-o", "out")
        name = "{}/{}:".format(registry.host, NAME)
        inner: List[int] = []
        update = oci_layout_index.update_index

        def late(*arguments: object) -> None:
            if not inner:
                inner.append(0)
                inner[0] = run(*words, name + "two").code
            update(*arguments)  # type: ignore[arg-type]

        monkeypatch.setattr("layerslayer.export.oci_layout.update_index", late)
        assert (run(*words, name + "one").code, inner) == (0, [0])
    (path,) = (run.folder / "out").rglob("index.json")
    assert len(json.loads(path.read_text())["manifests"]) == 2


def test_a_lock_that_is_never_let_go_ends_in_a_sentence(run: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(oci_layout_index, "_PATIENCE", 0.0)
    with Registry(tagged("one")) as registry:
        words = ("save", "{}/{}:one".format(registry.host, NAME), "--format", "oci")
        assert run(*words).code == 0
        (layout,) = (run.folder / "downloads").iterdir()
        with open(str(layout / ".layerslayer-index.lock"), "w+b", buffering=0) as theirs:
            lock(theirs)
            ran = run(*words)
        again = run(*words)  # the one that had it is gone, and its file is still there
    assert ran.code == 2 and "another run is adding to the layout" in ran.err.lower()
    assert again.code == 0 and not (layout / ".layerslayer-index.lock").exists()


def test_where_no_locks_are_to_be_had_it_works_all_the_same(run: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(file: object) -> None:
        raise OSError(95, "Operation not supported")

    for room in ("atomic_file", "partial_file", "oci_layout_index"):
        monkeypatch.setattr("layerslayer.export.{}.lock".format(room), refuse)
    with Registry(tagged("one", "two")) as registry:
        for tag in ("one", "two"):
            name = "{}/{}:{}".format(registry.host, NAME, tag)
            assert run("save", name, "--format", "oci").code == run("save", name).code == 0
            assert run("get", name, tag).code == 0
    (path,) = (run.folder / "downloads").rglob("index.json")
    assert len(json.loads(path.read_text())["manifests"]) == 2
    assert list(run.folder.rglob(".layerslayer-*")) == []


@pytest.mark.parametrize("form", ["oci", "oci-archive", "docker-archive"])
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no such end here")
def test_what_a_killed_export_left_is_cleared_by_the_next(run: Runner, form: str) -> None:
    words = ("--format", form, *AMD64, "-o", "out")
    with Registry() as registry:
        layer = any_of(layer_digests(store())[:1])
        registry.fault(layer, stalled(40000), times=1)
        child = process(run.folder, str(ROOT / "layerslayer.py"), "save", registry.target, *words)
        while not registry.asked(layer):  # by then there is the file that it is for
            assert child.poll() is None, child.communicate()
            time.sleep(0.01)
        living = list(run.folder.rglob(".layerslayer-new-*"))
        assert run("save", registry.target, *words, "-q").code == 0
        assert [path for path in living if path.exists()]  # it lives, and what it writes is left alone
        child.send_signal(signal.SIGKILL)
        child.communicate(timeout=60)
        assert list(run.folder.rglob(".layerslayer-new-*"))
        assert run("save", registry.target, *words, "-q").code == 0
    assert list(run.folder.rglob(".layerslayer-*")) == []


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no such end here")
def test_what_a_killed_get_left_is_cleared_by_the_next(run: Runner) -> None:
    (run.folder / "carved" / "etc").mkdir(parents=True)
    (run.folder / "carved" / "etc" / LEFT).write_bytes(b"half")
    with Registry() as registry:
        assert run("get", registry.target, "/etc/passwd", *AMD64).code == 0
    assert [path.name for path in (run.folder / "carved" / "etc").iterdir()] == ["passwd"]


def test_what_is_not_surely_left_by_us_stays(tmp_path: Path, owners: Owners) -> None:
    names = [LEFT.replace("0", digit) for digit in "abcdef"]
    foreign, locked, linked, pipe, folder, left = (tmp_path / name for name in names)
    for path in (foreign, locked, linked, left):
        path.write_bytes(b"x")
    os.link(str(linked), str(tmp_path / "second name"))
    os.mkfifo(str(pipe))
    folder.mkdir()
    (tmp_path / LEFT.replace("0123", "zzzz")).symlink_to(left)
    owners.give(foreign)
    with open(str(locked), "r+b") as file:
        lock(file)
        NewFile(here(tmp_path)).close()
    assert not left.exists()
    assert all(os.path.lexists(str(path)) for path in (foreign, locked, linked, pipe, folder))
    assert len(list(tmp_path.iterdir())) == 7


def test_a_folder_is_looked_through_once(tmp_path: Path) -> None:
    folder = here(tmp_path)
    NewFile(folder).close()
    (tmp_path / LEFT).write_bytes(b"x")
    NewFile(folder).close()
    NewFile(folder.inner("sub")).close()
    assert (tmp_path / LEFT).exists()


def test_a_file_that_a_clearing_run_took_is_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between its making and its lock another run may think that it was left behind."""
    taken: List[str] = []

    def late(file: object) -> None:
        if not taken:
            taken.extend(os.listdir(str(tmp_path)))
            clear(here(tmp_path), os.stat(str(tmp_path)).st_uid)
        lock(file)  # type: ignore[arg-type]

    monkeypatch.setattr("layerslayer.export.atomic_file.lock", late)
    with NewFile(here(tmp_path)) as new:
        monkeypatch.setattr("layerslayer.export.atomic_file.lock", lock)
        new.write(b"x")
        new.keep("name")
    assert len(taken) == 1 and os.listdir(str(tmp_path)) == ["name"]


def test_beginnings_that_nobody_goes_on_with_are_cleared_after_a_week(run: Runner) -> None:
    wanted = beginning_of(Descriptor("", layer_digests(store())[0], 1, {}))
    with Registry() as registry:
        assert run("save", registry.target, *AMD64, "--layer", "3").code == 0
        (folder,) = (path.parent for path in run.folder.rglob("manifest.json"))
        for name, age in ((OLD, A_WEEK), (BEGUN, A_WEEK), (BEGUN.replace("a", "b"), 3600), (wanted, A_WEEK)):
            (folder / name).write_bytes(b"begun")
            (folder / name).chmod(0o600)
            os.utime(str(folder / name), (time.time() - age,) * 2)
        assert run("save", registry.target, *AMD64, "--layer", "3").code == 0
    assert sorted(path.name for path in folder.glob(".*")) == sorted([BEGUN.replace("a", "b"), wanted])
