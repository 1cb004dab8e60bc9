"""Pax extended headers: records, and what they say of a member. Pure.

Wire format (POSIX.1-2001 pax): records ``"%d %s=%s\\n" % (length, key, value)``
where ``length`` counts the whole record. An empty value takes a record back.
"""

from __future__ import annotations

import re
from typing import Dict, Mapping, Union

from ...errors import CorruptLayer

_LENGTH = re.compile(rb"(\d{1,10}) ")
MOST_RECORDS = 8192  # of a header; Linux lists at most 64 KiB of attributes' names of a file
_TIME = re.compile(rb"-?\d{1,18}(?:\.\d*)?")
_DECIMAL = re.compile(rb"-?\d{1,18}")
_XATTR = "SCHILY.xattr."
_SIZES = ("GNU.sparse.size", "GNU.sparse.realsize")
_SPARSE_VERSIONS = ((b"0", b"0"), (b"0", b"1"), (b"1", b"0"))
_SPARSE_MAPS = ("GNU.sparse.map", "GNU.sparse.offset", "GNU.sparse.numbytes")
_SPARSE = "GNU.sparse."
_SPARSE_ELSEWHERE = frozenset(("SCHILY.realsize", "SUN.holesdata"))  # by which star and Solaris say so


def parse_records(body: bytes, offset: int) -> Dict[str, bytes]:
    """Parse the body of a pax header; ``offset`` is where it stands in the tar.

    The last of equal keys wins. Raises CorruptLayer.
    """
    records: Dict[str, bytes] = {}
    at = 0
    while at < len(body):
        match = _LENGTH.match(body, at)
        end = at + (int(match.group(1)) if match else 0)
        if not match or not match.end() < end <= len(body) or body[end - 1] != 0x0A:
            if not body[at:].strip(b"\0"):
                break  # some writers pad with NULs
            raise CorruptLayer("tar", offset + at, "a pax record is malformed")
        equals = body.find(b"=", match.end(), end - 1)
        if equals <= match.end():
            raise CorruptLayer("tar", offset + at, "a pax record is malformed")
        records[body[match.end() : equals].decode("utf-8", "surrogateescape")] = body[equals + 1 : end - 1]
        if len(records) > MOST_RECORDS:
            raise CorruptLayer("tar", offset + at, f"a pax header has more than {MOST_RECORDS} records")
        at = end
    return records


def is_sparse(records: Mapping[str, bytes]) -> bool:
    """Whether some reader takes what such a member holds for less than its content: a map and data, or data with holes.

    One that knows no such records, or other versions of them, takes it as it is.
    A record that is empty, odd or alone counts: what one reader passes over another obeys.
    """
    return (
        any(key.startswith(_SPARSE) or key in _SPARSE_ELSEWHERE for key in records)
        or records.get("SCHILY.filetype") == b"sparse"
    )


class Overrides:
    """The records that replace header fields; each takes the header's value as default.

    Raises ValueError, with words that complete "the header has".
    """

    def __init__(self, records: Mapping[str, bytes]) -> None:
        self._records = records

    def text(self, key: str, default: str) -> str:
        value = self._records.get(key)
        return value.decode("utf-8", "surrogateescape") if value else default

    def number(self, key: str, default: int, signed: bool = False) -> int:
        value = self._records.get(key)
        if not value:
            return default
        if not _DECIMAL.fullmatch(value) or (value[0] == 0x2D and not signed):
            raise ValueError(f"an unreadable pax {key}")
        return int(value)

    def time(self, key: str, default: Union[int, float]) -> Union[int, float]:
        value = self._records.get(key)
        if not value:
            return default
        if not _TIME.fullmatch(value):
            raise ValueError(f"an unreadable pax {key}")
        return float(value) if b"." in value else int(value)

    @property
    def _sparse(self) -> bool:
        # As Go decides it, lest a name shown here is not the one a runtime uses.
        version = (self._records.get("GNU.sparse.major", b""), self._records.get("GNU.sparse.minor", b""))
        return version in _SPARSE_VERSIONS or (
            version == (b"", b"") and any(self._records.get(key) for key in _SPARSE_MAPS)
        )

    def sparse_name(self, default: str) -> str:
        """The name that a pax sparse file hides behind a made-up one."""
        return self.text("GNU.sparse.name", default) if self._sparse else default

    def full_size(self, default: int) -> int:
        """The size a sparse file has when unfolded (GNU pax sparse 0.0, 0.1, 1.0)."""
        for key in _SIZES if self._sparse else ():
            if self._records.get(key):
                return self.number(key, default)
        return default

    def xattrs(self) -> Mapping[str, bytes]:
        return {key[len(_XATTR) :]: value for key, value in self._records.items() if key.startswith(_XATTR)}
