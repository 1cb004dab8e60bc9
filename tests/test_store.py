"""The store: what goes in comes out, and nothing that is wrong with it stops the program."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any, Dict, List

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from layerslayer.entries import Device, Entry
from layerslayer.layers.points import Point, Points
from layerslayer.store import KnownLayer, Store
from layerslayer.store.columns import pack, unpack

TEXTS = st.text(alphabet=st.characters(blacklist_characters="\0", max_codepoint=0xDFFF), max_size=6)
NUMBERS = st.integers(0, 2**63 - 1)
ENTRIES = st.builds(
    Entry,
    name=TEXTS,
    kind=st.sampled_from("-dlhcbp?"),
    mode=st.integers(0, 0o7777),
    uid=st.integers(-(2**63), 2**70),
    gid=st.integers(0, 5),
    size=NUMBERS,
    mtime=st.one_of(st.integers(-(2**70), 2**70), st.floats(allow_nan=False, allow_infinity=False)),
    target=TEXTS,
    uname=TEXTS,
    gname=TEXTS,
    device=st.one_of(st.none(), st.builds(Device, st.integers(0, 2**40), st.integers(0, 9))),
    xattrs=st.dictionaries(TEXTS, st.binary(max_size=4), max_size=2),
    offset=NUMBERS,
    hidden=st.booleans(),
)


@settings(max_examples=150, deadline=None)
@example([Entry("a", "-", 0, 0, 0, 0, 0, "", "\ud800\udc00", "\udcff", None, {"\ud800\udc00": b"1"}, 0, False)])
@given(st.lists(ENTRIES, max_size=8))
def test_entries_come_back_as_they_were(entries: List[Entry]) -> None:
    assert unpack(pack(entries)) == entries
    assert [type(entry.mtime) for entry in unpack(pack(entries))] == [type(entry.mtime) for entry in entries]


@settings(max_examples=200, deadline=None)
@given(st.lists(ENTRIES, max_size=3), st.integers(0, 2000), st.binary(max_size=3))
def test_other_bytes_are_refused_or_read_but_never_break(entries: List[Entry], at: int, new: bytes) -> None:
    data = pack(entries)
    at = at % (len(data) + 1)
    for damaged in (data[:at], data[:at] + new + data[at + len(new) :], new):
        try:
            unpack(damaged)
        except ValueError:
            pass


def test_what_cannot_be_held_is_said() -> None:
    for odd in (entry("a\0b"), entry("a", size=2**64)):
        with pytest.raises(ValueError):
            pack([odd])


def entry(name: str, size: int = 1, offset: int = 0) -> Entry:
    return Entry(name, "-", 0o644, 0, 0, size, 0, "", "", "", None, {}, offset, False)


def known(digest: str, *names: str) -> KnownLayer:
    entries = [entry(name, offset=512 * index) for index, name in enumerate(names)]
    digests: Dict[int, bytes] = {item.offset: bytes([7]) * 32 for item in entries[1:]}
    return KnownLayer(digest, 100, 200, "gzip", 0, ("a note",), entries, digests)


class Opened:
    def __init__(self, folder: Path, **options: Any) -> None:
        self.warnings: List[str] = []
        self.store = Store(str(folder), warn=self.warnings.append, **options)


def test_a_layer_is_known_to_the_next_process(tmp_path: Path) -> None:
    first = Opened(tmp_path / "x")
    first.store.keep_layer(known("sha256:a", "one", "caf\udce9"))
    first.store.close()
    again = Opened(tmp_path / "x").store.layer("sha256:a")
    assert again is not None
    assert again._replace(digests={}) == known("sha256:a", "one", "caf\udce9")._replace(digests={})
    assert dict(again.digests) == {512: bytes([7]) * 32}
    assert Opened(tmp_path / "x").store.layer("sha256:b") is None
    assert (os.stat(str(tmp_path / "x")).st_mode & 0o077) == 0


def test_points_are_kept_beside_their_layer_and_go_with_it(tmp_path: Path) -> None:
    points = Points()
    points.add(Point(10, 20))
    points.add_window(os.urandom(1000))
    first = Opened(tmp_path)
    first.store.keep_layer(known("sha256:a", "one"))
    bare = first.store.size()
    first.store.keep_layer(known("sha256:a", "one"), points)
    assert first.store.size() > bare + 1000  # they count
    first.store.keep_layer(known("sha256:b", "one"), points)
    first.store.close()
    again = Opened(tmp_path)
    assert again.store.points("sha256:a") == points and len(again.store.points("sha256:c")) == 0
    again.store._do(lambda db: db.execute("DELETE FROM layers WHERE digest = 'sha256:a'"))
    assert len(again.store.points("sha256:a")) == 0 and again.store.points("sha256:b") == points
    again.store._do(lambda db: db.execute("UPDATE points SET body = x'00'"))
    assert len(again.store.points("sha256:b")) == 0 and len(again.warnings) == 1
    assert again.store.layer("sha256:b") is not None


def test_a_store_of_the_version_before_is_thrown_away(tmp_path: Path) -> None:
    with sqlite3.connect(str(tmp_path / "layers.sqlite")) as db:
        db.execute("CREATE TABLE layers (digest TEXT PRIMARY KEY, entries BLOB)")
        db.execute("INSERT INTO layers VALUES ('sha256:a', x'00')")
        db.execute("PRAGMA user_version = 1")
    opened = Opened(tmp_path)
    assert opened.store.layer("sha256:a") is None and opened.warnings == []
    opened.store.keep_layer(known("sha256:a", "one"), Points())
    assert opened.store.layer("sha256:a") is not None


def test_a_layer_without_points_is_no_damage(tmp_path: Path) -> None:
    opened = Opened(tmp_path)
    some = Points()
    some.add(Point(1, 1))
    for points in (some, Points(), None):
        opened.store.keep_layer(known("sha256:a", "one"), points)
        assert len(opened.store.points("sha256:a")) == len(points or ())
    assert opened.warnings == []


def test_documents_are_checked_when_they_are_read(tmp_path: Path) -> None:
    opened = Opened(tmp_path)
    digest = "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
    opened.store.keep_document(digest, b"hello")
    assert opened.store.document(digest) == b"hello"
    sqlite3.connect(opened.store.path).execute("UPDATE documents SET body = 'hullo'").connection.commit()
    assert opened.store.document(digest) is None


def test_the_least_used_go_first(tmp_path: Path) -> None:
    probe = Opened(tmp_path / "probe")
    probe.store.keep_layer(known("sha256:0", "x" * 50))
    one = probe.store.size()
    opened = Opened(tmp_path / "y", limit=one * 5)
    for number in range(5):
        opened.store.keep_layer(known("sha256:{}".format(number), "x" * 50))
        opened.store._do(lambda db, n=number: db.execute("UPDATE layers SET used = ? WHERE used > 100", (n,)))  # type: ignore[misc]
    opened.store.layer("sha256:0")  # used just now
    opened.store.keep_layer(known("sha256:5", "x" * 50))
    left = {layer.digest[-1] for layer in opened.store.layers()}
    assert opened.store.size() <= one * 5
    assert "0" in left and "5" in left and "1" not in left
    opened.store.keep_layer(known("sha256:big", *(os.urandom(40).hex() for _ in range(200))))
    assert opened.store.layer("sha256:big") is None  # larger than all of it


def test_clear_forgets(tmp_path: Path) -> None:
    opened = Opened(tmp_path)
    opened.store.keep_layer(known("sha256:a", "one"))
    assert (opened.store.clear() or 0) > 0
    assert opened.store.size() == 0 and opened.store.layers() == []


def _damage(kind: str, path: Path) -> None:
    body = path.read_bytes()
    if kind == "garbage":
        path.write_bytes(os.urandom(5000))
    elif kind == "cut":
        path.write_bytes(body[: len(body) // 2])
    elif kind == "empty":
        path.write_bytes(b"")
    elif kind == "no tables":
        with sqlite3.connect(str(path)) as db:
            db.execute("DROP TABLE layers")
    elif kind == "another version":
        with sqlite3.connect(str(path)) as db:
            db.execute("PRAGMA user_version = 99")
    else:
        with sqlite3.connect(str(path)) as db:
            db.execute("UPDATE layers SET {} = ?".format(kind), (b"damage" if kind != "facts" else "{}",))


@pytest.mark.parametrize(
    "kind", ["garbage", "cut", "empty", "no tables", "another version", "entries", "sums", "facts"]
)
def test_damage_is_survived(tmp_path: Path, kind: str) -> None:
    first = Opened(tmp_path)
    first.store.keep_layer(known("sha256:a", *(str(number) for number in range(2000))))
    first.store._do(lambda db: db.execute("PRAGMA wal_checkpoint(TRUNCATE)"))
    first.store.close()
    _damage(kind, Path(first.store.path))
    second = Opened(tmp_path)
    assert second.store.layer("sha256:a") is None
    assert len(second.warnings) <= 1
    second.store.keep_layer(known("sha256:b", "one"))
    third = Opened(tmp_path)
    assert third.store.layer("sha256:b") is not None and third.warnings == []


def test_a_folder_that_cannot_be_made_costs_one_warning(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    opened = Opened(tmp_path / "file" / "sub")
    opened.store.keep_layer(known("sha256:a", "one"))
    assert opened.store.layer("sha256:a") is None and opened.store.size() == 0
    assert len(opened.warnings) == 1 and "cannot be made" in opened.warnings[0]


def test_a_lock_that_does_not_go_away_is_waited_for_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("layerslayer.store.database._BUSY", 0.01)
    Opened(tmp_path).store.keep_layer(known("sha256:a", "one"))
    opened = Opened(tmp_path)
    assert opened.store.layer("sha256:a") is not None
    with sqlite3.connect(opened.store.path, isolation_level=None) as other:
        other.execute("BEGIN EXCLUSIVE")
        assert opened.store.clear() is None
        other.execute("ROLLBACK")
    assert opened.store.layer("sha256:a") is None  # of this run; the next one finds it
    assert len(opened.warnings) == 1 and "locked" in opened.warnings[0]
    assert Opened(tmp_path).store.layer("sha256:a") is not None


def test_a_full_disk_costs_one_warning(tmp_path: Path) -> None:
    opened = Opened(tmp_path)
    opened.store.keep_layer(known("sha256:a", "one"))
    opened.store._do(lambda db: db.execute("PRAGMA max_page_count = 1"))
    opened.store.keep_layer(known("sha256:b", *(os.urandom(40).hex() for _ in range(2000))))
    assert opened.store.layer("sha256:a") is not None
    assert opened.store.layer("sha256:b") is None
    assert len(opened.warnings) == 1 and "full" in opened.warnings[0]


def test_threads_and_processes_share_it(tmp_path: Path) -> None:
    script = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from tests.test_store import Store, known\n"
        "for n in range(30): Store(sys.argv[2]).keep_layer(known('sha256:%s-%d' % (sys.argv[3], n), 'x'))\n"
    )
    root = str(Path(__file__).resolve().parents[1])
    others = [
        subprocess.Popen([sys.executable, "-c", script, root, str(tmp_path), name], cwd=root) for name in ("p", "q")
    ]
    opened = Opened(tmp_path)
    threads = [
        threading.Thread(target=lambda n=number: opened.store.keep_layer(known("sha256:t{}".format(n), "x")))  # type: ignore[misc]
        for number in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [other.wait(60) for other in others] == [0, 0]
    assert len(opened.store.layers()) == 68 and opened.warnings == []


def test_layers_of_the_version_before_are_known_still(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It did not tell how much room the columns take."""
    dumps = json.dumps
    with monkeypatch.context() as patched:
        patched.setattr(
            "layerslayer.store.database.json.dumps",
            lambda item, **how: dumps({key: item[key] for key in item if key != "columns"}, **how),
        )
        Store(str(tmp_path)).keep_layer(known("sha256:a", "x", "y"))
    found = Store(str(tmp_path)).layer("sha256:a")
    assert found is not None and found.entries == known("sha256:a", "x", "y").entries


def test_what_is_known_is_shown_without_loading_what_reads_layers() -> None:
    code = "import sys, layerslayer.commands.merged, layerslayer.commands.find; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, check=True).stdout.decode().split()
    assert "layerslayer.overlay" in loaded
    assert not {"layerslayer.layers.reading", "layerslayer.layers.tar", "isal"} & set(loaded)
