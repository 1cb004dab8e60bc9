"""A SQLite file under the user's cache folder: layers by digest, documents by digest.

It is a cache and nothing else: whatever is wrong with it (damage, a full disk,
another version, a folder that cannot be written) costs a warning at most.
Several processes may use it at once. Each row bears a checksum of its own.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import sys
import threading
import time
import zlib
from typing import Any, Callable, Dict, Iterator, List, Mapping, NamedTuple, Optional, Tuple, TypeVar

from ..descriptors import digest_of
from ..entries import Entry
from ..layers.points import Points, unpack_points
from .columns import pack, unpack

VERSION = 2  # of the file; another one is thrown away
LIMIT = 512 * 1024 * 1024  # bytes of layers and documents
FILE = "layers.sqlite"
_TOUCH = 3600  # seconds between two notes that a row was used
_BUSY = 5.0  # seconds to wait for another process
_SUM = 32  # bytes of a file's sha256
_NO_SUM = bytes(_SUM)
_TABLES = """
CREATE TABLE IF NOT EXISTS layers (
    digest TEXT PRIMARY KEY, facts TEXT NOT NULL, count INTEGER NOT NULL, bytes INTEGER NOT NULL,
    used INTEGER NOT NULL, seal BLOB NOT NULL, entries BLOB NOT NULL, sums BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS points (digest TEXT PRIMARY KEY, seal BLOB NOT NULL, body BLOB NOT NULL);
CREATE TRIGGER IF NOT EXISTS without_its_layer AFTER DELETE ON layers BEGIN
    DELETE FROM points WHERE digest = OLD.digest; END;
CREATE TABLE IF NOT EXISTS documents (
    digest TEXT PRIMARY KEY, bytes INTEGER NOT NULL, used INTEGER NOT NULL, body BLOB NOT NULL);
"""
T = TypeVar("T")


class KnownLayer(NamedTuple):
    """What a verified, complete reading of a layer learnt. ``digests``: sha256 of files by the entry's offset."""

    digest: str
    size: int  # bytes as stored
    uncompressed: int  # bytes of tar
    compression: str
    hidden: int
    notes: Tuple[str, ...]
    entries: List[Entry]
    digests: Mapping[int, bytes]


class LayerSummary(NamedTuple):
    """A row of the store."""

    digest: str
    size: int  # bytes of the layer
    entries: int
    stored: int  # bytes here
    used: int  # seconds since 1970


def default_folder() -> str:
    """Return where caches go on this platform, or ``LAYERSLAYER_CACHE_DIR``."""
    chosen = os.environ.get("LAYERSLAYER_CACHE_DIR")
    if chosen:
        return chosen
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or os.path.expanduser("~\\AppData\\Local")
    elif sys.platform == "darwin":
        base = os.path.expanduser("~/Library/Caches")
    else:
        base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return os.path.join(base, "layerslayer")


class Store:
    """The store in a folder; opening and using it never raises for what is wrong with it.

    Safe to share between threads and processes. Only what was read to its end
    and verified may be kept: that is the caller's duty.
    """

    def __init__(
        self, folder: Optional[str] = None, limit: int = LIMIT, warn: Callable[[str], None] = lambda text: None
    ) -> None:
        self.folder = folder or default_folder()
        self.path = os.path.join(self.folder, FILE)
        self._limit = limit
        self._warn = warn
        self._warned = False
        self._lock = threading.RLock()
        self._connection: Optional[sqlite3.Connection] = None
        self._failed = False

    # -- layers -----------------------------------------------------------

    def knows(self, digest: str) -> bool:
        """Whether ``layer(digest)`` will (very likely) have an answer."""
        row = self._do(lambda db: db.execute("SELECT 1 FROM layers WHERE digest = ?", (digest,)).fetchone())
        return row is not None

    def layer(self, digest: str) -> Optional[KnownLayer]:
        """Return what is known of a layer, or None."""
        row = self._do(
            lambda db: db.execute(
                "SELECT facts, entries, sums, seal, used FROM layers WHERE digest = ?", (digest,)
            ).fetchone()
        )
        if row is None:
            return None
        facts, packed, sums, seal, used = row
        try:
            if _seal(digest, facts, packed, sums) != seal:
                raise ValueError("the checksum does not fit")
            known = _known(digest, json.loads(facts), packed, sums)
        except (ValueError, TypeError, KeyError, zlib.error):
            self._complain("an entry of the cache in {} is damaged and was dropped.".format(self.folder))
            self._do(lambda db: db.execute("DELETE FROM layers WHERE digest = ?", (digest,)))
            return None
        if time.time() - used > _TOUCH:
            self._do(lambda db: db.execute("UPDATE layers SET used = ? WHERE digest = ?", (int(time.time()), digest)))
        return known

    def points(self, digest: str) -> Points:
        """Return the points that are known of a layer; none where there are none."""
        row = self._do(lambda db: db.execute("SELECT seal, body FROM points WHERE digest = ?", (digest,)).fetchone())
        if row is None:
            return Points()
        seal, body = row
        try:
            if _seal(digest, "", body, b"") != seal:
                raise ValueError("the checksum does not fit")
            return unpack_points(body)
        except (ValueError, TypeError):
            self._complain("an entry of the cache in {} is damaged and was dropped.".format(self.folder))
            self._do(lambda db: db.execute("DELETE FROM points WHERE digest = ?", (digest,)))
            return Points()

    def keep_layer(self, known: KnownLayer, points: Optional[Points] = None) -> None:
        """Remember a layer that was read whole and verified, and the points of it."""
        try:
            columns = pack(known.entries)
        except ValueError:
            return  # names that cannot be kept; the layer is read again next time
        packed = zlib.compress(columns, 1)
        sums = b"".join(known.digests.get(entry.offset, _NO_SUM) for entry in known.entries if entry.kind == "-")
        facts = json.dumps(
            {
                "size": known.size,
                "uncompressed": known.uncompressed,
                "compression": known.compression,
                "hidden": known.hidden,
                "notes": known.notes,
                "columns": len(columns),
            }
        )
        body = points.pack() if points else b""
        size = len(packed) + len(sums) + len(facts) + len(body)
        if size > self._limit:
            return
        seal = _seal(known.digest, facts, packed, sums)
        row = (known.digest, facts, len(known.entries), size, int(time.time()), seal, packed, sums)

        def insert(db: sqlite3.Connection) -> None:
            db.execute("BEGIN IMMEDIATE")
            with db:
                db.execute("INSERT OR REPLACE INTO layers VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)
                db.execute("DELETE FROM points WHERE digest = ?", (known.digest,))
                if body:
                    own = (known.digest, _seal(known.digest, "", body, b""), body)
                    db.execute("INSERT INTO points VALUES (?, ?, ?)", own)

        self._do(insert)
        self._shrink()

    def layers(self) -> List[LayerSummary]:
        """Return what is here, last used first."""
        rows = self._do(
            lambda db: db.execute("SELECT digest, facts, count, bytes, used FROM layers ORDER BY used DESC").fetchall()
        )
        found = []
        for digest, facts, count, stored, used in rows or ():
            try:
                found.append(LayerSummary(digest, int(json.loads(facts)["size"]), count, stored, used))
            except (ValueError, TypeError, KeyError):
                pass  # ``layer`` drops it when it is asked for
        return found

    def search(self) -> Iterator[KnownLayer]:
        """Yield every layer, one at a time."""
        for summary in self.layers():
            known = self.layer(summary.digest)
            if known is not None:
                yield known

    # -- documents --------------------------------------------------------

    def document(self, digest: str) -> Optional[bytes]:
        """Return a manifest or config by its digest, which is checked anew."""
        row = self._do(lambda db: db.execute("SELECT body FROM documents WHERE digest = ?", (digest,)).fetchone())
        if row is None:
            return None
        body = row[0]
        if isinstance(body, bytes) and digest_of(body, digest) == digest:
            return body
        self._do(lambda db: db.execute("DELETE FROM documents WHERE digest = ?", (digest,)))
        return None

    def keep_document(self, digest: str, body: bytes) -> None:
        """Remember a document that has this digest."""
        row = (digest, len(body), int(time.time()), body)
        self._do(lambda db: db.execute("INSERT OR IGNORE INTO documents VALUES (?, ?, ?, ?)", row))

    # -- the whole --------------------------------------------------------

    def size(self) -> int:
        """Return the bytes that the layers and documents take."""
        row = self._do(
            lambda db: db.execute(
                "SELECT (SELECT COALESCE(SUM(bytes), 0) FROM layers) + (SELECT COALESCE(SUM(bytes), 0) FROM documents)"
            ).fetchone()
        )
        return int(row[0]) if row else 0

    def clear(self) -> Optional[int]:
        """Forget everything; return how many bytes that freed, or None where it could not be done."""
        freed = self.size()
        done = self._do(lambda db: db.executescript("DELETE FROM layers; DELETE FROM documents;"))
        return None if done is None else freed

    def close(self) -> None:
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _shrink(self) -> None:
        """Drop what was not used for the longest time, until the rest fits."""
        if self.size() <= self._limit:
            return
        rows = self._do(
            lambda db: db.execute(
                "SELECT 'layers', digest, bytes, used FROM layers UNION ALL"
                " SELECT 'documents', digest, bytes, used FROM documents ORDER BY used, digest"
            ).fetchall()
        )
        over = self.size() - self._limit * 9 // 10
        for table, digest, size, _ in rows or ():
            if over <= 0:
                break
            self._do(lambda db, t=table, d=digest: db.execute("DELETE FROM {} WHERE digest = ?".format(t), (d,)))  # type: ignore[misc]  # noqa: S608
            over -= size

    # -- SQLite -----------------------------------------------------------

    def _do(self, work: Callable[[sqlite3.Connection], T]) -> Optional[T]:
        """Do one piece of work; None when the store cannot be used."""
        with self._lock:
            for attempt in (1, 2):
                try:
                    db = self._opened()
                    return work(db) if db is not None else None
                except sqlite3.OperationalError as error:
                    if attempt == 1 and "no such" in str(error) and self._rebuilt(error):
                        continue
                    self._complain("the cache in {} cannot be used now: {}.".format(self.folder, error))
                    if "locked" in str(error):  # it was waited for once; not for every layer anew
                        self._failed = True
                        self.close()
                    return None
                except sqlite3.DatabaseError as error:
                    if attempt == 2 or not self._rebuilt(error):
                        self._failed = True
                        return None
        return None

    def _opened(self) -> Optional[sqlite3.Connection]:
        if self._connection is None and not self._failed:
            try:
                os.makedirs(self.folder, mode=0o700, exist_ok=True)
            except OSError as error:
                self._failed = True
                self._complain("the cache folder {} cannot be made: {}.".format(self.folder, error.strerror or error))
                return None
            self._connection = self._connected()
        return self._connection

    def _connected(self) -> sqlite3.Connection:
        db = sqlite3.connect(self.path, timeout=_BUSY, isolation_level=None, check_same_thread=False)
        try:
            version = db.execute("PRAGMA user_version").fetchone()[0]
            if version != VERSION:
                if version:  # another version's rows are of no use
                    db.executescript(
                        "DROP TABLE IF EXISTS layers; DROP TABLE IF EXISTS points; DROP TABLE IF EXISTS documents;"
                    )
                db.execute("PRAGMA auto_vacuum = FULL")
                db.execute("PRAGMA journal_mode = WAL")  # stays as it is where that cannot be had
                db.executescript(_TABLES)
                db.execute("PRAGMA user_version = {}".format(VERSION))
            db.execute("PRAGMA synchronous = NORMAL")
        except BaseException:
            db.close()
            raise
        return db

    def _rebuilt(self, error: sqlite3.Error) -> bool:
        """Put a damaged file out of the way."""
        self._complain("the cache in {} is damaged ({}) and is made anew.".format(self.folder, error))
        self.close()
        try:
            for ending in ("", "-wal", "-shm", "-journal"):
                if os.path.exists(self.path + ending):
                    os.unlink(self.path + ending)
        except OSError:
            return False
        return True

    def _complain(self, text: str) -> None:
        if not self._warned:
            self._warned = True
            self._warn(text)


def _seal(digest: str, facts: str, packed: bytes, sums: bytes) -> bytes:
    seal = hashlib.blake2b(digest.encode(), digest_size=16)
    for part in (facts.encode(), packed, sums):
        seal.update(len(part).to_bytes(8, "little"))
        seal.update(part)
    return seal.digest()


class _Sums(Mapping[int, bytes]):
    """sha256 of files by the entry's offset; only taken apart when somebody asks."""

    def __init__(self, entries: List[Entry], sums: bytes) -> None:
        self._entries = entries
        self._sums = sums
        self._found: Optional[Dict[int, bytes]] = None

    def _all(self) -> Dict[int, bytes]:
        if self._found is None:
            offsets = [entry.offset for entry in self._entries if entry.kind == "-"]
            pieces = [self._sums[at : at + _SUM] for at in range(0, len(self._sums), _SUM)]
            self._found = {offset: piece for offset, piece in zip(offsets, pieces) if piece != _NO_SUM}
        return self._found

    def __getitem__(self, offset: int) -> bytes:
        return self._all()[offset]

    def __iter__(self) -> Iterator[int]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())


def _known(digest: str, facts: Dict[str, Any], packed: bytes, sums: bytes) -> KnownLayer:
    # Given their size they are inflated in place; earlier versions did not tell it.
    entries = unpack(zlib.decompress(packed, bufsize=int(facts.get("columns", 0)) or 16 * len(packed)))
    return KnownLayer(
        digest,
        int(facts["size"]),
        int(facts["uncompressed"]),
        str(facts["compression"]),
        int(facts["hidden"]),
        tuple(facts["notes"]),
        entries,
        _Sums(entries, sums),
    )
