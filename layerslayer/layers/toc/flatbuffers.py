"""Just as much of FlatBuffers as a ztoc needs, read from a stranger. Pure.

Wire format (google/flatbuffers ``docs/internals``), all little endian::

    buffer   u32 to the root table
    table    i32 back to its vtable, then the fields
    vtable   u16 its size, u16 the table's size, then u16 for each field: where in the table it is, 0 for absent
    field    a number as it is; u32 forward to a table, a vector or a string
    vector   u32 count, then numbers, or u32 forward to each element; a string is one of bytes

Offsets lead forward only and the schema is not recursive, so there are no
loops. Places are never negative and ``struct`` refuses those beyond the end.
What is referred to many times costs memory many times: so all that is taken
out counts against a budget, which the buffer's own size sets.
"""

from __future__ import annotations

import struct
from typing import Dict, Iterator, List, Tuple, Union

from ...errors import CorruptLayer

U8, I32, U32, I64 = (struct.Struct("<" + code) for code in "BiIq")
_VTABLE = struct.Struct("<HH")
_TABLE_COST = 32  # bytes that no table takes less of, with the offset to it and its fields
_TEXT_COST = 8
_MOST_FIELDS = 64  # of a table; the largest of a ztoc has 14
_MOST_LISTS = 4096  # of fields, remembered


class Buffer:
    """A FlatBuffer. Raises CorruptLayer, here and in its tables, for whatever is not as it should be."""

    def __init__(self, body: Union[bytes, bytearray]) -> None:
        self.body = body
        self._left = 2 * len(body) + 1024
        self._vtables: Dict[int, Tuple[int, ...]] = {}

    def root(self) -> Table:
        return self.table(self.at(U32, 0))

    def at(self, kind: struct.Struct, place: int) -> int:
        """Return the number at a place."""
        try:
            return int(kind.unpack_from(self.body, place)[0])
        except struct.error:
            raise self.corrupt(place, "something there is said to go on beyond the end") from None

    def table(self, place: int) -> Table:
        self._spend(_TABLE_COST, place)
        vtable = place - self.at(I32, place)
        fields = self._vtables.get(vtable)
        if fields is None:
            if len(self._vtables) >= _MOST_LISTS:
                self._vtables.clear()
            fields = self._vtables[vtable] = self._fields(vtable, place)
        return Table(self, place, fields)

    def text(self, place: int) -> bytes:
        """Return the string or vector of bytes that stands at a place."""
        return bytes(self.view(place))

    def view(self, place: int) -> memoryview:
        """Return the same without a copy of it."""
        length, start = self.at(U32, place), place + 4
        if start + length > len(self.body):
            raise self.corrupt(place, "a text is said to be longer than the whole")
        self._spend(_TEXT_COST + length, place)
        return memoryview(self.body)[start : start + length]

    def vector(self, place: int) -> Iterator[int]:
        """Yield the places of the elements, of a vector of offsets that stands at a place."""
        length, start = self.at(U32, place), place + 4
        if start + 4 * length > len(self.body):
            raise self.corrupt(place, "a vector is said to be longer than the whole")
        for at in range(start, start + 4 * length, 4):
            yield at + self.at(U32, at)

    def corrupt(self, place: int, reason: str) -> CorruptLayer:
        return CorruptLayer("FlatBuffers", place, reason)

    def _fields(self, vtable: int, place: int) -> Tuple[int, ...]:
        if not 0 <= vtable <= len(self.body) - _VTABLE.size:
            raise self.corrupt(place, "the table there has its fields outside of the whole")
        size, _ = _VTABLE.unpack_from(self.body, vtable)
        if size < _VTABLE.size or size % 2 or vtable + size > len(self.body):
            raise self.corrupt(vtable, "the list of fields there has an impossible size")
        self._spend(size, vtable)
        size = min(size, _VTABLE.size + 2 * _MOST_FIELDS)
        return struct.unpack_from("<{}H".format(size // 2 - 2), self.body, vtable + _VTABLE.size)

    def _spend(self, cost: int, place: int) -> None:
        self._left -= cost
        if self._left < 0:
            raise self.corrupt(place, "its parts refer to the same bytes over and over")


class Table:
    """A table of a buffer; fields are numbered as the schema has them, from 0."""

    __slots__ = ("_at", "_buffer", "_fields")

    def __init__(self, buffer: Buffer, at: int, fields: Tuple[int, ...]) -> None:
        self._buffer = buffer
        self._at = at
        self._fields = fields

    def number(self, field: int, kind: struct.Struct, default: int = 0) -> int:
        place = self._place(field)
        return self._buffer.at(kind, place) if place else default

    def text(self, field: int) -> bytes:
        """Return a string or vector of bytes, empty when it is absent."""
        place = self._target(field)
        return self._buffer.text(place) if place else b""

    def view(self, field: int) -> memoryview:
        """Return a vector of bytes, which stays where it is; empty when it is absent."""
        place = self._target(field)
        return self._buffer.view(place) if place else memoryview(b"")

    def table(self, field: int) -> Table:
        """Return a table, which must be there."""
        place = self._target(field)
        if not place:
            raise self._buffer.corrupt(self._at, "the table there lacks its field {}".format(field))
        return self._buffer.table(place)

    def count(self, field: int) -> int:
        """Return how many elements a vector says to have, 0 when it is absent."""
        place = self._target(field)
        return self._buffer.at(U32, place) if place else 0

    def tables(self, field: int) -> Iterator[Table]:
        """Yield the elements of a vector of tables."""
        place = self._target(field)
        for element in self._buffer.vector(place) if place else ():
            yield self._buffer.table(element)

    def texts(self, field: int) -> List[bytes]:
        """Return the elements of a vector of strings."""
        place = self._target(field)
        return [self._buffer.text(element) for element in self._buffer.vector(place)] if place else []

    def _place(self, field: int) -> int:
        """Return where a field stands, 0 when it is absent; nothing stands at 0 but the offset to the root."""
        inside = self._fields[field] if field < len(self._fields) else 0
        return self._at + inside if inside else 0

    def _target(self, field: int) -> int:
        place = self._place(field)
        return place + self._buffer.at(U32, place) if place else 0
