"""Sections of packed columns: texts and numbers to bytes, and back from bytes that may be anybody's. Pure.

Texts are UTF-8, with bytes that are not as they were, joined by NUL; numbers are
little endian. What reads raises ValueError for bytes that were not written here.
"""

from __future__ import annotations

import sys
from array import array
from typing import Any, Iterable, List, Sequence

WORD, LONG, REAL = "I", "q", "d"  # numbers of 4, 8 and 8 bytes
_BLOCK = 1000  # texts
_TEXT = 64 * 1024  # bytes of texts
_LENGTH = 8  # bytes of a section's length


def check(holds: bool, what: str) -> None:
    """Raise ValueError unless ``holds``."""
    if not holds:
        raise ValueError(f"not what was packed: {what}")


def length_of(section: Sequence[int]) -> bytes:
    """Return what stands before a section."""
    return len(section).to_bytes(_LENGTH, "little")


def split_sections(packed: bytes, count: int) -> List[memoryview]:
    """Return the ``count`` sections that stand one after the other."""
    data = memoryview(packed)
    found: List[memoryview] = []
    at = 0
    for _ in range(count):
        length = int.from_bytes(data[at : at + _LENGTH], "little")
        section = data[at + _LENGTH : at + _LENGTH + length]
        check(len(section) == length, "a section is cut short")
        found.append(section)
        at += _LENGTH + length
    check(at == len(data), "bytes after the last section")
    return found


def join_texts(texts: Sequence[str]) -> bytes:
    """Return texts as one section. Raises ValueError for one with a NUL."""
    # Block by block: one wide character makes all of a text take four times as much.
    blocks = (texts[at : at + _BLOCK] for at in range(0, len(texts), _BLOCK))
    joined = b"\0".join(["\0".join(block).encode("utf-8", "surrogateescape") for block in blocks])
    if joined.count(b"\0") != max(len(texts) - 1, 0):
        raise ValueError("a NUL in a name")
    return joined


def split_texts(section: memoryview, count: int) -> List[str]:
    """Return the ``count`` texts of a section."""
    data = bytes(section)
    check(data.count(0) == count - 1 if count else not data, "texts")
    found: List[str] = []
    at = 0
    while count:
        end = data.find(b"\0", at + _TEXT)
        found += str(data[at : end if end >= 0 else len(data)], "utf-8", "surrogateescape").split("\0")
        if end < 0:
            break
        at = end + 1
    return found


def pack_numbers(letter: str, values: Iterable[Any]) -> bytes:
    """Return numbers, of the size that ``letter`` names, as one section. Raises OverflowError."""
    return little_endian(array(letter, values))


def little_endian(column: array[Any]) -> bytes:
    """Return the bytes of a column, whose numbers are then spoilt."""
    if sys.byteorder == "big":
        column.byteswap()
    return column.tobytes()


def unpack_numbers(letter: str, section: memoryview) -> array[Any]:
    """Return the numbers of a section."""
    column: array[Any] = array(letter)
    column.frombytes(section)
    if sys.byteorder == "big":
        column.byteswap()
    return column
