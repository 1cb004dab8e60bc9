"""The store: what goes in comes out."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

from layerslayer.cache.database import _key
from layerslayer.formats.checkpoints import Point, Points

from ..support.caches import Opened, known


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
    again.store._delete("layers", _key("sha256:a"))
    assert len(again.store.points("sha256:a")) == 0 and again.store.points("sha256:b") == points
    again.store._file.do(lambda db: db.execute("UPDATE points SET body = x'00'"))
    assert len(again.store.points("sha256:b")) == 0 and len(again.warnings) == 1
    assert again.store.layer("sha256:b") is not None


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
    sqlite3.connect(opened.store._file.path).execute("UPDATE documents SET body = 'hullo'").connection.commit()
    assert opened.store.document(digest) is None


def test_the_least_used_go_first(tmp_path: Path) -> None:
    probe = Opened(tmp_path / "probe")
    probe.store.keep_layer(known("sha256:0", "x" * 50))
    one = probe.store.size()
    opened = Opened(tmp_path / "y", limit=one * 5)
    for number in range(5):
        opened.store.keep_layer(known("sha256:{}".format(number), "x" * 50))
        opened.store._file.do(lambda db, n=number: db.execute("UPDATE layers SET used = ? WHERE used > 100", (n,)))  # type: ignore[misc]
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


def test_what_is_known_is_shown_without_loading_what_reads_layers() -> None:
    code = "import sys, layerslayer.cli.commands.ls, layerslayer.cli.commands.find; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, check=True).stdout.decode().split()
    assert "layerslayer.filesystem.overlay" in loaded
    assert not {"layerslayer.layers.stream", "layerslayer.formats.tar.reader", "isal"} & set(loaded)
