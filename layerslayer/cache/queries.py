"""What the store asks of its tables, so that rows of any kind do no harm. No I/O.

A column that holds what it cannot be, or more, comes as NULL, without being
loaded: SQLite knows a column's type, and the length of bytes, from the
head of its row.
"""

# ruff: noqa: S608 (what is put together here are constants)

from __future__ import annotations

from .rows import MOST_FACTS, MOST_STORED

_SEAL = 16  # bytes
_DIGEST = 200
_GREATEST = 2**48  # of sizes and times
_MOST_ROWS = 100_000  # that are listed


def _blob(column: str, most: int) -> str:
    return "CASE WHEN typeof({0}) = 'blob' AND length({0}) <= {1} THEN {0} END".format(column, most)


def _whole(column: str) -> str:
    return "CASE WHEN typeof({0}) = 'integer' AND {0} BETWEEN 0 AND {1} THEN {0} END".format(column, _GREATEST)


# facts, entries, sums, seal, used
LAYER = "SELECT {}, {}, {}, {}, {} FROM layers WHERE key = ?".format(
    _blob("facts", MOST_FACTS),
    _blob("entries", MOST_STORED),
    _blob("sums", MOST_STORED),
    _blob("seal", _SEAL),
    _whole("used"),
)
# seal, body
POINTS = "SELECT {}, {} FROM points WHERE key = ?".format(_blob("seal", _SEAL), _blob("body", MOST_STORED))
# body, of so many bytes at most
DOCUMENT = "SELECT CASE WHEN typeof(body) = 'blob' AND length(body) <= ? THEN body END FROM documents WHERE key = ?"
# key, digest, size, count, bytes, used: the last used first
LAYERS = "SELECT key, {}, {}, {}, {}, {} AS last FROM layers ORDER BY last DESC LIMIT {}".format(
    _blob("digest", _DIGEST), *map(_whole, ("size", "count", "bytes", "used")), _MOST_ROWS
)
SIZE = "SELECT COALESCE(SUM({}), 0) FROM (SELECT bytes FROM layers UNION ALL SELECT bytes FROM documents)".format(
    _whole("bytes")
)
# table, key, bytes, used: the last used last
OLDEST = (
    "SELECT 'layers', key, {0}, {1} AS last FROM layers UNION ALL"
    " SELECT 'documents', key, {0}, {1} AS last FROM documents ORDER BY last, key LIMIT {2}"
).format(_whole("bytes"), _whole("used"), _MOST_ROWS)
DELETE = {
    "layers": ("DELETE FROM layers WHERE key = ?", "DELETE FROM points WHERE key = ?"),
    "points": ("DELETE FROM points WHERE key = ?",),
    "documents": ("DELETE FROM documents WHERE key = ?",),
}
# Row by row, which can be stopped; given the least of keys.
DELETE_ALL = tuple("DELETE FROM {} WHERE key >= ?".format(table) for table in DELETE)
