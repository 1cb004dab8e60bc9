"""A SQLite file under the user's cache folder: layers by digest, documents by digest.

It is a cache and nothing else: whatever is wrong with it (damage, a full disk,
another version, a folder that cannot be written) costs a warning at most.
Several processes may use it at once. Each row bears a checksum of its own.
"""

from __future__ import annotations

import json
import sqlite3
import time
from typing import Callable, Iterator, List, Optional

from ..descriptors import digest_of
from ..layers.points import Points, unpack_points
from .rows import KnownLayer, LayerSummary, Row, from_row, seal_of, to_row
from .sqlite_file import SqliteFile, default_folder

LIMIT = 512 * 1024 * 1024  # bytes of layers and documents
_TOUCH = 3600  # seconds between two notes that a row was used


class Store:
    """The store in a folder; opening and using it never raises for what is wrong with it.

    Safe to share between threads and processes. Only what was read to its end
    and verified may be kept: that is the caller's duty.
    """

    def __init__(
        self, folder: Optional[str] = None, limit: int = LIMIT, warn: Callable[[str], None] = lambda text: None
    ) -> None:
        self._file = SqliteFile(folder or default_folder(), warn)
        self._limit = limit

    @property
    def folder(self) -> str:
        """The folder that the file is in, or would be."""
        return self._file.folder

    # -- layers -----------------------------------------------------------

    def knows(self, digest: str) -> bool:
        """Whether ``layer(digest)`` will (very likely) have an answer."""
        row = self._file.do(lambda db: db.execute("SELECT 1 FROM layers WHERE digest = ?", (digest,)).fetchone())
        return row is not None

    def layer(self, digest: str) -> Optional[KnownLayer]:
        """Return what is known of a layer, or None."""
        row = self._file.do(
            lambda db: db.execute(
                "SELECT facts, entries, sums, seal, used FROM layers WHERE digest = ?", (digest,)
            ).fetchone()
        )
        if row is None:
            return None
        try:
            known = from_row(digest, Row(*row[:4]))
        except ValueError:
            self._drop("layers", digest)
            return None
        if time.time() - row[4] > _TOUCH:
            self._file.do(
                lambda db: db.execute("UPDATE layers SET used = ? WHERE digest = ?", (int(time.time()), digest))
            )
        return known

    def points(self, digest: str) -> Points:
        """Return the points that are known of a layer; none where there are none."""
        row = self._file.do(
            lambda db: db.execute("SELECT seal, body FROM points WHERE digest = ?", (digest,)).fetchone()
        )
        if row is None:
            return Points()
        seal, body = row
        try:
            if seal_of(digest, "", body, b"") != seal:
                raise ValueError("the checksum does not fit")
            return unpack_points(body)
        except (ValueError, TypeError):
            self._drop("points", digest)
            return Points()

    def keep_layer(self, known: KnownLayer, points: Optional[Points] = None) -> None:
        """Remember a layer that was read whole and verified, and the points of it."""
        try:
            made = to_row(known)
        except ValueError:
            return  # names that cannot be kept; the layer is read again next time
        body = points.pack() if points else b""
        size = len(made.facts) + len(made.entries) + len(made.sums) + len(body)
        if size > self._limit:
            return
        used = int(time.time())
        row = (known.digest, made.facts, len(known.entries), size, used, made.seal, made.entries, made.sums)

        def insert(db: sqlite3.Connection) -> None:
            db.execute("BEGIN IMMEDIATE")
            with db:
                db.execute("INSERT OR REPLACE INTO layers VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)
                db.execute("DELETE FROM points WHERE digest = ?", (known.digest,))
                if body:
                    own = (known.digest, seal_of(known.digest, "", body, b""), body)
                    db.execute("INSERT INTO points VALUES (?, ?, ?)", own)

        self._file.do(insert)
        self._shrink()

    def layers(self) -> List[LayerSummary]:
        """Return what is here, last used first."""
        rows = self._file.do(
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
        row = self._file.do(lambda db: db.execute("SELECT body FROM documents WHERE digest = ?", (digest,)).fetchone())
        if row is None:
            return None
        body = row[0]
        if isinstance(body, bytes) and digest_of(body, digest) == digest:
            return body
        self._delete("documents", digest)
        return None

    def keep_document(self, digest: str, body: bytes) -> None:
        """Remember a document that has this digest."""
        row = (digest, len(body), int(time.time()), body)
        self._file.do(lambda db: db.execute("INSERT OR IGNORE INTO documents VALUES (?, ?, ?, ?)", row))

    # -- the whole --------------------------------------------------------

    def size(self) -> int:
        """Return the bytes that the layers and documents take."""
        row = self._file.do(
            lambda db: db.execute(
                "SELECT (SELECT COALESCE(SUM(bytes), 0) FROM layers) + (SELECT COALESCE(SUM(bytes), 0) FROM documents)"
            ).fetchone()
        )
        return int(row[0]) if row else 0

    def clear(self) -> Optional[int]:
        """Forget everything; return how many bytes that freed, or None where it could not be done."""
        freed = self.size()
        done = self._file.do(lambda db: db.executescript("DELETE FROM layers; DELETE FROM documents;"))
        return None if done is None else freed

    def close(self) -> None:
        self._file.close()

    def _drop(self, table: str, digest: str) -> None:
        self._file.complain("an entry of the cache in {} is damaged and was dropped.".format(self.folder))
        self._delete(table, digest)

    def _delete(self, table: str, digest: str) -> None:
        self._file.do(lambda db: db.execute("DELETE FROM {} WHERE digest = ?".format(table), (digest,)))  # noqa: S608

    def _shrink(self) -> None:
        """Drop what was not used for the longest time, until the rest fits."""
        if self.size() <= self._limit:
            return
        rows = self._file.do(
            lambda db: db.execute(
                "SELECT 'layers', digest, bytes, used FROM layers UNION ALL"
                " SELECT 'documents', digest, bytes, used FROM documents ORDER BY used, digest"
            ).fetchall()
        )
        over = self.size() - self._limit * 9 // 10
        for table, digest, size, _ in rows or ():
            if over <= 0:
                break
            self._delete(table, digest)
            over -= size
