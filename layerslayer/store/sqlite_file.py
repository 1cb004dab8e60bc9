"""The SQLite file itself: opened late, made anew where it is damaged or of another version, and never in the way."""

from __future__ import annotations

import os
import sqlite3
import sys
import threading
from typing import Callable, Optional, TypeVar

VERSION = 2  # of the file; another one is thrown away
FILE = "layers.sqlite"
_BUSY = 5.0  # seconds to wait for another process
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


class SqliteFile:
    """The file in a folder. Safe to share between threads and processes; nothing here raises what SQLite does.

    ``warn`` hears at most once what is wrong.
    """

    def __init__(self, folder: str, warn: Callable[[str], None]) -> None:
        self.folder = folder
        self.path = os.path.join(folder, FILE)
        self._warn = warn
        self._warned = False
        self._lock = threading.RLock()
        self._connection: Optional[sqlite3.Connection] = None
        self._failed = False

    def do(self, work: Callable[[sqlite3.Connection], T]) -> Optional[T]:
        """Do one piece of work; None when the store cannot be used."""
        with self._lock:
            for attempt in (1, 2):
                try:
                    db = self._opened()
                    return work(db) if db is not None else None
                except sqlite3.OperationalError as error:
                    if attempt == 1 and "no such" in str(error) and self._rebuilt(error):
                        continue
                    self.complain("the cache in {} cannot be used now: {}.".format(self.folder, error))
                    if "locked" in str(error):  # it was waited for once; not for every layer anew
                        self._failed = True
                        self.close()
                    return None
                except sqlite3.DatabaseError as error:
                    if attempt == 2 or not self._rebuilt(error):
                        self._failed = True
                        return None
        return None

    def close(self) -> None:
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _opened(self) -> Optional[sqlite3.Connection]:
        if self._connection is None and not self._failed:
            try:
                os.makedirs(self.folder, mode=0o700, exist_ok=True)
            except OSError as error:
                self._failed = True
                self.complain("the cache folder {} cannot be made: {}.".format(self.folder, error.strerror or error))
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
        self.complain("the cache in {} is damaged ({}) and is made anew.".format(self.folder, error))
        self.close()
        try:
            for ending in ("", "-wal", "-shm", "-journal"):
                if os.path.exists(self.path + ending):
                    os.unlink(self.path + ending)
        except OSError:
            return False
        return True

    def complain(self, text: str) -> None:
        """Warn, unless that was done before."""
        if not self._warned:
            self._warned = True
            self._warn(text)
