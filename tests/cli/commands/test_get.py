"""get and cat: files out of an image, as a container would open them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import List, Sequence

import pytest

from ...support.files import BASE, UPPER, directory, file, link, objects
from ...support.registry import Registry, store
from ...support.registry.faults import altered, flipped, layer_digests, single_image
from ...support.registry.running import Runner

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize(
    "path, body",
    [
        ("/etc/passwd", b"root\nme\n"),
        ("etc/hard", b"root\n"),
        ("/bin/sh", b"#!tool\n"),
        ("usr/bin/sh", b"#!tool\n"),
        ("/escape", b"root\nme\n"),
        ("srv/new", b"new\n"),
    ],
)
def test_cat_opens_what_a_container_would(run: Runner, path: str, body: bytes) -> None:
    with Registry(single_image([BASE, UPPER])) as registry:
        ran = run("cat", registry.target, path)
    assert (ran.code, ran.out.encode()) == (0, body)


@pytest.mark.parametrize("path", ["/etc/motd", "/nope", "/loop", "/loop/x", "/etc/passwd/x", "../x"])
def test_cat_says_no(run: Runner, path: str) -> None:
    with Registry(single_image([BASE, UPPER])) as registry:
        ran = run("cat", registry.target, path)
    assert (ran.code, ran.out) == (1, "")
    assert "was not got" in ran.err


def test_an_older_version_comes_from_its_layer(run: Runner) -> None:
    with Registry(single_image([BASE, UPPER])) as registry:
        assert run("cat", registry.target, "/etc/passwd", "--layer", "0").out == "root\n"
        assert run("cat", registry.target, "/etc/motd", "--layer", "0").out == "old\n"


def test_a_file_is_had_without_the_rest_of_its_layer(run: Runner) -> None:
    noise = os.urandom(6_000_000)
    layers = [[file("etc/passwd", b"root\n"), file("noise", noise)]]
    with Registry(single_image(layers)) as registry:
        ran = run("get", registry.target, "/etc/passwd", "--json")
        whole = run("get", registry.target, "/etc/passwd", "--json", "--verify")
    summary, verified = objects(ran, "summary")[0], objects(whole, "summary")[0]
    assert summary["bytes_read"] < 600_000 and not summary["verified"]
    assert verified["bytes_read"] > 6_000_000 and verified["verified"]


def test_get_writes_directories_globs_and_modes(run: Runner) -> None:
    with Registry(single_image([BASE, UPPER])) as registry:
        ran = run("get", registry.target, "/etc", "usr/bin/*", "-o", "out")
    assert ran.code == 0
    assert {str(path.relative_to(run.folder / "out")) for path in (run.folder / "out").rglob("*")} == {
        "etc", "etc/passwd", "etc/hard", "usr", "usr/bin", "usr/bin/tool", "usr/bin/sh",
    }  # fmt: skip
    assert (run.folder / "out/etc/hard").read_bytes() == b"root\n"
    tool = run.folder / "out/usr/bin/tool"
    assert tool.stat().st_mode & 0o7000 == 0 and tool.stat().st_mode & 0o100
    assert "links, devices" not in ran.err


def test_nothing_is_written_through_links_that_stand_in_the_way(run: Runner) -> None:
    outside = run.folder / "outside"
    outside.mkdir()
    (run.folder / "out").mkdir()
    (run.folder / "out/etc").symlink_to(outside)
    with Registry(single_image([BASE])) as registry:
        ran = run("get", registry.target, "/etc/passwd", "-o", "out")
        (run.folder / "out/etc").unlink()
        (run.folder / "out/etc").mkdir()
        (run.folder / "out/etc/passwd").symlink_to(outside / "hit")
        second = run("get", registry.target, "/etc/passwd", "-o", "out")
    assert ran.code == 2 and "cannot be written" in ran.err
    assert second.code == 0
    assert list(outside.iterdir()) == []
    assert (run.folder / "out/etc/passwd").read_bytes() == b"root\n"


@pytest.mark.parametrize("asked", ["/etc/passwd", "/etc", "/etc/*"])
def test_what_the_disk_refuses_is_one_sentence_and_the_end(run: Runner, asked: str) -> None:
    (run.folder / "out").write_text("a file in the way of the folder")
    with Registry() as registry:
        ran = run("get", registry.target, asked, "-o", "out/more")
    assert ran.code == 2
    assert [line for line in ran.err.splitlines() if "out/more" in line] == [
        "Error: The path out/more cannot be written: Not a directory. Choose another folder with -o."
    ]
    assert "could not be read" not in ran.err


@pytest.mark.parametrize("verb", [["get", "{}", "/etc/passwd"], ["save", "{}"], ["save", "{}", "--format", "oci"]])
def test_a_folder_too_deep_for_any_disk_is_one_sentence(run: Runner, verb: List[str]) -> None:
    with Registry() as registry:
        words = [word.format(registry.target) for word in verb]
        ran = run(*words, "--platform", "linux/amd64", "-o", os.path.join(*["deep"] * 1500))
    assert ran.code == 2 and ran.err.count("Error: The ") == 1 and "Traceback" not in ran.err


def test_a_path_is_told_as_it_is_written(run: Runner) -> None:
    (run.folder / "carved").write_text("a file in the way of the folder")
    with Registry() as registry:
        ran = run("get", registry.target, "/etc/passwd")
    assert ran.code == 2 and "Error: The path carved cannot be written: " in ran.err


def test_hostile_names_write_nothing_outside(run: Runner) -> None:
    evil = [
        file("../up", b"evil"), file("a/../../up", b"evil"), file("/abs", b"abs"),
        link("dir", "/"), file("dir/x", b"x"), file("nl\n\x1b[31m", b"name"),
    ]  # fmt: skip
    with Registry(single_image([evil])) as registry:
        run("get", registry.target, "**", "-o", "deep/er/out")
        listing = run("ls", registry.target)
    written = sorted(str(path.relative_to(run.folder)) for path in run.folder.rglob("*") if path.is_file())
    assert written == ["deep/er/out/abs", "deep/er/out/nl%0A%1B[31m", "deep/er/out/x"]
    assert "\x1b" not in listing.out and "is left out: '..' in its name" in listing.err


def test_a_corrupt_layer_leaves_no_file_and_says_so(run: Runner) -> None:
    content = store()
    digest = layer_digests(content)[2]
    with Registry(content) as registry:
        registry.fault("/blobs/" + digest, altered(flipped))
        got = run("get", registry.target, "/srv/app/main.py", "--platform", "linux/amd64", "--verify")
        listed = run("ls", registry.target, "/", "--platform", "linux/amd64")
    assert got.code == 2 and not list(run.folder.rglob("*.py"))
    assert listed.code == 3 and "view is incomplete" in listed.err


def test_a_name_that_looks_like_a_glob_is_a_name_first(run: Runner) -> None:
    layers = [[file("usr/bin/[", b"test"), file("a*b", b"star"), file("axb", b"x")], [file("usr/bin/.wh.["), file("q")]]
    with Registry(single_image(layers)) as registry:
        assert run("cat", registry.target, "/usr/bin/[", "--layer", "0").out == "test"
        assert run("cat", registry.target, "/a*b").out == "star"
        assert run("get", registry.target, "/usr/bin/[", "--layer", "0", "-o", "old").code == 0
        assert (run.folder / "old/usr/bin/[").read_bytes() == b"test"
        assert run("get", registry.target, "/a?b", "-o", "out").code == 0
        assert run("get", registry.target, "/x[", "-o", "out").code == 2
    assert sorted(path.name for path in (run.folder / "out").iterdir()) == ["a*b", "axb"]


def test_cat_shows_no_directory_and_goes_up(run: Runner) -> None:
    with Registry(single_image([BASE, UPPER])) as registry:
        directories = [run("cat", registry.target, path) for path in ("/etc", "bin", "bin/..")]
        up = run("cat", registry.target, "bin/../../etc/passwd")
        run("get", registry.target, "/bin/../sh")
    assert [(ran.code, ran.out) for ran in directories] == [(1, "")] * 3
    assert all("it is a directory" in ran.err for ran in directories)
    assert (up.code, up.out) == (0, "root\nme\n")


def test_cat_shows_the_files_that_a_glob_matches_not_those_below_directories(run: Runner) -> None:
    with Registry(single_image([[file("a1/below", b"no\n"), file("a2", b"yes\n"), file("a3", b"too\n")]])) as registry:
        some, none = run("cat", registry.target, "a?"), run("cat", registry.target, "*1")
    assert (some.code, sorted(some.out.split())) == (0, ["too", "yes"])
    assert (none.code, none.out) == (1, "") and "'*1' was not got: it matches only directories" in none.err


def test_a_glob_follows_the_links_to_files_that_it_names(run: Runner) -> None:
    with Registry(single_image([BASE])) as registry:
        ran = run("get", registry.target, "usr/bin/s?", "esc*")
        nothing = run("get", registry.target, "lo*")
    assert ran.code == 0
    assert (run.folder / "carved/usr/bin/sh").read_bytes() == b"#!tool\n"
    assert (run.folder / "carved/escape").read_bytes() == b"root\n"
    assert nothing.code == 1 and "1 link, device or the like was not written" in nothing.err


def test_a_name_that_the_disk_does_not_take_costs_that_file_alone(run: Runner) -> None:
    layer = [file("a"), file("x" * 300), directory("y" * 300), file("z/b"), file("in-the-way")]
    (run.folder / "out/in-the-way").mkdir(parents=True)
    with Registry(single_image([layer])) as registry:
        ran = run("get", registry.target, "**", "-o", "out")
    assert ran.code == 3 and ran.err.count("was not got: the path out") == 3
    assert sorted(path.name for path in (run.folder / "out").rglob("*") if path.is_file()) == ["a", "b"]


_FEW_FILES = """
import resource, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (40, 40))
from layerslayer.cli.main import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no such limit here")
@pytest.mark.parametrize("words", [("{}", "**", "-o", "out"), ("--batch", "list", "7")])
def test_folders_and_files_are_let_go_of_at_once(tmp_path: Path, words: Sequence[str]) -> None:
    """However many directories and images there are. In a process of its own: the registry needs files as well."""
    layer = [file("{}/{}".format(number % 60, number)) for number in range(120)]
    with Registry(single_image([layer])) as registry:
        (tmp_path / "list").write_text((registry.target + "\n") * 50)
        ran = subprocess.run(
            [sys.executable, "-c", _FEW_FILES, "get", *(word.format(registry.target) for word in words)],
            cwd=str(tmp_path),
            env={**os.environ, "PYTHONPATH": str(ROOT), "LAYERSLAYER_CACHE_DIR": str(tmp_path / "cache")},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=120,
        )
    assert ran.returncode == 0, ran.stdout.decode()
