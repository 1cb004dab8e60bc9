"""A table's JSON read as it comes is what json makes of it, wherever it is cut; what is too large is refused early."""

from __future__ import annotations

import json
from typing import Any, Dict, List, Tuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from layerslayer.errors import CorruptLayer
from layerslayer.filesystem.node import IMPLIED_ENTRY
from layerslayer.formats.entry import Entry
from layerslayer.formats.file_digests import FileSums
from layerslayer.layers.toc.entry_table import EntryTable
from layerslayer.layers.toc.json_entries import MOST, JsonEntries


def read(body: bytes, step: int) -> List[Dict[str, Any]]:
    found: List[Dict[str, Any]] = []
    entries = JsonEntries(found.append)
    for at in range(0, len(body), step):
        entries.feed(body[at : at + step])
    entries.close()
    assert entries.others["version"] == 12
    return found


VALUES = st.one_of(st.integers(-(10**9), 10**9), st.text(max_size=5), st.none(), st.lists(st.booleans(), max_size=2))
ITEMS = st.lists(st.dictionaries(st.text(max_size=4), VALUES, max_size=3), max_size=4)


@given(ITEMS, st.integers(1, 40), st.booleans(), st.sampled_from([None, 1]))
def test_any_document_cut_anywhere(items: List[Any], step: int, first: bool, indent: Any) -> None:
    document = {"version": 12, "entries": items} if first else {"entries": items, "x": {"y": [1]}, "version": 12}
    for text in (json.dumps(document, indent=indent), json.dumps(document, ensure_ascii=False)):
        assert read(text.encode("utf-8", "surrogatepass") if text.isascii() else text.encode(), step) == items


@pytest.mark.parametrize(
    "body",
    [
        b'{"entries": [{}', b'{"entries": [{},]}', b'{"entries": [[]]}', b'{"entries": {}}', b"[]", b"{} {}",
        b'{"entries": [], "entries": []}', b'{"entries": [{"a": 1} {"b": 2}]}', b'{"a" 1}', b'{"entries": [{}]}x',
        b'{"entries": [{"a": ' + b'{"b": ' * 100 + b"1" + b"}" * 100 + b"}]}",
        b'{"entries": [{"a": [' + b"[]," * (MOST // 3) + b"[]]}]}",
    ],
)  # fmt: skip
def test_what_is_no_table(body: bytes) -> None:
    with pytest.raises(ValueError):
        read(body, 1 << 16)


def test_no_more_than_an_entry_is_waited_for() -> None:
    entries = JsonEntries(lambda item: None)
    with pytest.raises(ValueError):
        entries.feed(b'{"entries": [{"a": "')
        for _ in range(100):
            entries.feed(b"x" * 100_000)
    assert len(entries._text) <= MOST + 200_000


def test_a_table_gives_back_what_it_was_given() -> None:
    table, made = EntryTable(), []
    for number, name in enumerate(("a", "\u00e9/\udcff", "", "l")):
        item = IMPLIED_ENTRY._replace(name=name, kind="l" if name == "l" else "-", target="t" * number)
        made.append(
            item._replace(offset=-2 - number, mtime=number / 4, uid=number, xattrs={"k": b"v"} if number else {})
        )
        table.append(made[-1])
    assert list(table) == made and table[-1] == made[-1] and table[1:3] == made[1:3]


def test_texts_that_no_system_takes() -> None:
    with pytest.raises(CorruptLayer, match="more than 65536"):
        EntryTable().append(Entry("n" * 70000, *IMPLIED_ENTRY[1:]))


def test_sums_by_offset() -> None:
    sums = FileSums()
    for offset in (0, 512, 2048, 1024, 512):
        sums.add(offset, offset.to_bytes(32, "big"))
    assert {offset: int.from_bytes(digest, "big") for offset, digest in sums.items()} == {
        n: n for n in (0, 512, 1024, 2048)
    }
    assert sums.get(5) is None and len(sums) == 4


def test_a_long_entry_that_comes_letter_by_letter_is_looked_at_a_few_times() -> None:
    taken: List[Dict[str, Any]] = []
    entries = JsonEntries(taken.append)
    looked = 0
    look = entries._value_at

    def counted(at: int) -> Tuple[Any, int]:
        nonlocal looked
        looked += 1
        return look(at)

    entries._value_at = counted  # type: ignore[method-assign]
    for letter in '{"entries": [{"a": "' + "x" * 100_000 + '"}], "version": 1}':
        entries.feed(letter.encode())
    entries.close()
    assert [len(item["a"]) for item in taken] == [100_000] and looked < 200
