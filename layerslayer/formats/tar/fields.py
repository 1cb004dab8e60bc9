"""The fields of a tar header block: numbers, texts and the checksum. Pure.

Every reader here raises ValueError, with words that complete "the header has".
"""

from __future__ import annotations

import re
from zlib import adler32

_OCTAL = re.compile(rb"[\0 ]*([0-7]*) *(?:\0.*)?", re.DOTALL)
_GREATEST = 2**63 - 1
_SPACES = b" " * 8  # what the checksum field counts as


def text(field: bytes) -> str:
    """Return a NUL-terminated text; bytes that are not UTF-8 become lone surrogates."""
    return field.partition(b"\0")[0].decode("utf-8", "surrogateescape")


def number(field: bytes, what: str, signed: bool = False) -> int:
    """Return an octal or base-256 number as Go's archive/tar reads it.

    ``signed`` allows negative ones (base-256 only).
    """
    first = field[0]
    if first & 0x80:
        value = (
            int.from_bytes(field, "big", signed=True)
            if first & 0x40
            else int.from_bytes(bytes((first & 0x7F,)) + field[1:], "big")
        )
        if value > _GREATEST or value < -_GREATEST:
            raise ValueError(f"an impossible {what} field")
        if value < 0 and not signed:
            raise ValueError(f"a negative {what}")
        return value
    match = _OCTAL.fullmatch(field)
    if not match:
        raise ValueError(f"an unreadable {what} field")
    return int(match.group(1) or b"0", 8)


def sum_expected(field: bytes) -> int:
    """Return the low half of ``adler32(header)`` for a header whose checksum field is ``field`` and right.

    That half is 1 + the sum of the bytes, modulo 65521; -1 for a field that is no number.
    """
    stated = _OCTAL.fullmatch(field)
    if not stated or not stated.group(1):
        return -1
    return (int(stated.group(1), 8) + 1 - sum(_SPACES) + sum(field)) % 65521


def checksum_holds(header: bytes) -> bool:
    """Whether a 512-byte block bears its own checksum, as every tar header does."""
    stated = _OCTAL.fullmatch(header[148:156])
    if not stated or not stated.group(1):
        return False
    value = int(stated.group(1), 8)
    # adler32's low half is 1 + the sum of the bytes, modulo 65521, at C speed.
    total = adler32(header[156:], adler32(_SPACES, adler32(header[:148]))) & 0xFFFF
    if (value + 1) % 65521 == total:
        return True
    # Some ancient writers summed signed bytes.
    rest = header[:148] + header[156:]
    return value == sum(byte - 256 if byte > 127 else byte for byte in rest) + 256
