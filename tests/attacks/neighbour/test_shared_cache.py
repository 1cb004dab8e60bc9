"""A cache folder that another user has a hand in: nothing of it is believed, and nothing of theirs is touched."""

from __future__ import annotations

import errno
import gc
import os
import stat
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Iterator, List

import pytest

from layerslayer.cache import KnownLayer, Store
from layerslayer.formats.entry import Entry

from ...support.files import BASE, digests_of
from ...support.registry import Registry
from ...support.registry.faults import single_image
from ...support.registry.running import Ran, Runner

pytestmark = pytest.mark.skipif(not hasattr(os, "geteuid"), reason="no owners here")
LIE = Entry("etc/lie", "-", 0o644, 0, 0, 1, 0, "", "", "", None, {}, 0, False)


@pytest.fixture
def registry() -> Iterator[Registry]:
    with Registry(single_image([BASE])) as running:
        yield running


def lie(folder: Path, registry: Registry) -> None:
    """Keep of the image's layer that it holds one file only, which it does not."""
    store = Store(str(folder))
    store.keep_layer(KnownLayer(digests_of(registry, "1.0")[0], 1, 10**6, "gzip", 0, (), [LIE], {}))
    assert store.size()
    store.close()
    assert [path.name for path in folder.iterdir()] == ["layers.sqlite"]


def owned(monkeypatch: pytest.MonkeyPatch, *paths: Path) -> None:
    """Let paths belong to another user: in truth, where that can be done."""
    if os.geteuid() == 0:
        for path in paths:
            os.lchown(str(path), 65534, 65534)
        return
    lstat, names = os.lstat, {str(path) for path in paths}

    def asked(path: Any, **more: Any) -> os.stat_result:
        found = lstat(path, **more)
        return os.stat_result((*found[:4], found[4] + 1, *found[5:])) if str(path) in names else found

    monkeypatch.setattr(os, "lstat", asked)


def mode(path: Path) -> int:
    return stat.S_IMODE(os.lstat(str(path)).st_mode)


def truth(run: Runner, registry: Registry, *words: str) -> Ran:
    """List the image, which must be as it is, whatever is in the cache."""
    ran = run("find", registry.target, "etc/*", *words)
    assert ran.code == 0 and "etc/passwd" in ran.out and "etc/lie" not in ran.out, ran
    gc.collect()  # a connection that is let go takes files along
    return ran


def refused(run: Runner, registry: Registry, word: str) -> None:
    """The truth is told, with one warning, and the cache is neither used nor touched."""
    before = {path: path.lstat() for path in (run.cache, *run.cache.iterdir())}
    for _ in range(2):
        ran = truth(run, registry)
        assert ran.err.count("Warning") == 1 and word in ran.err and "--cache-dir" in ran.err
    cleared = run("cache", "clear")
    assert cleared.code == 2 and "nothing was forgotten" in cleared.err.lower()
    for path, found in before.items():
        now = path.lstat()
        assert (now.st_mtime, now.st_mode, now.st_uid, now.st_ino) == (
            found.st_mtime,
            found.st_mode,
            found.st_uid,
            found.st_ino,
        )


def test_a_lie_is_believed_where_it_is_our_own(run: Runner, registry: Registry) -> None:
    """So that the tests below can fail."""
    lie(run.cache, registry)
    assert "etc/lie" in run("find", registry.target, "etc/*").out


def test_a_folder_of_another_user(run: Runner, registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    lie(run.cache, registry)
    owned(monkeypatch, run.cache, *run.cache.iterdir())
    refused(run, registry, "belongs to another user")


@pytest.mark.parametrize("ending", ["", "-wal", "-shm", "-journal"])
def test_a_file_of_another_user_in_our_own_folder(
    run: Runner, registry: Registry, monkeypatch: pytest.MonkeyPatch, ending: str
) -> None:
    lie(run.cache, registry)
    planted = run.cache / ("layers.sqlite" + ending)
    planted.touch()
    owned(monkeypatch, planted)
    refused(run, registry, "belongs to another user")


def test_a_folder_that_is_a_link(run: Runner, registry: Registry) -> None:
    other = run.folder / "elsewhere"
    lie(other, registry)
    run.cache.symlink_to(other)
    for word in ("", "/"):
        ran = truth(run, registry, "--cache-dir", str(run.cache) + word)
        assert "is a link" in ran.err
    refused(run, registry, "is a link")


@pytest.mark.parametrize("there", [True, False])
@pytest.mark.parametrize("ending", ["", "-wal", "-journal"])
def test_a_file_that_is_a_link(run: Runner, registry: Registry, ending: str, there: bool) -> None:
    """SQLite would follow it, and make or spoil what it names."""
    lie(run.folder / "elsewhere", registry)
    run.cache.mkdir(0o700)
    target = run.folder / "elsewhere" / ("layers.sqlite" if there else "none")
    (run.cache / ("layers.sqlite" + ending)).symlink_to(target)
    refused(run, registry, "is a link")
    assert target.exists() == there


def test_what_is_no_file(run: Runner, registry: Registry) -> None:
    """A pipe would be waited for."""
    run.cache.mkdir(0o700)
    os.mkfifo(str(run.cache / "layers.sqlite"))
    refused(run, registry, "is no file")
    (run.cache / "layers.sqlite").unlink()
    (run.cache / "layers.sqlite").mkdir()
    refused(run, registry, "is no file")


@pytest.mark.parametrize("bits", [0o777, 0o700])
def test_a_file_that_others_could_write(run: Runner, registry: Registry, bits: int) -> None:
    """Also one in a folder that was closed since; this program never made one."""
    lie(run.cache, registry)
    (run.cache / "layers.sqlite").chmod(0o666)
    run.cache.chmod(bits)
    ran = truth(run, registry)
    assert "could be changed by others and is made anew" in ran.err
    assert (mode(run.cache), mode(run.cache / "layers.sqlite")) == (0o700, 0o600)
    again = truth(run, registry)
    assert "Warning" not in again.err and "known from earlier verified readings" in again.err


def test_a_second_name_of_a_file(run: Runner, registry: Registry) -> None:
    """It is not ours alone, and nothing happens to it by its other name."""
    lie(run.cache, registry)
    other = run.folder / "other"
    os.link(str(run.cache / "layers.sqlite"), str(other))
    other.chmod(0o644)
    body = other.read_bytes()
    assert "made anew" in truth(run, registry).err
    assert other.read_bytes() == body and mode(other) == 0o644


def test_a_folder_above_that_others_can_change(run: Runner, registry: Registry) -> None:
    above = run.folder / "above"
    above.mkdir()
    run.cache = above / "cache"
    lie(run.cache, registry)
    above.chmod(0o777)
    ran = truth(run, registry, "--cache-dir", str(run.cache))
    assert "Other users can change" in ran.err and "--cache-dir" in ran.err
    assert "Other users can change" in truth(run, registry, "--cache-dir", str(above / "new" / "er")).err
    assert not (above / "new").exists()
    above.chmod(0o1777)  # as /tmp is: what is ours stays ours
    assert "etc/lie" in run("find", registry.target, "etc/*", "--cache-dir", str(run.cache)).out


def test_a_folder_above_that_belongs_to_another_user(
    run: Runner, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    above = run.folder / "above"
    lie(above / "cache", registry)
    owned(monkeypatch, above)
    assert "Other users can change" in truth(run, registry, "--cache-dir", str(above / "cache")).err


def test_a_way_through_anothers_link_is_gone_once(
    run: Runner, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What counts is where it led when it was looked at."""
    way = run.folder / "way"
    lie(run.folder / "real" / "cache", registry)
    way.symlink_to(run.folder / "real")
    owned(monkeypatch, way)
    assert "etc/lie" in run("find", registry.target, "etc/*", "--cache-dir", str(way / "cache")).out


def test_the_folder_for_everybodys_files_is_no_cache(run: Runner, registry: Registry) -> None:
    shared = run.folder / "shared"
    shared.mkdir()
    (shared / "other").touch()
    for bits in (0o1777, 0o777):
        shared.chmod(bits)
        assert "can be written to by other users" in truth(run, registry, "--cache-dir", str(shared)).err
        assert mode(shared) == bits and [path.name for path in shared.iterdir()] == ["other"]


# -- what is ours -----------------------------------------------------------


def test_what_is_made_is_closed_to_others_whatever_the_mask(run: Runner, registry: Registry) -> None:
    run.cache = run.cache / "a" / "b"
    before = os.umask(0)
    try:
        truth(run, registry, "--cache-dir", str(run.cache))
    finally:
        os.umask(before)
    assert {mode(path) for path in (run.cache, run.cache.parent)} == {0o700}
    assert {mode(path) for path in run.cache.iterdir()} == {0o600}


def test_permissions_of_an_earlier_version_are_narrowed_silently(run: Runner, registry: Registry) -> None:
    truth(run, registry)
    for bits in (0o755, 0o711, 0o750):
        run.cache.chmod(bits)
        for path in run.cache.iterdir():
            path.chmod(0o644)
        ran = truth(run, registry)
        assert "Warning" not in ran.err and "known from earlier verified readings" in ran.err
        assert mode(run.cache) == 0o700 and {mode(path) for path in run.cache.iterdir()} == {0o600}


def test_a_folder_that_holds_more_keeps_its_permissions(run: Runner, registry: Registry) -> None:
    run.cache.mkdir()
    (run.cache / "other").touch()
    run.cache.chmod(0o755)
    truth(run, registry)
    assert "known from earlier verified readings" in truth(run, registry).err
    assert mode(run.cache) == 0o755 and mode(run.cache / "layers.sqlite") == 0o600


def test_a_group_of_the_users_own_is_nobody_else(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import grp
    import pwd

    above = tmp_path / "above"
    above.mkdir()
    above.chmod(0o775)
    gid = above.stat().st_gid
    user = pwd.getpwuid(os.geteuid())
    own = pwd.struct_passwd((user.pw_name, "x", user.pw_uid, gid, "", "", ""))
    monkeypatch.setattr(pwd, "getpwuid", lambda uid: own)
    for name, members, told in (
        (user.pw_name, [], False),
        (user.pw_name, [user.pw_name], False),
        (user.pw_name, ["mallory"], True),
        ("staff", [], True),
    ):
        monkeypatch.setattr(
            grp, "getgrgid", lambda gid, name=name, members=members: grp.struct_group((name, "x", gid, members))
        )
        warnings: List[str] = []
        Store(str(above / "cache"), warn=warnings.append).size()
        assert bool(warnings) == told


# -- where no folder is named -----------------------------------------------


@pytest.mark.parametrize("home", [None, "", "relative", "~"])
def test_without_a_home_there_is_no_cache(
    run: Runner, registry: Registry, monkeypatch: pytest.MonkeyPatch, home: Any
) -> None:
    import pwd

    def nobody(uid: int) -> Any:
        raise KeyError(uid)

    monkeypatch.delenv("LAYERSLAYER_CACHE_DIR")
    monkeypatch.setenv("XDG_CACHE_HOME", "relative/too")
    monkeypatch.setattr(pwd, "getpwuid", nobody)
    if home is None:
        monkeypatch.delenv("HOME", raising=False)
    else:
        monkeypatch.setenv("HOME", home)
    ran = truth(run, registry)
    assert ran.err.count("Warning") == 1 and "No home is known" in ran.err and "--cache-dir" in ran.err
    assert list(run.folder.iterdir()) == []


def test_the_home_of_the_list_of_users(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import pwd

    from layerslayer.cache import default_folder

    found = pwd.struct_passwd(("me", "x", os.geteuid(), 0, "", str(tmp_path), ""))
    monkeypatch.setattr(pwd, "getpwuid", lambda uid: found)
    monkeypatch.setattr(sys, "platform", "linux")
    for name in ("LAYERSLAYER_CACHE_DIR", "XDG_CACHE_HOME", "HOME"):
        monkeypatch.delenv(name, raising=False)
    assert default_folder() == str(tmp_path / ".cache" / "layerslayer")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "x"))
    assert default_folder() == str(tmp_path / "x" / "layerslayer")


@pytest.mark.parametrize("call", ["open", "mkdir"])
@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS, errno.ENOSPC])
def test_a_folder_that_cannot_be_written_to(
    run: Runner, registry: Registry, monkeypatch: pytest.MonkeyPatch, call: str, number: int
) -> None:
    done = getattr(os, call)

    def refuse(path: Any, *more: Any, **other: Any) -> Any:
        if str(path).startswith(str(run.cache)):
            raise OSError(number, os.strerror(number))
        return done(path, *more, **other)

    monkeypatch.setattr(os, call, refuse)
    ran = truth(run, registry)
    assert ran.err.count("Warning") == 1 and os.strerror(number) in ran.err


@pytest.mark.parametrize("bits", [0o755, 0o777])
@pytest.mark.parametrize("error", [None, PermissionError(1, "Operation not permitted")])
def test_a_disk_that_has_no_permissions(
    run: Runner, registry: Registry, monkeypatch: pytest.MonkeyPatch, bits: int, error: Any
) -> None:
    """It shows the same for all that is there. What others could change is not used, nor made anew in each run."""
    truth(run, registry)
    run.cache.chmod(bits)
    (run.cache / "layers.sqlite").chmod(bits)

    def pass_over(path: Any, mode: int, **other: Any) -> None:
        if error:
            raise error

    monkeypatch.setattr(os, "chmod", pass_over)
    ran = truth(run, registry)
    assert ("can be written to by other users" in ran.err) == (bits == 0o777)
    assert ("known from earlier" in ran.err) == (bits == 0o755)
    assert "made anew" not in ran.err


# -- in truth ---------------------------------------------------------------


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="not root")
def test_between_two_users_in_truth() -> None:
    """What root left for all in a shared folder, another user does not believe; nor root what that one left."""
    script = (
        "import os, sys; sys.path.insert(0, sys.argv[1]); os.umask(0)\n"
        "from tests.support.caches import Store, known\n"
        "if sys.argv[3] != '0': os.setgid(int(sys.argv[3])); os.setuid(int(sys.argv[3]))\n"
        "store = Store(sys.argv[2], warn=print)\n"
        "print(store.layer('sha256:a') is not None)\n"
        "store.keep_layer(known('sha256:a', 'x'))\n"
        "print(store.layer('sha256:a') is not None)\n"
    )
    root = str(Path(__file__).resolve().parents[3])
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o1777)

        def ran(user: int) -> List[str]:
            command = [sys.executable, "-c", script, root, os.path.join(folder, "cache"), str(user)]
            return subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout.decode().splitlines()

        assert ran(65534) == ["False", "True"] and ran(65534) == ["True", "True"]
        os.chmod(os.path.join(folder, "cache"), 0o777)
        for first in (0, 65533):
            warning, *known = ran(first)
            assert "belongs to another user" in warning and known == ["False", "False"]
