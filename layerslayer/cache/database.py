"""A SQLite file under the user's cache folder: layers by digest, documents by digest.

It is a cache and nothing else: whatever is wrong with it (damage, a full disk,
another version, a folder that cannot be written, or that is another user's)
costs a warning at most. Several processes may use it at once. Each row bears a
checksum of its own; what is read is checked as if a server had sent it, and no
column is loaded before its type and length are known.
"""

from __future__ import annotations

import copy
import hashlib
import re
import sqlite3
import time
from typing import TYPE_CHECKING, Any, Iterator, List, Optional

from ..formats.checkpoints import Points, pack_points, unpack_points
from ..limits import DEFAULT, Limits
from ..oci.descriptor import digest_of
from .private_folder import default_folder
from .queries import DELETE, DELETE_ALL, DOCUMENT, LAYER, LAYERS, OLDEST, POINTS, SIZE
from .rows import (
    MOST_STORED,
    BeyondLimits,
    KnownLayer,
    LayerFacts,
    LayerSummary,
    Row,
    RowWriter,
    from_row,
    seal_of,
)
from .sqlite_file import SqliteFile

if TYPE_CHECKING:
    from ..errors import Tell

LIMIT = 512 * 1024 * 1024  # bytes of layers and documents
_TOUCH = 3600  # seconds between two notes that a row was used
_MOST_DROPPED = 16  # rows that are damaged; with more, all are
_DIGEST = re.compile(rb"[A-Za-z0-9+._-]{1,40}:[A-Za-z0-9=_-]{1,140}")


class Store:
    """The store in a folder; opening and using it never raises for what is wrong with it.

    Safe to share between threads and processes. Only what was read to its end
    and verified may be kept: that is the caller's duty.
    """

    def __init__(
        self,
        folder: Optional[str] = None,
        limit: int = LIMIT,
        warn: Tell = lambda text: None,
        limits: Limits = DEFAULT,
    ) -> None:
        """``limit``: bytes that are kept; ``limits`` bound what is taken of a layer or document that is here."""
        self._file = SqliteFile(folder or default_folder(), warn)
        self._limit = limit
        self._limits = limits
        self._dropped = 0  # damaged rows

    @property
    def folder(self) -> str:
        """The folder that the file is in, or would be."""
        return self._file.folder

    def under(self, limits: Limits) -> Store:
        """Return the same store for a caller with these limits."""
        twin = copy.copy(self)
        twin._limits = limits
        return twin

    # -- layers -----------------------------------------------------------

    def knows(self, digest: str) -> bool:
        """Whether ``layer(digest)`` will (very likely) have an answer."""
        return self._row("SELECT 1 FROM layers WHERE key = ?", _key(digest)) is not None

    def layer(self, digest: str) -> Optional[KnownLayer]:
        """Return what the cache holds of a layer, or None."""
        row = self._row(LAYER, _key(digest))
        if row is None:
            return None
        used = row[4]
        try:
            if used is None:
                raise ValueError("the row is damaged")
            known = from_row(digest, Row(*row[:4]), self._limits)
        except BeyondLimits:
            return None  # reading the layer says so
        except ValueError:
            self._drop("layers", _key(digest))
            return None
        now = int(time.time())
        if abs(now - used) > _TOUCH:
            self._file.do(lambda db: db.execute("UPDATE layers SET used = ? WHERE key = ?", (now, _key(digest))))
        return known

    def points(self, digest: str, size: int = 2**62, uncompressed: int = 2**62) -> Points:
        """Return the points that are known of a layer of so many bytes; none where there are none."""
        row = self._row(POINTS, _key(digest))
        if row is None:
            return Points()
        seal, body = row
        try:
            if body is None or seal_of(digest, b"", body, b"") != seal:
                raise ValueError("the checksum does not fit")
            points = unpack_points(body)
            if not points.within(size, uncompressed):
                raise ValueError("points of another layer")
            return points
        except ValueError:
            self._drop("points", _key(digest))
            return Points()

    def keep_layer(self, known: KnownLayer, points: Optional[Points] = None) -> None:
        """Keep a layer that was read whole and verified, and the points of it."""
        writer, facts = RowWriter(), LayerFacts(*known[:6])
        try:
            writer.add(known.entries)
            self.keep(facts, writer.row(facts, known.digests), pack_points(points) if points else b"")
        except ValueError:
            pass  # names that cannot be kept; the layer is read again next time

    def keep(self, facts: LayerFacts, made: Row, body: bytes) -> None:
        """Keep a layer as ``keep_layer`` does, packed already; ``body`` are its points."""
        size = len(made.facts) + len(made.entries) + len(made.sums) + len(body)
        if size > self._limit:
            return
        key, used, digest = _key(facts.digest), int(time.time()), facts.digest.encode()
        row = (key, digest, facts.size, made.entry_count, size, used, made.seal, made.facts, made.entries, made.sums)

        def insert(db: sqlite3.Connection) -> None:
            db.execute("BEGIN IMMEDIATE")
            with db:
                db.execute("INSERT OR REPLACE INTO layers VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
                db.execute("DELETE FROM points WHERE key = ?", (key,))
                if body:
                    seal = seal_of(facts.digest, b"", body, b"")
                    db.execute("INSERT INTO points VALUES (?, ?, ?)", (key, seal, body))

        self._file.do(insert)
        self._shrink()

    def layers(self) -> List[LayerSummary]:
        """Return a summary of each layer, last used first."""
        found: List[LayerSummary] = []
        for key, digest, *numbers in self._file.do(lambda db: db.execute(LAYERS).fetchall()) or ():
            if None in (digest, *numbers) or not _DIGEST.fullmatch(digest) or _key(digest.decode()) != key:
                self._drop("layers", key)
                if self._dropped > _MOST_DROPPED:
                    return []
            else:
                found.append(LayerSummary(digest.decode(), *numbers))
        return found

    def search(self) -> Iterator[KnownLayer]:
        """Yield every layer, one at a time."""
        for summary in self.layers():
            known = self.layer(summary.digest)
            if known is not None:
                yield known

    # -- documents --------------------------------------------------------

    def document(self, digest: str) -> Optional[bytes]:
        """Return a manifest or config by its digest, which is checked again."""
        row = self._row(DOCUMENT, self._limits.document, _key(digest))
        if row is None:
            return None
        body = row[0]
        if isinstance(body, bytes) and digest_of(body, digest) == digest:
            return body
        self._delete("documents", _key(digest))
        return None

    def keep_document(self, digest: str, body: bytes) -> None:
        """Keep a document that has this digest."""
        if len(body) <= MOST_STORED:
            row = (_key(digest), digest.encode(), len(body), int(time.time()), body)
            self._file.do(lambda db: db.execute("INSERT OR IGNORE INTO documents VALUES (?, ?, ?, ?, ?)", row))

    # -- the whole --------------------------------------------------------

    def size(self) -> int:
        """Return the bytes that the layers and documents take."""
        row = self._row(SIZE)
        return int(row[0]) if row else 0

    def clear(self) -> Optional[int]:
        """Delete everything; return how many bytes that freed, or None where it could not be done."""
        freed = self.size()

        def delete(db: sqlite3.Connection) -> bool:
            db.execute("BEGIN IMMEDIATE")
            with db:
                for statement in DELETE_ALL:
                    db.execute(statement, (-(2**63),))
            return True

        return freed if self._file.do(delete) or self._file.discard() else None

    def close(self) -> None:
        self._file.close()

    def _row(self, question: str, *values: Any) -> Any:
        return self._file.do(lambda db: db.execute(question, values).fetchone())

    def _drop(self, table: str, key: int) -> None:
        self._dropped += 1
        if self._dropped > _MOST_DROPPED:
            self._file.rebuild("it holds many damaged entries")
            return
        self._file.complain("an entry of the cache in {} is damaged and was dropped.".format(self.folder))
        self._delete(table, key)

    def _delete(self, table: str, key: int) -> None:
        def delete(db: sqlite3.Connection) -> None:
            for statement in DELETE[table]:
                db.execute(statement, (key,))

        self._file.do(delete)

    def _shrink(self) -> None:
        """Drop what was not used for the longest time, until the rest fits."""
        over = self.size() - self._limit
        if over <= 0:
            return
        over += self._limit // 10
        for table, key, size, _ in self._file.do(lambda db: db.execute(OLDEST).fetchall()) or ():
            if over <= 0:
                break
            self._delete(table.decode(), key)
            over -= size or 0


def _key(digest: str) -> int:
    """Return the number of a digest's row: rows are not found by texts, which might be of any length."""
    return int.from_bytes(hashlib.sha256(digest.encode("utf-8", "surrogatepass")).digest()[:8], "big", signed=True)
