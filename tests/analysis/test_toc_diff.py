"""A publisher's index held against the layer: what counts as a difference, and what does not."""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Tuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from layerslayer.analysis.toc_diff import Listed, compare_index
from layerslayer.formats.entry import Device, Entry
from layerslayer.layers.toc.chunked import LANDMARKS

from ..support.overlaid import entry

Found = Dict[str, Tuple[str, Tuple[str, ...]]]


def listed(entries: List[Entry], **known: Any) -> Listed:
    return Listed(entries, known.get("digests", {}), known.get("places", {}))


def changes(claimed: List[Entry], actual: List[Entry], as_bytes: bool = True) -> Found:
    found = compare_index(listed(claimed), listed(actual), LANDMARKS, as_bytes)
    return {item.path: (item.change, item.fields) for item in found.differences}


FIELDS = [
    (entry("a", size=1), entry("a", size=2), ("size",)),
    (entry("a"), entry("a", mode=0o4755), ("mode",)),
    (entry("a"), entry("a")._replace(uid=1), ("owner",)),
    (entry("a"), entry("a")._replace(gid=1), ("owner",)),
    (entry("a"), entry("a/", "d"), ("type",)),
    (entry("a", "h", target="b"), entry("a", "l", target="b"), ("type",)),
    (entry("a", "l", target="x"), entry("a", "l", target="y"), ("link",)),
    (entry("a", "l", target="./x"), entry("a", "l", target="x"), ("link",)),
    (entry("a", "h", target="x"), entry("a", "h", target="y"), ("link",)),
    (entry("a", "c")._replace(device=Device(1, 3)), entry("a", "c")._replace(device=Device(1, 5)), ("device",)),
    (entry("a")._replace(xattrs={"user.x": b"1"}), entry("a"), ("xattrs",)),
    (entry("a"), entry("a")._replace(xattrs={"user.x": b"1"}), ("xattrs",)),
    (entry("a")._replace(mtime=10), entry("a")._replace(mtime=20), ("time",)),
    (entry("a")._replace(mtime=10), entry("a"), ("time",)),
    (entry("a", size=1, mode=0o600)._replace(uid=7), entry("a", size=2), ("size", "mode", "owner")),
]


@pytest.mark.parametrize("claimed, actual, fields", FIELDS)
def test_fields(claimed: Entry, actual: Entry, fields: Tuple[str, ...]) -> None:
    assert changes([claimed], [actual]) == {"a": ("changed", fields)}


SAME: List[Tuple[str, List[Entry], List[Entry]]] = [
    ("nothing", [], []),
    ("names as paths", [entry("a"), entry("d/", "d")], [entry("./a"), entry("/d", "d")]),
    ("a hardlink's target as a path", [entry("a", "h", target="b")], [entry("a", "h", target="./b")]),
    ("a symlink's mode", [entry("a", "l", target="x", mode=0o777)], [entry("a", "l", target="x", mode=0o755)]),
    ("the sizes of what has no content", [entry("d", "d")], [entry("d", "d")._replace(size=4096)]),
    ("the last of one name wins", [entry("a", size=2)], [entry("a", size=1), entry("./a", size=2)]),
    ("and so in the index", [entry("a", size=1), entry("a", size=2)], [entry("a", size=2)]),
    ("after the end marker nobody looks", [entry("a")], [entry("a"), entry("b", hidden=True)]),
    ("a time that is not stated", [entry("a")], [entry("a")._replace(mtime=99)]),
    ("fractions of a second", [entry("a")._replace(mtime=2)], [entry("a")._replace(mtime=1.6)]),
    ("the order", [entry("a"), entry("b")], [entry("b"), entry("a")]),
    ("names of owners", [entry("a")._replace(uname="x")], [entry("a")]),
    ("what the tool adds", [entry(".prefetch.landmark")], [entry("./.no.prefetch.landmark")]),
]


@pytest.mark.parametrize("claimed, actual", [case[1:] for case in SAME], ids=[case[0] for case in SAME])
def test_what_is_no_difference(claimed: List[Entry], actual: List[Entry]) -> None:
    assert changes(claimed, actual) == {}


def test_paths_of_one_side_only() -> None:
    claimed = [entry("etc/shadow"), entry("both")]
    actual = [entry("both"), entry("etc/passwd"), entry("x/.prefetch.landmark")]
    assert changes(claimed, actual) == {
        "etc/passwd": ("unclaimed", ()),
        "etc/shadow": ("claimed", ()),
        "x/.prefetch.landmark": ("unclaimed", ()),
    }
    # What only stands after the end marker is not unpacked: the index made it up.
    assert changes([entry("a")], [entry("a", hidden=True)]) == {"a": ("claimed", ())}


def test_names_with_dots_are_names_all_the_same() -> None:
    assert changes([entry("../x")], [entry(".././x")]) == {}
    assert changes([entry("a/../x")], [entry("x")]) == {"a/../x": ("claimed", ()), "x": ("unclaimed", ())}


def test_json_cannot_hold_names_that_are_not_utf_8() -> None:
    claimed = entry("caf\ufffd", "l", target="\ufffd\ufffd")._replace(xattrs={"user.\ufffd": b"\xff"})
    actual = entry("caf\udce9", "l", target="\udcff\udcfe")._replace(xattrs={"user.\udc80": b"\xff"})
    assert changes([claimed], [actual], as_bytes=False) == {}
    assert set(changes([claimed], [actual], as_bytes=True)) == {"caf\ufffd", "caf\udce9"}


X, Y = b"x" * 32, b"y" * 32
CONTENTS: List[Tuple[Dict[str, Any], Dict[str, Any], Optional[bool]]] = [
    ({"digests": {-2: X}}, {"digests": {0: X}}, True),
    ({"digests": {-2: X}}, {"digests": {0: Y}}, False),
    ({"digests": {-2: X}}, {}, None),
    ({}, {"digests": {0: X}}, None),
    ({"places": {-2: 512}}, {"places": {0: 512}}, True),
    ({"places": {-2: 1024}}, {"places": {0: 512}}, False),
    ({"places": {-2: 1024}}, {}, None),
]


@pytest.mark.parametrize("said, there, same", CONTENTS)
def test_contents(said: Dict[str, Any], there: Dict[str, Any], same: Optional[bool]) -> None:
    claimed, actual = entry("a")._replace(offset=-2), entry("a")
    found = compare_index(listed([claimed], **said), listed([actual], **there))
    assert [item.fields for item in found.differences] == ([("content",)] if same is False else [])
    assert found.uncompared == (1 if same is None else 0)


def test_an_empty_file_has_no_content_to_be_compared() -> None:
    empty = entry("a", size=0)
    assert compare_index(listed([empty]), listed([empty])).uncompared == 0


ENTRIES = st.lists(
    st.builds(entry, st.sampled_from(["a", "./a", "b/", "b/c", "/b/c", "../d"]), st.sampled_from("-dlh"),
              st.integers(0, 2), st.sampled_from(["", "a"])),
    max_size=8,
)  # fmt: skip


@settings(max_examples=100, deadline=None)
@given(ENTRIES, ENTRIES)
def test_only_what_is_the_same_agrees(claimed: List[Entry], actual: List[Entry]) -> None:
    assert changes(actual, actual) == {}
    there, back = changes(claimed, actual), changes(actual, claimed)
    turned = {"claimed": "unclaimed", "unclaimed": "claimed", "changed": "changed"}
    assert {path: (turned[change], fields) for path, (change, fields) in there.items()} == back
