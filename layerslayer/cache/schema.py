"""The tables of the cache's SQLite file, which holds just these. Rows are found by a number, see ``database``."""

from __future__ import annotations

import sqlite3
from typing import Set

VERSION = 3  # of the file; another one is thrown away
_TABLES = (
    "CREATE TABLE layers (key INTEGER PRIMARY KEY, digest BLOB NOT NULL, size INTEGER NOT NULL, count INTEGER NOT NULL,"
    " bytes INTEGER NOT NULL, used INTEGER NOT NULL, seal BLOB NOT NULL, facts BLOB NOT NULL, entries BLOB NOT NULL,"
    " sums BLOB NOT NULL)",
    "CREATE TABLE points (key INTEGER PRIMARY KEY, seal BLOB NOT NULL, body BLOB NOT NULL)",
    "CREATE TABLE documents (key INTEGER PRIMARY KEY, digest BLOB NOT NULL, bytes INTEGER NOT NULL,"
    " used INTEGER NOT NULL, body BLOB NOT NULL)",
)


class Damaged(sqlite3.DatabaseError):
    """The file is not one that this program made."""


def version_of(db: sqlite3.Connection) -> object:
    """Return the version of a file; 0 for an empty one."""
    return db.execute("PRAGMA user_version").fetchone()[0]


def ensure_tables(db: sqlite3.Connection) -> None:
    """Create the tables in an empty file; do nothing where they are there. Raises Damaged for other tables."""
    if _schema(db) == set(_TABLES):
        return
    db.execute("PRAGMA auto_vacuum = FULL")
    db.execute("PRAGMA journal_mode = WAL")  # stays as it is where the disk has no such mode
    db.execute("BEGIN IMMEDIATE")
    with db:
        found = _schema(db)
        if found == set(_TABLES):
            return
        if found or version_of(db):
            raise Damaged("it holds something else")
        for table in _TABLES:
            db.execute(table)
        db.execute(f"PRAGMA user_version = {VERSION}")


def _schema(db: sqlite3.Connection) -> Set[str]:
    rows = db.execute("SELECT sql FROM sqlite_master LIMIT 9").fetchall()
    return {str(sql, "utf-8", "replace") if isinstance(sql, bytes) else "" for (sql,) in rows}
