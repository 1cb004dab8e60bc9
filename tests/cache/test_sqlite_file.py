"""Nothing that is wrong with the file stops the program."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from layerslayer.formats.checkpoints import Points

from ..support.caches import Opened, known


def test_a_store_of_the_version_before_is_thrown_away(tmp_path: Path) -> None:
    with sqlite3.connect(str(tmp_path / "layers.sqlite")) as db:
        db.execute("CREATE TABLE layers (digest TEXT PRIMARY KEY, entries BLOB)")
        db.execute("INSERT INTO layers VALUES ('sha256:a', x'00')")
        db.execute("PRAGMA user_version = 1")
    opened = Opened(tmp_path)
    assert opened.store.layer("sha256:a") is None and opened.warnings == []
    opened.store.keep_layer(known("sha256:a", "one"), Points())
    assert opened.store.layer("sha256:a") is not None


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
    first.store._file.do(lambda db: db.execute("PRAGMA wal_checkpoint(TRUNCATE)"))
    first.store.close()
    _damage(kind, Path(first.store._file.path))
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
    monkeypatch.setattr("layerslayer.cache.sqlite_file._BUSY", 0.01)
    Opened(tmp_path).store.keep_layer(known("sha256:a", "one"))
    opened = Opened(tmp_path)
    assert opened.store.layer("sha256:a") is not None
    with sqlite3.connect(opened.store._file.path, isolation_level=None) as other:
        other.execute("BEGIN EXCLUSIVE")
        assert opened.store.clear() is None
        other.execute("ROLLBACK")
    assert opened.store.layer("sha256:a") is None  # of this run; the next one finds it
    assert len(opened.warnings) == 1 and "locked" in opened.warnings[0]
    assert Opened(tmp_path).store.layer("sha256:a") is not None


def test_a_full_disk_costs_one_warning(tmp_path: Path) -> None:
    opened = Opened(tmp_path)
    opened.store.keep_layer(known("sha256:a", "one"))
    opened.store._file.do(lambda db: db.execute("PRAGMA max_page_count = 1"))
    opened.store.keep_layer(known("sha256:b", *(os.urandom(40).hex() for _ in range(2000))))
    assert opened.store.layer("sha256:a") is not None
    assert opened.store.layer("sha256:b") is None
    assert len(opened.warnings) == 1 and "full" in opened.warnings[0]


def test_threads_and_processes_share_it(tmp_path: Path) -> None:
    script = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from tests.support.caches import Store, known\n"
        "for n in range(30): Store(sys.argv[2]).keep_layer(known('sha256:%s-%d' % (sys.argv[3], n), 'x'))\n"
    )
    root = str(Path(__file__).resolve().parents[2])
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


def test_a_second_store_of_a_process_does_not_take_the_locks_of_the_first(tmp_path: Path) -> None:
    """Who closes a file loses all locks on it; another process would then clear away what the first still uses."""
    first, second = Opened(tmp_path), Opened(tmp_path)
    first.store.keep_layer(known("sha256:a", "x"))
    assert second.store.knows("sha256:a")
    script = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from tests.support.caches import Store, known\n"
        "store = Store(sys.argv[2]); store.keep_layer(known('sha256:b', 'x')); store.close()\n"
    )
    root = str(Path(__file__).resolve().parents[2])
    subprocess.run([sys.executable, "-c", script, root, str(tmp_path)], check=True, cwd=root)
    assert (tmp_path / "layers.sqlite-wal").exists()
    assert first.store.knows("sha256:b") and second.store.knows("sha256:b")
