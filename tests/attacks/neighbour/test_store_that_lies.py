"""A store file that came from elsewhere (a restored backup, a cache of CI): it may hold anything, and does no harm."""

from __future__ import annotations

import json
import os
import random
import sqlite3
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Tuple

import pytest

from layerslayer.cache import KnownLayer, Store, database_files, rows, sqlite_file
from layerslayer.cache.database import _key
from layerslayer.cache.rows import Row, seal_of
from layerslayer.formats.checkpoints import Point, Points
from layerslayer.formats.entry import Device, Entry

from ...support.caches import Opened, known, to_row
from ...support.files import BASE, digests_of
from ...support.registry import Registry
from ...support.registry.faults import single_image
from ...support.registry.running import Ran, Runner

FAST = "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; "
MANY = ["sha256:{:064d}".format(number) for number in range(60)]


@pytest.fixture
def registry() -> Iterator[Registry]:
    with Registry(single_image([BASE])) as running:
        yield running


def filled(folder: Path) -> Path:
    """A store of several pages, all of it in the file itself; return that."""
    opened = Opened(folder)
    for number, digest in enumerate(MANY):
        points = Points()
        points.add(Point(10, 20))
        points.add_window(random.Random(number).getrandbits(80_000).to_bytes(10_000, "big"))
        opened.store.keep_layer(known(digest, *("{}-{}".format(number, name) for name in range(30))), points)
        opened.store.keep_document(digest, b"x" * 50 * number)
    opened.store._file.do(lambda db: db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall())
    opened.store.close()
    return folder / database_files.FILE


def used(folder: Path) -> List[str]:
    """Ask a store for everything; it must answer with what was kept, or with nothing. Return the warnings."""
    opened = Opened(folder)
    store = opened.store
    for digest in MANY[::7]:
        found = store.layer(digest)
        assert found is None or (found.digest, found.size, len(found.entries)) == (digest, 100, 30)
        assert all(point > 0 for point in store.points(digest).stored)
        assert store.document(digest) is None
        store.knows(digest)
    for found in store.search():
        assert len(found.entries) == 30
    assert store.size() >= 0
    store.keep_layer(known("sha256:new", "x"), Points())
    store.layers()
    assert store.clear() is not None
    store.close()
    return opened.warnings


def sql(path: Path, script: str) -> None:
    db = sqlite3.connect(str(path))
    db.executescript(script)
    db.commit()
    db.close()


# -- rows and tables --------------------------------------------------------

VALUES = ("'text'", "x'ff00'", "-1", "9223372036854775807", "1e300", "1.5", "zeroblob(20000)", "''")
COLUMNS = [
    *(("layers", name) for name in ["digest", "size", "count", "bytes", "used", "seal", "facts", "entries", "sums"]),
    *(("points", name) for name in ("seal", "body")),
    *(("documents", name) for name in ("digest", "bytes", "used", "body")),
]


@pytest.mark.parametrize(("table", "column"), COLUMNS)
def test_rows_of_any_type(tmp_path: Path, table: str, column: str) -> None:
    body = filled(tmp_path / "a").read_bytes()
    for value in VALUES:
        (tmp_path / "a" / database_files.FILE).write_bytes(body)
        sql(tmp_path / "a" / database_files.FILE, "UPDATE {} SET {} = {}".format(table, column, value))
        assert len(used(tmp_path / "a")) <= 1


ENDLESS = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT "
ALL_COLUMNS = "key, digest, size, count, bytes, used, seal, facts, entries, sums"
SCHEMAS: Dict[str, str] = {
    "a view in place of a table": "ALTER TABLE layers RENAME TO old; CREATE VIEW layers AS SELECT * FROM old",
    "a view without end": "DROP TABLE layers; CREATE VIEW layers AS " + ENDLESS
    + ", ".join("x AS " + name for name in ALL_COLUMNS.split(", ")) + " FROM c",
    "a view that fills memory": "DROP TABLE documents; CREATE VIEW documents AS " + ENDLESS
    + "x AS key, zeroblob(1000000) AS body, 1 AS bytes, 1 AS used FROM c",
    "a trigger": "CREATE TRIGGER t AFTER INSERT ON layers BEGIN DELETE FROM documents; " + "END",
    "a trigger without end": "PRAGMA recursive_triggers = ON; CREATE TRIGGER t AFTER UPDATE ON layers BEGIN"
    " UPDATE layers SET used = used + 1; END",
    "an index of what is computed": "CREATE INDEX i ON layers(abs(used))",
    "an index": "CREATE INDEX i ON layers(count)",
    "a table with another column": "DROP TABLE points; CREATE TABLE points (key INTEGER PRIMARY KEY, seal, body, more)",
    "a table without its key": "DROP TABLE layers; CREATE TABLE layers (" + ALL_COLUMNS + ")",
    "a check that fails": "DROP TABLE points;"
    " CREATE TABLE points (key INTEGER PRIMARY KEY, seal BLOB, body BLOB CHECK (0))",
    "a column that is computed": "DROP TABLE points; CREATE TABLE points (key INTEGER PRIMARY KEY, seal BLOB,"
    " body BLOB AS (zeroblob(900000000)))",
    "a missing table": "DROP TABLE points",
    "many tables": "".join("CREATE TABLE t{} (x);".format(number) for number in range(300)),
    "two tables in one place": "PRAGMA writable_schema = ON; UPDATE sqlite_master SET rootpage = 2",
    "a table that is none": "PRAGMA writable_schema = ON; UPDATE sqlite_master SET sql = 'CREATE nonsense'",
    "a table that is locked, it says": "PRAGMA writable_schema = ON;"
    " UPDATE sqlite_master SET name = 'locked', sql = 'x'",
    "a schema of other types": "PRAGMA writable_schema = ON; UPDATE sqlite_master SET sql = 5, rootpage = 'x'",
    "another version": "PRAGMA user_version = 2",
    "a version to come": "PRAGMA user_version = 99; DROP TABLE layers; CREATE VIEW layers AS SELECT 1",
    "no version": "PRAGMA user_version = 0",
    "another's database": "DROP TABLE layers; DROP TABLE points; PRAGMA user_version = 0; CREATE TABLE mine (x)",
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(SCHEMAS))
def test_other_tables_than_ours_are_made_anew(run: Runner, registry: Registry, name: str) -> None:
    path = filled(run.folder / "filled")
    try:
        sql(path, SCHEMAS[name])
    except sqlite3.OperationalError as error:
        pytest.skip("this SQLite has none of that: {}".format(error))
    body = path.read_bytes()
    everywhere, clear = ("find", "--everywhere", "*"), ("cache", "clear")
    for number, words in enumerate((("find", registry.target, "etc/passwd"), ("cache",), everywhere, clear)):
        run.cache = run.folder / str(number)
        run.cache.mkdir(0o700)
        (run.cache / database_files.FILE).write_bytes(body)
        ran = run(*words, "--cache-dir", str(run.cache))
        assert ran.code in (0, 1) and ran.err.count("Warning") <= 1, ran
    found = [run("find", registry.target, "etc/passwd", "--cache-dir", str(run.folder / "0")) for _ in "12"]
    assert found[0].out == found[1].out and "known from" in found[1].err and "Warning" not in found[1].err
    assert len(used(run.folder / "filled")) <= 1


@pytest.mark.parametrize("seed", range(10))
def test_damaged_pages(tmp_path: Path, seed: int) -> None:
    path = filled(tmp_path / "a")
    whole = path.read_bytes()
    for part in range(8):
        path.write_bytes(_damaged(bytearray(whole), random.Random(8 * seed + part), part % 4))
        assert len(used(tmp_path / "a")) <= 1


def _damaged(body: bytearray, noise: random.Random, how: int) -> bytes:
    pages = len(body) // 4096
    if how == 0:  # anywhere
        for _ in range(noise.randrange(1, 30)):
            body[noise.randrange(len(body))] = noise.randrange(256)
    elif how == 1:  # heads of pages
        for _ in range(noise.randrange(1, 12)):
            body[noise.randrange(pages) * 4096 + noise.choice((0, 100)) + noise.randrange(16)] = noise.randrange(256)
    elif how == 2:  # what leads from page to page
        for at in range(0, len(body), 4096):
            if body[at] == 5:
                body[at + 8 : at + 12] = noise.randrange(1, pages + 1).to_bytes(4, "big")
                for cell in range(12, 200, 2):
                    if noise.random() < 0.3:
                        body[at + cell : at + cell + 4] = noise.randrange(1, pages + 1).to_bytes(4, "big")
    else:
        del body[noise.randrange(len(body)) :]
    return bytes(body)


def test_the_steps_of_a_question_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    filled(tmp_path)
    monkeypatch.setattr(sqlite_file, "_STEPS", 10)
    monkeypatch.setattr(sqlite_file, "_MOST_STEPS", 300)
    opened = Opened(tmp_path)
    assert opened.store.layer(MANY[0]) is not None
    assert opened.store.layers() == [] and "interrupted" in opened.warnings[0]


# -- sealed rows, as somebody makes them who knows how ------------------------


def sealed(digest: str, facts: Any, columns: bytes, sums: bytes = b"", packed: bytes = b"") -> Row:
    body = facts if isinstance(facts, bytes) else json.dumps(facts).encode()
    packed = packed or zlib.compress(columns)
    return Row(body, packed, sums, seal_of(digest, body, packed, sums))


def put(folder: Path, digest: str, row: Row) -> None:
    opened = Opened(folder)
    values = (_key(digest), digest.encode(), 1, 1, 1, 1, row.seal, row.facts, row.entries, row.sums)
    opened.store._file.do(lambda db: db.execute("INSERT OR REPLACE INTO layers VALUES (?,?,?,?,?,?,?,?,?,?)", values))
    opened.store.close()


def lies() -> Dict[str, Tuple[Any, bytes, bytes]]:
    """Facts, columns and sums that differ from honest ones in one thing each."""
    honest = known(MANY[0], "a", "b")
    row = to_row(honest)
    facts, columns = json.loads(row.facts.decode()), zlib.decompress(row.entries)
    found: Dict[str, Tuple[Any, bytes, bytes]] = {}
    for key, values in {
        "size": (-1, 2**70, "1", None, 1.5, True, [], {}),
        "uncompressed": (-1, 2**70, None),
        "compression": ("bzip2", "", None, 5, ["gzip"]),
        "hidden": (-1, 3, None, "1"),
        "notes": (None, 5, [5], ["\x1b[31mred"], ["a\nb"], ["n" * 501], ["n"] * 17, {"a": 1}),
        "entries": (1, 3, -1, None, 10**6),
        "columns": (0, 1, len(columns) - 1, 10**12, -1, None),
    }.items():
        for value in values:
            found["{}: {!r}".format(key, value)[:40]] = (dict(facts, **{key: value}), columns, row.sums)
        found[key + " left out"] = ({name: facts[name] for name in facts if name != key}, columns, row.sums)
    for name, body in {
        "no JSON": b"nonsense", "a list": b"[]", "deep": b"[" * 9000, "no text": b"\xff", "empty": b"",
        "a number": b"5", "a long number": b'{"size": ' + b"9" * 9000 + b"}", "not a number": b'{"size": NaN}',
    }.items():  # fmt: skip
        found["facts: " + name] = (body, columns, row.sums)
    found["fewer sums"] = (facts, columns, row.sums[:32])
    found["half a sum"] = (facts, columns, row.sums[:40])
    found["more sums"] = (facts, columns, row.sums + bytes(32))
    found["other columns"] = (dict(facts, columns=7), b"columns", row.sums)
    return found


LIES = lies()


@pytest.mark.parametrize("name", sorted(LIES))
def test_rows_that_are_sealed_and_lie(tmp_path: Path, name: str) -> None:
    facts, columns, sums = LIES[name]
    put(tmp_path, MANY[0], sealed(MANY[0], facts, columns, sums))
    opened = Opened(tmp_path)
    assert opened.store.layer(MANY[0]) is None and len(opened.warnings) <= 1


def test_an_honest_row_made_by_hand_is_taken(tmp_path: Path) -> None:
    """So that the tests before can fail."""
    row = to_row(known(MANY[0], "a", "b"))
    put(tmp_path, MANY[0], sealed(MANY[0], row.facts, zlib.decompress(row.entries), row.sums))
    assert Opened(tmp_path).store.layer(MANY[0]) is not None
    put(tmp_path, MANY[1], row)  # another layer's
    assert Opened(tmp_path).store.layer(MANY[1]) is None


def _entry(**other: Any) -> Entry:
    return Entry("a", "-", 0o644, 0, 0, 1, 0, "", "", "", None, {}, 0, False)._replace(**other)


@pytest.mark.parametrize(
    "entries",
    [
        [_entry(kind="x")],
        [_entry(kind="b")],
        [_entry(device=Device(1, 1))],
        [_entry(kind="c", device=Device(-1, 1))],
        [_entry(size=-1)],
        [_entry(mode=0o10000)],
        [_entry(mode=-1)],
        [_entry(offset=-1)],
        [_entry(offset=5), _entry(offset=5)],
        [_entry(mtime=float("inf"))],
        [_entry(mtime=float("nan"))],
    ],
)
def test_entries_that_no_tar_has(tmp_path: Path, entries: List[Entry]) -> None:
    row = to_row(KnownLayer(MANY[0], 100, 10**6, "gzip", 0, (), entries, {}))
    put(tmp_path, MANY[0], row)
    opened = Opened(tmp_path)
    assert opened.store.layer(MANY[0]) is None and len(opened.warnings) == 1


def test_more_entries_than_are_taken_now_are_read_anew(run: Runner, registry: Registry) -> None:
    """The answer is the same, cold and warm; and nothing is lost by it."""
    assert run("find", registry.target, "etc/passwd").code == 0
    warm = run("find", registry.target, "etc/passwd", "--limit", "entries=5")
    cold = run("find", registry.target, "etc/passwd", "--limit", "entries=5", "--no-cache")
    assert warm.code == cold.code != 0 and "limit" in warm.err
    assert "known from" in run("find", registry.target, "etc/passwd", "--limit", "entries=100").err


def test_points_of_other_places(tmp_path: Path) -> None:
    points = Points()
    points.add(Point(1000, 5000))
    opened = Opened(tmp_path)
    opened.store.keep_layer(known(MANY[0], "a"), points)
    assert len(opened.store.points(MANY[0], 1000, 5000)) == 1 and not opened.warnings
    assert len(opened.store.points(MANY[0], 999, 5000)) == 0 and len(opened.warnings) == 1
    far = Points()
    for place in (2**62, 2**63 - 1):
        far.add(Point(place, place))
    opened.store.keep_layer(known(MANY[1], "a"), far)
    assert len(opened.store.points(MANY[1])) == 0


# -- sizes ------------------------------------------------------------------


def _hole(path: Path) -> None:
    with open(str(path), "r+b") as file:
        file.truncate(2**41)


def _bomb(path: Path) -> None:
    packed = zlib.compress(bytes(200 * 2**20), 1)
    facts = dict(json.loads(to_row(known("x", "a")).facts.decode()), columns=200 * 2**20, entries=1_000_000)
    for digest in MANY[:3]:
        put(path.parent, digest, sealed(digest, facts, b"", packed=packed))


def _many_points(path: Path) -> None:
    count = 2**24
    packed = zlib.compress(bytes(24 * 2**20), 9)
    body = count.to_bytes(4, "little") + len(packed).to_bytes(8, "little") + packed
    opened = Opened(path.parent)
    row = (_key(MANY[0]), seal_of(MANY[0], b"", body, b""), body)
    opened.store._file.do(lambda db: db.execute("INSERT OR REPLACE INTO points VALUES (?, ?, ?)", row))
    opened.store.close()


SIZES: Dict[str, Callable[[Path], Any]] = {
    "a file of 2 TB": _hole,
    "a row of 140 MB": lambda path: sql(
        path, FAST + "UPDATE layers SET entries = zeroblob(140000000) WHERE key = {}".format(_key(MANY[0]))
    ),
    "columns that unfold": _bomb,
    "many points": _many_points,
    "many rows": lambda path: sql(
        path,
        "INSERT INTO layers WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 150000)"
        " SELECT x, x'00', 1, 1, 1, 1, x'00', x'00', x'00', x'00' FROM c",
    ),
}


@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="what a process took is not told here")
@pytest.mark.parametrize("name", sorted(SIZES))
def test_sizes_that_are_absurd(tmp_path: Path, name: str) -> None:
    """What the operating system says of the memory that it took."""
    path = filled(tmp_path / "a")
    SIZES[name](path)
    script = (
        "import sys; sys.path.insert(0, sys.argv[1]); from pathlib import Path\n"
        "from tests.attacks.neighbour.test_store_that_lies import used\n"
        "warnings = used(Path(sys.argv[2]))\n"
        "print(len(warnings), next(line.split()[1] for line in open('/proc/self/status') if 'VmHWM' in line))"
    )
    root = str(Path(__file__).resolve().parents[3])
    command = [sys.executable, "-c", script, root, str(tmp_path / "a")]
    warnings, kilobytes = subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout.split()
    assert int(warnings) <= 1 and int(kilobytes) < 150_000


def test_what_is_too_large_to_be_taken_back_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = Opened(tmp_path)
    for name, most in (("_MOST_COLUMNS", 10), ("MOST_STORED", 10), ("MOST_FACTS", 10)):
        with monkeypatch.context() as patched:
            patched.setattr(rows, name, most)
            patched.setattr(rows, "_EACH", 1)
            opened.store.keep_layer(known(MANY[0], "a", "b"))
        assert not opened.store.knows(MANY[0])
    opened.store.keep_layer(known(MANY[0], "a", "b"))
    assert opened.store.knows(MANY[0]) and not opened.warnings


# -- whole commands ---------------------------------------------------------


def test_a_registrys_layer_is_told_as_it_is_in_the_end(run: Runner, registry: Registry) -> None:
    """Whatever the store says that cannot be, the layer is read and its files are shown."""

    def asked() -> Ran:
        ran = run("cat", registry.target, "etc/passwd")
        assert (ran.code, ran.out) == (0, "root\n")
        return ran

    asked()
    digest = digests_of(registry, "1.0")[0]
    for table, column in COLUMNS:
        run("ls", registry.target)
        sql(run.cache / database_files.FILE, "UPDATE {} SET {} = 'odd'".format(table, column))
        assert asked().err.count("Warning") <= 1
    store = Store(str(run.cache))
    known_layer = store.layer(digest)
    assert known_layer is not None
    wrong = {entry.offset: bytes(32) for entry in known_layer.entries}
    store.keep_layer(known_layer._replace(digests=dict(wrong), uncompressed=1))
    store.close()
    asked()
