"""Links, pipes and the like where the program writes by names of its own: a cloned repository can carry them."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from types import SimpleNamespace
from typing import Callable, Dict, List, Tuple

import pytest

from layerslayer.export import output_folder
from layerslayer.export.atomic_file import NewFile
from layerslayer.export.names import image_parts
from layerslayer.export.output_folder import Root, is_link, opened
from layerslayer.oci.reference import parse_target

from ...support.registry import Registry, store
from ...support.registry.faults import layer_digests
from ...support.registry.running import Ran, Runner

AMD64 = ("--platform", "linux/amd64")
pytestmark = pytest.mark.skipif(not hasattr(os, "symlink"), reason="no symlinks here")


@pytest.fixture(params=["by descriptor", "by path"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both ways to reach folders; systems without descriptors of folders have the second alone."""
    if request.param == "by path":
        monkeypatch.setattr(output_folder, "_BY_DESCRIPTOR", False)
    elif not output_folder._BY_DESCRIPTOR:
        pytest.skip("no descriptors of folders here")
    return str(request.param)


VERBS: Dict[str, List[str]] = {
    "save": ["save", "{}"],
    "--save-all": ["--save-all", "-t", "{}"],
    "oci": ["save", "{}", "--format", "oci"],
    "oci-archive": ["save", "{}", "--format", "oci-archive"],
    "docker-archive": ["save", "{}", "--format", "docker-archive"],
    "get": ["get", "{}", "/etc/passwd", "/srv"],
    "get --batch": ["get", "--batch", "list", "/etc/passwd"],
}
# What is a link, below the current folder; {0} and {1} are the image's own folders, {2} its layout.
PLANTED = [
    ("save", "downloads"), ("--save-all", "downloads"), ("save", "downloads/{0}"), ("save", "downloads/{0}/{1}"),
    ("oci", "downloads"), ("oci", "downloads/{2}"), ("oci", "downloads/{2}/blobs"),
    ("oci", "downloads/{2}/blobs/sha256"), ("oci-archive", "downloads"), ("docker-archive", "downloads"),
    ("get", "carved"), ("get", "carved/etc"), ("get", "carved/srv"), ("get --batch", "carved"),
    ("get --batch", "carved/{0}"), ("get --batch", "carved/{0}/{1}"), ("get --batch", "carved/{0}/{1}/etc"),
]  # fmt: skip


def carried_out(run: Runner, registry: Registry, verb: str, *more: str) -> Ran:
    (run.folder / "list").write_text(registry.target + "\n")
    return run(*[word.format(registry.target) for word in VERBS[verb]], *AMD64, *more)


def named(registry: Registry, path: str) -> str:
    parts = image_parts(parse_target(registry.target))
    return path.format(*parts, parts[0] + ".oci")


@pytest.mark.parametrize("verb, path", PLANTED, ids=["{} {}".format(*item) for item in PLANTED])
@pytest.mark.parametrize("dangling", [False, True], ids=["a folder", "nothing"])
def test_a_planted_link_is_not_followed(run: Runner, way: str, verb: str, path: str, dangling: bool) -> None:
    outside = run.folder / "elsewhere"
    with Registry() as registry:
        link = run.folder / named(registry, path)
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(outside, target_is_directory=True)
        if not dangling:
            outside.mkdir()
        ran = carried_out(run, registry, verb)
    assert ran.code in (2, 3) and "it is a link, and is not followed" in ran.err and "-o" in ran.err
    assert link.is_symlink()
    assert list(outside.iterdir()) == [] if outside.exists() else dangling


@pytest.mark.parametrize("verb", list(VERBS))
def test_what_the_user_names_may_be_a_link(run: Runner, way: str, verb: str) -> None:
    """It is the user's own choice: /tmp is a link on some systems."""
    (run.folder / "real").mkdir()
    (run.folder / "mine").symlink_to("real", target_is_directory=True)
    with Registry() as registry:
        ran = carried_out(run, registry, verb, "-o", os.path.join("mine", "deep", "er"))
    assert ran.code in (0, 3), ran.err  # 3: links below /srv are left out
    assert [path for path in (run.folder / "real" / "deep" / "er").rglob("*") if path.is_file()]


def a_link(place: Path, victim: Path) -> None:
    place.symlink_to(victim)


def a_hardlink(place: Path, victim: Path) -> None:
    os.link(str(victim), str(place))


def a_pipe(place: Path, victim: Path) -> None:
    os.mkfifo(str(place))


FINAL = [
    ("save", "downloads/{0}/{1}/manifest.json"),
    ("save", "downloads/{0}/{1}/config.json"),
    ("save", "downloads/{0}/{1}/0_{3}.tar.gz"),
    ("oci", "downloads/{2}/oci-layout"),
    ("oci", "downloads/{2}/blobs/sha256/{3}"),
    ("oci-archive", "downloads/{0}_{1}.oci.tar"),
    ("docker-archive", "downloads/{0}_{1}.docker.tar"),
    ("get", "carved/etc/passwd"),
]


@pytest.mark.parametrize("plant", [a_link, a_hardlink, a_pipe])
@pytest.mark.parametrize("verb, path", FINAL, ids=[item[1] for item in FINAL])
def test_what_bears_a_final_name_is_replaced(
    run: Runner, way: str, verb: str, path: str, plant: Callable[[Path, Path], None]
) -> None:
    victim = run.folder / "victim"
    victim.write_bytes(b"precious")
    with Registry() as registry:
        parts = image_parts(parse_target(registry.target))
        place = run.folder / path.format(*parts, parts[0] + ".oci", layer_digests(store())[0][7:])
        place.parent.mkdir(parents=True)
        plant(place, victim)
        ran = carried_out(run, registry, verb)
    assert ran.code in (0, 3), ran.err
    info = os.lstat(str(place))
    assert stat.S_ISREG(info.st_mode) and info.st_nlink == 1 and info.st_size
    assert victim.read_bytes() == b"precious"


@pytest.mark.parametrize("plant", [a_link, a_pipe])
def test_an_index_that_is_no_file_is_not_added_to(run: Runner, way: str, plant: Callable[[Path, Path], None]) -> None:
    victim = run.folder / "victim"
    victim.write_bytes(b'{"schemaVersion":2,"manifests":[]}')
    with Registry() as registry:
        place = run.folder / named(registry, "downloads/{2}/index.json")
        place.parent.mkdir(parents=True)
        plant(place, victim)
        ran = carried_out(run, registry, "oci")
        assert not registry.asked(layer_digests(store())[0])
    assert ran.code == 2 and ran.err.count("Error: Nothing can be added to the layout ") == 1
    assert victim.read_bytes() == b'{"schemaVersion":2,"manifests":[]}'


@pytest.mark.parametrize("plant", [a_link, a_pipe])
def test_a_lock_that_is_no_file_is_told(run: Runner, plant: Callable[[Path, Path], None]) -> None:
    victim = run.folder / "victim"
    victim.write_bytes(b"precious")
    with Registry() as registry:
        place = run.folder / named(registry, "downloads/{2}/.layerslayer-index.lock")
        place.parent.mkdir(parents=True)
        plant(place, victim)
        ran = carried_out(run, registry, "oci")
    assert ran.code == 2 and ".layerslayer-index.lock cannot be used: it is " in ran.err
    assert victim.read_bytes() == b"precious" and not (place.parent / "index.json").exists()


@pytest.mark.parametrize("verb", ["save", "oci"])
def test_the_right_bytes_behind_a_link_do_not_count_as_there(run: Runner, way: str, verb: str) -> None:
    with Registry() as registry:
        assert carried_out(run, registry, verb).code == 0
        digest = layer_digests(store())[0]
        (place,) = (run.folder / "downloads").rglob("*{}*".format(digest[7:]))
        moved = run.folder / "moved"
        place.rename(moved)
        place.symlink_to(moved)
        planned = carried_out(run, registry, verb, "--plan") if verb == "save" else None
        ran = carried_out(run, registry, verb)
    assert ran.code == 0 and not place.is_symlink() and place.read_bytes() == moved.read_bytes()
    assert planned is None or planned.out.count("already there") == 3


def test_a_folder_that_is_swapped_for_a_link_is_still_the_one_that_was_looked_at(tmp_path: Path) -> None:
    if not output_folder._BY_DESCRIPTOR:
        pytest.skip("no descriptors of folders here")
    (tmp_path / "outside").mkdir()
    folder = opened(Root(str(tmp_path)), ["mine", "inner"])
    (tmp_path / "mine" / "inner").rename(tmp_path / "moved")
    (tmp_path / "mine" / "inner").symlink_to(tmp_path / "outside")
    with NewFile(folder) as file:
        file.write(b"x")
        file.keep("name")
    assert os.listdir(str(tmp_path / "outside")) == [] and os.listdir(str(tmp_path / "moved")) == ["name"]


@pytest.mark.parametrize(
    ("fields", "leads_away"),
    [
        ((stat.S_IFDIR, 0x410, 0xA0000003), True),  # a junction
        ((stat.S_IFDIR, 0x410, 0x9000001A), False),  # a folder that a cloud keeps
        ((stat.S_IFDIR, 0x10, 0), False),
        ((stat.S_IFDIR, 0x410, None), True),  # a Python that does not say which
        ((stat.S_IFLNK, 0, 0), True),
    ],
)
def test_junctions_of_windows_are_links(fields: Tuple[int, int, int], leads_away: bool) -> None:
    info = SimpleNamespace(st_mode=fields[0], st_file_attributes=fields[1], st_reparse_tag=fields[2])
    if fields[2] is None:
        del info.st_reparse_tag
    assert is_link(info) is leads_away  # type: ignore[arg-type]


def test_a_file_of_an_image_is_not_named_as_what_is_not_finished_is(run: Runner) -> None:
    from layerslayer.demo.image import Member

    from ...support.registry.faults import single_image

    name = ".layerslayer-new-0123456789abcdef.part"
    with Registry(single_image([[Member(name, body=b"x")]])) as registry:
        for _ in range(2):
            assert run("get", registry.target, name, "-o", "out").code == 0
    assert os.listdir(str(run.folder / "out")) == ["%2E" + name[1:]]
