"""Images of this machine: listed as the registry's are, and without its means."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import List

import pytest

import layerslayer
from layerslayer.demo.image import Member, tar_of

from ..support.registry import Registry, store
from ..support.registry.layouts import layout_files, saved_members, write_folder, write_tar
from ..support.registry.running import Runner

AMD64 = ("--platform", "linux/amd64")
STORE = store()
FILES = layout_files(STORE, [("1.0", next(iter(STORE.tags.values())))])


@pytest.mark.parametrize("platform", ["linux/amd64", "linux/arm64", "all"])
def test_a_layout_lists_as_the_registry_does(run: Runner, platform: str) -> None:
    write_folder(run.folder / "layout", FILES)
    write_tar(run.folder / "layout.tar", list(FILES.items()))
    with Registry() as registry:
        expected = run("--peek-all", "-t", "docker://" + registry.target, "--platform", platform, "--no-cache")
    assert expected.code == 0
    for target in ("oci:layout:1.0", "oci:layout", "oci-archive:layout.tar:1.0", "oci-archive:layout.tar"):
        ran = run("--peek-all", "-t", target, "--platform", platform, "--no-cache")
        assert (ran.code, ran.out) == (0, expected.out)
        assert "Image {}  linux/".format(target) in ran.err


def test_a_docker_archive_is_listed_and_saved(run: Runner) -> None:
    layers = [tar_of([Member("one", body=b"1")]), tar_of([Member("two", body=b"2")])]
    write_tar(run.folder / "saved.tar", saved_members(layers))
    ran = run("--peek-all", "-t", "docker-archive:saved.tar", *AMD64)
    assert ran.code == 0 and ran.out.count("digest verified; complete.") == 2
    assert [line.rpartition(" ")[2] for line in ran.out.splitlines() if line.startswith("-rw")] == ["one", "two"]
    assert run("--save-all", "-t", "docker-archive:saved.tar:demo/shop:1").code == 0
    folder = run.folder / "downloads" / "docker-archive_saved.tar" / "demo_shop-1"
    assert sorted(path.read_bytes() for path in folder.glob("*.tar")) == sorted(layers)


def test_a_changed_layer_is_noticed(run: Runner) -> None:
    layer = tar_of([Member("one", body=b"1")])
    write_tar(run.folder / "saved.tar", saved_members([layer], [layer.replace(b"one", b"two")]))
    ran = run("--peek-all", "-t", "docker-archive:saved.tar")
    assert ran.code == 2 and "digest NOT verified" in ran.out


def test_asked_for_the_image_a_local_one_may_be_named(run: Runner) -> None:
    write_folder(run.folder / "layout", FILES)
    ran = run(*AMD64, "--layer", "3", typed="oci:\noci:layout\nn\n")
    assert ran.code == 0
    assert "etc/.wh.motd" in ran.out
    assert "'oci:' is not an image reference: the path is missing." in ran.err


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("oci:nothing", "The folder nothing cannot be read: it does not exist."),
        ("oci-archive:nothing.tar:1", "'nothing.tar' cannot be read: No such file or directory."),
        ("oci:layout:2", "'layout' holds no image '2'. Name one of: 1.0."),
        (
            "docker-archive:layout.tar",
            "'layout.tar' is not what docker save writes: 'layout.tar' has no manifest.json.",
        ),
        ("oci:evil\x1b[31m", "The folder evil\\x1b[31m cannot be read"),
    ],
)
def test_what_is_not_there_is_a_sentence(run: Runner, target: str, said: str) -> None:
    write_folder(run.folder / "layout", FILES)
    write_tar(run.folder / "layout.tar", list(FILES.items()))
    ran = run("--peek-all", "-t", target)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("Error: " + said) and ran.err.count("\n") == 1


@pytest.mark.parametrize("arguments", [["--peek-all"], ["--save-all"]], ids=" ".join)
def test_no_http_library_is_loaded_and_no_token_read(tmp_path: Path, arguments: List[str]) -> None:
    write_folder(tmp_path / "layout", FILES)
    (tmp_path / "token.txt").write_text("not a token at all, which would be told")
    command = [*arguments, "-t", "oci:layout:1.0", *AMD64]
    code = (
        "import sys; from layerslayer.cli.main import main; code = main({!r});"
        "heavy = {{'requests', 'urllib3', 'http.client', 'ssl', 'socket', 'ipaddress'}} & set(sys.modules);"
        "sys.exit('loaded: {{}}'.format(sorted(heavy)) if heavy else code)"
    ).format(command)
    environment = dict(os.environ, PYTHONPATH=str(Path(layerslayer.__file__).parent.parent))
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=str(tmp_path), env=environment, capture_output=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert b"oken" not in done.stderr
