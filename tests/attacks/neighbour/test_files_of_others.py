"""Another user of this machine has put files where the program writes, or can read what it writes."""

from __future__ import annotations

import hashlib
import io
import os
import stat
import sys
from pathlib import Path
from typing import BinaryIO, Callable, List

import pytest

from layerslayer.demo.image import Member
from layerslayer.export.download import save_blob
from layerslayer.export.output_folder import Folder, Root, opened
from layerslayer.export.partial_file import PartialFile, beginning_of
from layerslayer.export.transfer import BlobTransfer
from layerslayer.oci.descriptor import Descriptor

from ...support.files import directory, file, link
from ...support.registry import Registry, store
from ...support.registry.faults import any_of, cut, layer_digests, single_image
from ...support.registry.running import Runner
from .owners import Owners

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="other permissions")
AMD64 = ("--platform", "linux/amd64")
BODY = b"body of a blob"
DESCRIPTOR = Descriptor("application/x", "sha256:" + hashlib.sha256(BODY).hexdigest(), len(BODY), {})


def here(tmp_path: Path) -> Folder:
    return opened(Root(str(tmp_path)))


def begun(tmp_path: Path, mode: int = 0o600) -> Path:
    path = tmp_path / beginning_of(DESCRIPTOR)
    path.write_bytes(BODY[:5])
    path.chmod(mode)
    return path


def saved(tmp_path: Path) -> List[int]:
    """Download the blob; return where the rest was asked for from."""
    asked: List[int] = []

    def rest(start: int) -> BinaryIO:
        asked.append(start)
        return io.BytesIO(BODY[start:])

    path = save_blob(here(tmp_path), "0_x", ".blob", DESCRIPTOR, BlobTransfer(lambda: io.BytesIO(BODY), rest))
    assert Path(path).read_bytes() == BODY
    return asked


@pytest.fixture
def umask() -> Callable[[int], None]:
    before = os.umask(0o022)
    yield os.umask  # type: ignore[misc]
    os.umask(before)


def test_the_users_own_beginning_is_gone_on_with(tmp_path: Path) -> None:
    begun(tmp_path)
    assert saved(tmp_path) == [5] and os.listdir(str(tmp_path)) == ["0_x.blob"]


def test_another_users_beginning_is_not_adopted(tmp_path: Path, owners: Owners) -> None:
    part = begun(tmp_path)
    before = os.stat(str(part)).st_ino
    owners.give(part)
    assert saved(tmp_path) == []
    assert os.stat(str(part)).st_ino == before != os.stat(str(tmp_path / "0_x.blob")).st_ino
    assert part.read_bytes() == BODY[:5]


@pytest.mark.parametrize("mode", [0o666, 0o660, 0o602])
def test_a_beginning_that_others_can_write_is_not_adopted(
    tmp_path: Path, mode: int, umask: Callable[[int], None]
) -> None:
    part = begun(tmp_path, mode)
    with open(str(part), "r+b") as theirs:  # which somebody has open since before
        saved(tmp_path)
        theirs.write(b"evil")
    assert (tmp_path / "0_x.blob").read_bytes() == BODY
    assert os.listdir(str(tmp_path)) == ["0_x.blob"]


def test_a_beginning_with_a_second_name_is_not_written(tmp_path: Path) -> None:
    part = begun(tmp_path)
    os.link(str(part), str(tmp_path / "other"))
    assert saved(tmp_path) == [] and (tmp_path / "other").read_bytes() == BODY[:5]


@pytest.mark.parametrize("mask", [0o022, 0o002, 0o077, 0])
def test_permissions_are_the_usual_ones_in_the_end_and_nobody_elses_before(
    tmp_path: Path, mask: int, umask: Callable[[int], None]
) -> None:
    umask(mask)
    with PartialFile(here(tmp_path), DESCRIPTOR) as part:
        part.write(BODY)
        assert stat.S_IMODE(os.stat(str(tmp_path / beginning_of(DESCRIPTOR))).st_mode) == 0o600
    assert saved(tmp_path) == []  # all of it was there
    assert stat.S_IMODE(os.stat(str(tmp_path / "0_x.blob")).st_mode) == 0o666 & ~mask


@pytest.mark.parametrize("form", ["layers", "oci"])
def test_a_right_file_of_another_user_is_copied_not_fetched(run: Runner, owners: Owners, form: str) -> None:
    """Its owner could change it after it was verified."""
    layer = layer_digests(store())[0]
    words = ("save", "{}", *AMD64, "--format", form)
    with Registry() as registry:
        words = tuple(word.format(registry.target) for word in words)
        assert run(*words).code == 0
        (place,) = (run.folder / "downloads").rglob("*{}*".format(layer[7:]))
        body, number = place.read_bytes(), os.stat(str(place)).st_ino
        owners.give(place)
        asked = len(registry.asked(any_of([layer])))
        assert run(*words).code == 0
        assert len(registry.asked(any_of([layer]))) == asked
    assert place.read_bytes() == body
    assert os.stat(str(place)).st_ino != number


def modes_below(folder: Path) -> dict[str, int]:
    return {
        path.relative_to(folder).as_posix(): stat.S_IMODE(path.lstat().st_mode) for path in sorted(folder.rglob("*"))
    }


SECRETS = [
    directory("etc/"),
    file("etc/plain", mode=0o644),
    file("etc/shadow", mode=0o600),
    file("etc/none", mode=0),
    file("etc/wide", mode=0o666),
    file("etc/suid", mode=0o6755),
    Member("etc/keys/", b"5", 0o700),
    file("etc/keys/key", mode=0o400),
    Member("etc/open/", b"5", 0o1777),
    file("etc/open/f", mode=0o777),
    Member("etc/closed/", b"5", 0o555),
    file("etc/closed/f", mode=0o444),
    file("implied/f", mode=0o640),
    link("way", "etc/keys"),
]
MODES = {
    "etc": 0o755,
    "etc/plain": 0o644,
    "etc/shadow": 0o600,
    "etc/none": 0,
    "etc/wide": 0o644,
    "etc/suid": 0o755,
    "etc/keys": 0o700,
    "etc/keys/key": 0o400,
    "etc/open": 0o755,
    "etc/open/f": 0o755,
    "etc/closed": 0o755,
    "etc/closed/f": 0o444,
    "implied": 0o755,
    "implied/f": 0o640,
}


def test_what_is_got_is_no_wider_than_in_the_image(run: Runner, umask: Callable[[int], None]) -> None:
    with Registry(single_image([SECRETS])) as registry:
        run("get", registry.target, "**", "-o", "all")
        run("get", registry.target, "etc", "implied", "-o", "folders")
        for path in [name for name in MODES if name.rpartition("/")[2] not in ("etc", "keys", "open", "closed")]:
            if path != "implied":
                assert run("get", registry.target, path, "-o", "one", "--no-cache").code == 0
        assert run("get", registry.target, "way/key", "-o", "by link").code == 0
        umask(0o077)
        run("get", registry.target, "**", "-o", "mine")
    assert modes_below(run.folder / "all") == modes_below(run.folder / "folders") == MODES
    assert modes_below(run.folder / "one") == MODES
    assert modes_below(run.folder / "by link") == {"way": 0o700, "way/key": 0o400}
    private = {path: mode & 0o700 for path, mode in MODES.items()}
    assert modes_below(run.folder / "mine") == private


@pytest.mark.parametrize(
    "asked, closed, opened",
    [
        (["**"], 0o700, 0o755),
        (["closed/f", "open/f"], 0o700, 0o700),  # the layer that states it is not read: it may be closed, too
        (["**", "--layer", "1"], 0o700, 0o700),
    ],
)
def test_what_a_layer_further_down_closes_stays_closed(
    run: Runner, umask: Callable[[int], None], asked: List[str], closed: int, opened: int
) -> None:
    below = [Member("closed/", b"5", 0o700), directory("open/")]
    with Registry(single_image([below, [file("closed/f"), file("open/f")]])) as registry:
        assert run("get", registry.target, *asked, "--no-cache").code == 0
    modes = modes_below(run.folder / "carved")
    assert (modes["closed"], modes["open"]) == (closed, opened)


def test_a_file_that_was_there_does_not_keep_its_permissions(run: Runner) -> None:
    place = run.folder / "carved" / "etc" / "shadow"
    place.parent.mkdir(parents=True)
    place.write_bytes(b"old")
    place.chmod(0o666)
    with Registry(single_image([SECRETS])) as registry:
        assert run("get", registry.target, "etc/shadow").code == 0
    assert stat.S_IMODE(place.stat().st_mode) == 0o600 and place.read_bytes() == b"x\n"


def test_the_beginning_of_a_layer_is_the_users_alone(run: Runner, umask: Callable[[int], None]) -> None:
    layer = layer_digests(store())[0]
    with Registry() as registry:
        registry.fault(any_of([layer]), cut(40000), times=6)
        assert run("save", registry.target, *AMD64).code == 3
        (part,) = run.folder.rglob("*.part")
        assert stat.S_IMODE(part.stat().st_mode) == 0o600
        assert run("save", registry.target, *AMD64).code == 0
    (place,) = run.folder.rglob("0_*")
    assert stat.S_IMODE(place.stat().st_mode) == 0o644
