"""The SQLite file itself: opened late, rebuilt where it is damaged or of another version, and never in the way.

Its folder is the user's own (``private_folder``). What is in it is not believed
all the same: caches are copied, restored and damaged. The file holds just the
tables of ``schema``, or it is rebuilt; nothing in them runs; no question about them
takes more than a number of steps; and rows are asked for by their number, so
that no text of theirs is loaded before its length is known.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from typing import TYPE_CHECKING, Callable, Optional, TypeVar

from ..errors import Action, LayerslayerError, Remedy
from .database_files import DatabaseFiles
from .private_folder import NotOurs
from .schema import VERSION, ensure_tables, version_of

if TYPE_CHECKING:
    from ..errors import Tell, Told

_BUSY = 5.0  # seconds to wait for another process
_STEPS = 10_000  # of SQLite's machine between two looks at
_MOST_STEPS = 50_000_000  # which a piece of work never takes: seconds
_LONGEST = 160 * 1024 * 1024  # bytes of a row
_LENGTH = 0  # SQLITE_LIMIT_LENGTH
_SETTINGS = (
    "trusted_schema = OFF",
    "cell_size_check = ON",
    "mmap_size = 0",
    "cache_size = -2000",
    "synchronous = NORMAL",
)
# What SQLite says of the disk and of other processes, and not of the file's content.
_LOCKED = ("database is locked", "database table is locked", "database schema is locked", "locking protocol")
_NO_DAMAGE = (
    *_LOCKED,
    "database or disk is full",
    "attempt to write a readonly database",
    "unable to open database",
    "disk I/O error",
    "out of memory",
)
T = TypeVar("T")


class _Steps:
    """Stops a piece of work that takes too many steps. It knows of no connection, which ends with its last user."""

    def __init__(self) -> None:
        self.looks = 0  # in this piece of work

    def __call__(self) -> int:
        self.looks += 1
        return int(self.looks > _MOST_STEPS // _STEPS)


class SqliteFile:
    """The file in a folder. Safe to share between threads and processes; nothing here raises what SQLite does.

    ``warn`` hears at most once what is wrong.
    """

    def __init__(self, folder: str, warn: Tell) -> None:
        self._files = DatabaseFiles(folder)
        self._warn = warn
        self._warned = False
        self._lock = threading.RLock()
        self._connection: Optional[sqlite3.Connection] = None
        self._failed = False
        self._steps = _Steps()

    @property
    def folder(self) -> str:
        """The folder as it was named."""
        return self._files.folder

    @property
    def path(self) -> str:
        """The path of the file."""
        return self._files.path

    def do(self, work: Callable[[sqlite3.Connection], T]) -> Optional[T]:
        """Do one piece of work; None when the cache cannot be used."""
        with self._lock:
            for attempt in (1, 2):
                self._steps.looks = 0
                try:
                    db = self._opened()
                    return work(db) if db is not None else None
                except (sqlite3.Error, sqlite3.Warning, OverflowError, MemoryError) as error:
                    if str(error).startswith(_NO_DAMAGE):
                        self._report_unusable(error)
                        return None
                    if attempt == 2 or not self.rebuild(error):
                        self._failed = True
                        self.close()
                        return None
        return None

    def close(self) -> None:
        """Close the connection; the next piece of work opens another."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _report_unusable(self, error: Exception) -> None:
        self.complain(f"the cache in {self.folder} cannot be used now: {error}.")
        locked = str(error).startswith(_LOCKED)
        self._files.ours = self._files.ours and not locked
        if self._connection is None or locked:  # one wait for a lock is enough, not one for every layer
            self._failed = True
            self.close()

    def _opened(self) -> Optional[sqlite3.Connection]:
        if self._connection is None and not self._failed:
            try:
                self._files.claim(self.complain)
                self._connection = self._connected()
            except NotOurs as error:
                self._failed = True
                self.complain(LayerslayerError(f"{error}.", within=Remedy(Action.OWN_CACHE_FOLDER)))
            except (OSError, ValueError) as error:
                self._failed = True
                reason = getattr(error, "strerror", None) or error
                made = "used" if os.path.isdir(self.folder) else "made"
                self.complain(f"the cache folder {self.folder} cannot be {made}: {reason}.")
        return self._connection

    def _connected(self) -> sqlite3.Connection:
        self._files.create()
        db = sqlite3.connect(self.path, timeout=_BUSY, isolation_level=None, check_same_thread=False)
        try:
            self._bound(db)
            if version_of(db) not in (0, VERSION):  # its rows mean something else
                db.close()
                self._files.remove()
                return self._connected()
            ensure_tables(db)
        except BaseException:
            db.close()
            raise
        return db

    def _bound(self, db: sqlite3.Connection) -> None:
        """Let nothing in the file run, or take long, or much."""
        db.text_factory = bytes  # there is no text in it
        db.set_progress_handler(self._steps, _STEPS)
        if hasattr(db, "setlimit"):  # from Python 3.11 on
            db.setlimit(_LENGTH, _LONGEST)
        for setting in _SETTINGS:
            db.execute("PRAGMA " + setting)

    def rebuild(self, reason: object) -> bool:
        """Remove a damaged file, so that an empty one takes its place; return whether that could be done."""
        self.complain(f"the cache in {self.folder} is damaged ({reason}) and is made anew.")
        return self.discard()

    def discard(self) -> bool:
        """Remove the files, if they are ours and not in use; return whether that was done."""
        with self._lock:
            self.close()
            removed = self._files.remove_ours()
            self._failed = self._failed or not removed
            return removed

    def complain(self, text: Told) -> None:
        """Warn, unless that was done before."""
        if not self._warned:
            self._warned = True
            self._warn(text)
