"""Entries in columns: they come back as they were, and other bytes break nothing."""

from __future__ import annotations

from typing import List

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from layerslayer.cache.column_writer import pack
from layerslayer.cache.columns import unpack
from layerslayer.formats.entry import Device, Entry

from ..support.caches import entry

# As a tar has them: bytes that are not UTF-8 as lone surrogates.
TEXTS = st.binary(max_size=6).map(lambda raw: raw.replace(b"\0", b"").decode("utf-8", "surrogateescape"))
WHOLE = st.integers(-(2**63), 2**63 - 1)
NUMBERS = st.integers(0, 2**63 - 1)
KINDS = st.sampled_from("-dlhcbp?")
DEVICES = st.builds(Device, NUMBERS, st.integers(0, 9))
ENTRIES = st.builds(
    Entry,
    name=TEXTS,
    kind=KINDS,
    mode=st.integers(0, 0o7777),
    uid=WHOLE,
    gid=st.integers(0, 5),
    size=NUMBERS,
    mtime=st.one_of(WHOLE, st.floats(allow_nan=False, allow_infinity=False)),
    target=TEXTS,
    uname=TEXTS,
    gname=TEXTS,
    device=DEVICES,
    xattrs=st.dictionaries(TEXTS, st.binary(max_size=4), max_size=2),
    offset=st.integers(0, 2**40),
    hidden=st.booleans(),
)


def layer(entries: List[Entry]) -> List[Entry]:
    """Entries as one tar can have them: one behind the other, and devices what are devices."""
    at, found = 0, []
    for item in entries:
        found.append(item._replace(offset=at + item.offset, device=item.device if item.kind in "bc" else None))
        at = found[-1].offset + 1
    return found


LAYERS = st.lists(ENTRIES, max_size=8).map(layer)


@settings(max_examples=150, deadline=None)
@example([Entry("a", "-", 0, 0, 0, 0, 0, "", "\udce9", "\udcff", None, {"\udcc3": b"1"}, 0, False)])
@given(LAYERS)
def test_entries_come_back_as_they_were(entries: List[Entry]) -> None:
    assert unpack(pack(entries)) == entries
    assert [type(entry.mtime) for entry in unpack(pack(entries))] == [type(entry.mtime) for entry in entries]


@settings(max_examples=100, deadline=None)
@given(LAYERS, st.integers(0, 2000), st.binary(max_size=3))
def test_other_bytes_are_refused_or_read_but_never_break(entries: List[Entry], at: int, new: bytes) -> None:
    data = pack(entries)
    at = at % (len(data) + 1)
    for damaged in (data[:at], data[:at] + new + data[at + len(new) :], new):
        try:
            found = unpack(damaged)
        except ValueError:
            continue
        assert unpack(pack(found)) == found
        assert all(entry.kind in "-dlhcbp?" and entry.size >= 0 and 0 <= entry.mode <= 0o7777 for entry in found)
        assert all((entry.device is not None) == (entry.kind in "bc") for entry in found)


def test_what_cannot_be_held_is_said() -> None:
    for odd in (entry("a\0b"), entry("a", size=2**64), entry("\ud800")):
        with pytest.raises(ValueError):
            pack([odd])


def test_no_more_entries_than_are_wanted() -> None:
    data = pack([entry("a", offset=0), entry("b", offset=512)])
    assert len(unpack(data, 2)) == 2
    with pytest.raises(ValueError, match="too many"):
        unpack(data, 1)
