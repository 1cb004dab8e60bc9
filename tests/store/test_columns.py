"""Entries in columns: they come back as they were, and other bytes break nothing."""

from __future__ import annotations

from typing import List

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from layerslayer.entries import Device, Entry
from layerslayer.store.columns import pack, unpack

from .opened import entry

TEXTS = st.text(alphabet=st.characters(blacklist_characters="\0", max_codepoint=0xDFFF), max_size=6)
NUMBERS = st.integers(0, 2**63 - 1)
ENTRIES = st.builds(
    Entry,
    name=TEXTS,
    kind=st.sampled_from("-dlhcbp?"),
    mode=st.integers(0, 0o7777),
    uid=st.integers(-(2**63), 2**70),
    gid=st.integers(0, 5),
    size=NUMBERS,
    mtime=st.one_of(st.integers(-(2**70), 2**70), st.floats(allow_nan=False, allow_infinity=False)),
    target=TEXTS,
    uname=TEXTS,
    gname=TEXTS,
    device=st.one_of(st.none(), st.builds(Device, st.integers(0, 2**40), st.integers(0, 9))),
    xattrs=st.dictionaries(TEXTS, st.binary(max_size=4), max_size=2),
    offset=NUMBERS,
    hidden=st.booleans(),
)


@settings(max_examples=150, deadline=None)
@example([Entry("a", "-", 0, 0, 0, 0, 0, "", "\ud800\udc00", "\udcff", None, {"\ud800\udc00": b"1"}, 0, False)])
@given(st.lists(ENTRIES, max_size=8))
def test_entries_come_back_as_they_were(entries: List[Entry]) -> None:
    assert unpack(pack(entries)) == entries
    assert [type(entry.mtime) for entry in unpack(pack(entries))] == [type(entry.mtime) for entry in entries]


@settings(max_examples=200, deadline=None)
@given(st.lists(ENTRIES, max_size=3), st.integers(0, 2000), st.binary(max_size=3))
def test_other_bytes_are_refused_or_read_but_never_break(entries: List[Entry], at: int, new: bytes) -> None:
    data = pack(entries)
    at = at % (len(data) + 1)
    for damaged in (data[:at], data[:at] + new + data[at + len(new) :], new):
        try:
            unpack(damaged)
        except ValueError:
            pass


def test_what_cannot_be_held_is_said() -> None:
    for odd in (entry("a\0b"), entry("a", size=2**64)):
        with pytest.raises(ValueError):
            pack([odd])
