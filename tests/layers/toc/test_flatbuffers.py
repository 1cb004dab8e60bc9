"""FlatBuffers of strangers: read right, refused in one kind of error, never costing more than they are large."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from layerslayer.errors import CorruptLayer
from layerslayer.layers.toc.flatbuffers import I32, I64, U8, U32, Buffer, Table

from ...support.ztoc_writer import Number, flatbuffer
from ...support.ztoc_writer import Table as Written

INNER = Written([b"inner", Number(-5, "i")])
WHOLE = flatbuffer(Written([
    b"text", None, Number(2**40, "q"), INNER, [INNER, Written([]), INNER], [b"a", b"", b"\xff"], Number(7, "b"),
    Number(2**32 - 1, "I"),
]))  # fmt: skip


def drained(table: Table, depth: int = 0) -> int:
    """Take all that there is out of a table as if of the shape of WHOLE; return how many bytes that was."""
    taken = len(table.text(0))
    for kind in (I32, I64, U8, U32):
        table.number(2, kind)
    taken += sum(map(len, table.texts(5)))
    table.count(4)
    if depth < 2:
        taken += drained(table.table(3), depth + 1)
        taken += sum(drained(item, depth + 1) for item in table.tables(4))
    return taken


def test_what_was_written_is_read() -> None:
    root = Buffer(WHOLE).root()
    assert root.text(0) == b"text" and root.text(1) == b"" and root.number(1, I64, 9) == 9
    assert root.number(2, I64) == 2**40 and root.number(6, U8) == 7 and root.number(7, U32) == 2**32 - 1
    assert root.table(3).text(0) == b"inner" and root.table(3).number(1, I32) == -5
    assert root.count(4) == 3 and [item.text(0) for item in root.tables(4)] == [b"inner", b"", b"inner"]
    assert root.texts(5) == [b"a", b"", b"\xff"]


def test_fields_of_a_later_schema_are_absent() -> None:
    root = Buffer(WHOLE).root()
    assert root.text(8) == b"" and root.number(99, I64, 3) == 3 and root.count(9) == 0
    assert root.texts(10) == [] and list(root.tables(11)) == []
    with pytest.raises(CorruptLayer, match="lacks"):
        root.table(8)


@pytest.mark.parametrize("length", range(len(WHOLE)))
def test_a_buffer_that_is_cut_off_is_told(length: int) -> None:
    try:
        drained(Buffer(WHOLE[:length]).root())
    except CorruptLayer as error:
        assert error.where == "FlatBuffers"
    else:
        assert length > len(WHOLE) - 8  # the last one's padding, or what this reading leaves out


def vectors(count: int, length: int = 1) -> bytes:
    """A root whose field 0 is a vector of ``count`` offsets, all to one table, whose text has ``length`` bytes."""
    vtable = struct.pack("<HHHH", 6, 8, 4, 0)
    elements = 4 + 8 + 8 + 4
    table = elements + 4 * count
    body = struct.pack("<I", 12) + vtable + struct.pack("<iII", 8, 4, count)
    body += b"".join(struct.pack("<I", table - (elements + 4 * number)) for number in range(count))
    return body + struct.pack("<iI", table - 4, 4) + struct.pack("<I", length) + bytes(length)


def test_what_is_referred_to_again_and_again_costs_an_error() -> None:
    few = [item.text(0) for item in Buffer(vectors(3, 100)).root().tables(0)]
    assert few == [bytes(100)] * 3
    taken = 0
    with pytest.raises(CorruptLayer, match="over and over"):
        for item in Buffer(vectors(1000, 4000)).root().tables(0):
            taken += len(item.text(0))
    assert taken <= 2 * len(vectors(1000, 4000)) + 1024
    count = 0
    with pytest.raises(CorruptLayer, match="over and over"):
        for _ in Buffer(vectors(100_000)).root().tables(0):
            count += 1
    assert count < 40_000


@pytest.mark.parametrize(
    "body, reason",
    [
        (b"", "beyond the end"),
        (b"\xff\xff\xff\xff", "beyond the end"),
        (struct.pack("<Ii", 4, 100), "outside"),
        (struct.pack("<Ii", 4, -(2**31)), "outside"),
        (struct.pack("<IiHH", 4, -4, 2, 4), "impossible size"),
        (struct.pack("<IiHH", 4, -4, 5, 4), "impossible size"),
        (struct.pack("<IiHH", 4, -4, 400, 4), "impossible size"),
        (struct.pack("<IiHHH", 4, -4, 6, 4, 60000), "beyond the end"),
        (struct.pack("<IiHHHHI", 4, -4, 6, 4, 12, 0, 2**32 - 1), "beyond the end"),
        (struct.pack("<IiHHHHII", 4, -4, 6, 4, 12, 0, 4, 2**32 - 1), "longer than the whole"),
    ],
)
def test_impossible_offsets(body: bytes, reason: str) -> None:
    with pytest.raises(CorruptLayer, match=reason):
        Buffer(body).root().text(0)


def test_an_endless_vector_is_told_before_it_is_walked() -> None:
    body = struct.pack("<IiHHHHII", 4, -4, 6, 4, 12, 0, 4, 2**31)
    for read in (lambda: list(Buffer(body).root().tables(0)), lambda: Buffer(body).root().texts(0)):
        with pytest.raises(CorruptLayer, match="longer than the whole"):
            read()


@given(st.binary(max_size=200))
def test_any_bytes(body: bytes) -> None:
    try:
        taken = drained(Buffer(body).root())
    except CorruptLayer:
        return
    assert taken <= 2 * len(body) + 1024


@given(st.lists(st.tuples(st.integers(0, len(WHOLE) - 1), st.integers(0, 255)), min_size=1, max_size=4))
def test_any_damage(changes: list) -> None:  # type: ignore[type-arg]
    body = bytearray(WHOLE)
    for at, value in changes:
        body[at] = value
    try:
        taken = drained(Buffer(bytes(body)).root())
    except CorruptLayer:
        return
    assert taken <= 2 * len(body) + 1024
