"""The SQLite file itself: opened late, made anew where it is damaged or of another version, and never in the way.

Its folder is the user's own (``private_folder``). What is in it is not believed
all the same: caches are copied, restored and damaged. The file holds just the
tables below, or it is made anew; nothing in them runs; no question about them
takes more than a number of steps; and rows are asked for by their number, so
that no text of theirs is loaded before its length is known.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from typing import TYPE_CHECKING, Callable, Optional, Set, TypeVar

from ..errors import Action, LayerslayerError, Remedy
from .private_folder import NotOurs, own_file, own_folder

if TYPE_CHECKING:
    from ..errors import Tell, Told

VERSION = 3  # of the file; another one is thrown away
FILE = "layers.sqlite"
_FILES = tuple(FILE + ending for ending in ("", "-wal", "-shm", "-journal"))
_MOST = 1024 * 1024 * 1024  # bytes of all of them: twice what is kept
_BUSY = 5.0  # seconds to wait for another process
_STEPS = 10_000  # of SQLite's machine between two looks at
_MOST_STEPS = 50_000_000  # which a piece of work never takes: seconds
_LONGEST = 160 * 1024 * 1024  # bytes of a row
_LENGTH = 0  # SQLITE_LIMIT_LENGTH
_TABLES = (
    "CREATE TABLE layers (key INTEGER PRIMARY KEY, digest BLOB NOT NULL, size INTEGER NOT NULL, count INTEGER NOT NULL,"
    " bytes INTEGER NOT NULL, used INTEGER NOT NULL, seal BLOB NOT NULL, facts BLOB NOT NULL, entries BLOB NOT NULL,"
    " sums BLOB NOT NULL)",
    "CREATE TABLE points (key INTEGER PRIMARY KEY, seal BLOB NOT NULL, body BLOB NOT NULL)",
    "CREATE TABLE documents (key INTEGER PRIMARY KEY, digest BLOB NOT NULL, bytes INTEGER NOT NULL,"
    " used INTEGER NOT NULL, body BLOB NOT NULL)",
)
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
_CREATING = threading.Lock()
T = TypeVar("T")


class _Damaged(sqlite3.DatabaseError):
    """The file is not one that this program made."""


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
        self.folder = folder
        self.path = os.path.join(folder, FILE)
        self._warn = warn
        self._warned = False
        self._lock = threading.RLock()
        self._connection: Optional[sqlite3.Connection] = None
        self._failed = False
        self._ours = False  # it was seen that the files are, and no other process is at work on them
        self._steps = _Steps()

    def do(self, work: Callable[[sqlite3.Connection], T]) -> Optional[T]:
        """Do one piece of work; None when the store cannot be used."""
        with self._lock:
            for attempt in (1, 2):
                self._steps.looks = 0
                try:
                    db = self._opened()
                    return work(db) if db is not None else None
                except (sqlite3.Error, sqlite3.Warning, OverflowError, MemoryError) as error:
                    if str(error).startswith(_NO_DAMAGE):
                        self._tell_unusable(error)
                        return None
                    if attempt == 2 or not self.make_anew(error):
                        self._failed = True
                        self.close()
                        return None
        return None

    def close(self) -> None:
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _tell_unusable(self, error: Exception) -> None:
        self.complain("the cache in {} cannot be used now: {}.".format(self.folder, error))
        locked = str(error).startswith(_LOCKED)
        self._ours = self._ours and not locked
        if self._connection is None or locked:  # it was waited for once; not for every layer anew
            self._failed = True
            self.close()

    def _opened(self) -> Optional[sqlite3.Connection]:
        if self._connection is None and not self._failed:
            try:
                if not self.folder:
                    raise NotOurs("no home is known to keep a cache in")
                self._claim()
                self._ours = True
                self._connection = self._connected()
            except NotOurs as error:
                self._failed = True
                self.complain(LayerslayerError("{}.".format(error), within=Remedy(Action.OWN_CACHE_FOLDER)))
            except (OSError, ValueError) as error:
                self._failed = True
                reason = getattr(error, "strerror", None) or error
                made = "used" if os.path.isdir(self.folder) else "made"
                self.complain("the cache folder {} cannot be {}: {}.".format(self.folder, made, reason))
        return self._connection

    def _claim(self) -> None:
        """See that folder and files are the user's own and nobody else's. Raises NotOurs and OSError."""
        folder = _real(self.folder)
        self.path = os.path.join(folder, FILE)
        own_folder(folder, _FILES)
        foreign = [own_file(os.path.join(folder, name)) for name in _FILES]
        if any(foreign):
            self.complain("the cache in {} could be changed by others and is made anew.".format(self.folder))
            self._remove()
        elif sum(_length(os.path.join(folder, name)) for name in _FILES) > _MOST:
            self.complain("the cache in {} is larger than any and is made anew.".format(self.folder))
            self._remove()

    def _connected(self) -> sqlite3.Connection:
        _create(self.path)
        db = sqlite3.connect(self.path, timeout=_BUSY, isolation_level=None, check_same_thread=False)
        try:
            self._bound(db)
            version = db.execute("PRAGMA user_version").fetchone()[0]
            if version not in (0, VERSION):
                db.close()  # another version's rows are of no use
                self._remove()
                return self._connected()
            if _schema(db) != set(_TABLES):
                _make(db)
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

    def make_anew(self, reason: object) -> bool:
        """Put a damaged file out of the way; return whether that could be done."""
        self.complain("the cache in {} is damaged ({}) and is made anew.".format(self.folder, reason))
        return self.discard()

    def discard(self) -> bool:
        """Remove the files, if they are ours and not in use; return whether that was done."""
        with self._lock:
            self.close()
            try:
                if self._ours:
                    self._remove()
            except OSError:
                self._ours = False
            self._failed = self._failed or not self._ours
            return self._ours

    def _remove(self) -> None:
        for name in _FILES:
            path = os.path.join(os.path.dirname(self.path), name)
            if os.path.lexists(path):
                os.unlink(path)

    def complain(self, text: Told) -> None:
        """Warn, unless that was done before."""
        if not self._warned:
            self._warned = True
            self._warn(text)


def _create(path: str) -> None:
    """Make an empty file of the user's own, unless it is there; SQLite gives its permissions to those beside it, too.

    One that is there is never opened but by SQLite: a process that closes a file
    loses all its locks on it, those of its other connections as well.
    """
    with _CREATING:
        try:
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        except FileExistsError:
            pass


def _schema(db: sqlite3.Connection) -> Set[str]:
    rows = db.execute("SELECT sql FROM sqlite_master LIMIT 9").fetchall()
    return {str(sql, "utf-8", "replace") if isinstance(sql, bytes) else "" for (sql,) in rows}


def _make(db: sqlite3.Connection) -> None:
    """Make the tables in a file that is empty, unless another process just did. Raises _Damaged for another one."""
    db.execute("PRAGMA auto_vacuum = FULL")
    db.execute("PRAGMA journal_mode = WAL")  # stays as it is where that cannot be had
    db.execute("BEGIN IMMEDIATE")
    with db:
        found = _schema(db)
        if found == set(_TABLES):
            return
        if found or db.execute("PRAGMA user_version").fetchone()[0]:
            raise _Damaged("it holds something else")
        for table in _TABLES:
            db.execute(table)
        db.execute("PRAGMA user_version = {}".format(VERSION))


def _real(folder: str) -> str:
    """Return the folder's path, free of links down to its own name."""
    head, tail = os.path.split(folder.rstrip("/") or "/") if os.sep == "/" else os.path.split(os.path.abspath(folder))
    if tail in ("", os.curdir, os.pardir):
        return os.path.realpath(folder)
    return os.path.join(os.path.realpath(head or os.curdir), tail)


def _length(path: str) -> int:
    try:
        return os.lstat(path).st_size
    except OSError:
        return 0
