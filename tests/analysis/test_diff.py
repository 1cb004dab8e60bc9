"""Comparing two merged views, with and without the layers they share."""

from __future__ import annotations

from typing import Dict, List, Tuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from layerslayer.analysis.diff import GONE, UNREAD, Side, _States, compare
from layerslayer.filesystem.overlay import Tree
from layerslayer.formats.entry import Entry

from ..support.overlaid import entry, members, merged


def changes(old: Tree, new: Tree, known: bool = True, below: str = "") -> Dict[str, Tuple[str, Tuple[str, ...]]]:
    found = compare(Side(old, {}), Side(new, {}), known, below)
    return {difference.path: (difference.change, difference.fields) for difference in found}


FIELDS = [
    (entry("a", size=1), entry("a", size=2), ("size",)),
    (entry("a"), entry("a", mode=0o600), ("mode",)),
    (entry("a"), entry("a")._replace(uid=1), ("owner",)),
    (entry("a"), entry("a", "l", target="x"), ("type",)),
    (entry("a", "l", target="x"), entry("a", "l", target="y"), ("link",)),
    (entry("a", "l", target="x", mode=0o777), entry("a", "l", target="x", mode=0o755), ()),
    (entry("a"), entry("a")._replace(xattrs={"user.x": b"1"}), ("xattrs",)),
    (entry("a"), entry("a")._replace(mtime=9), ("time",)),
    (entry("a/", "d"), entry("a/", "d")._replace(mtime=9), ()),
    (entry("a"), entry("a"), ()),
]


@pytest.mark.parametrize("old, new, fields", FIELDS)
def test_fields(old: Entry, new: Entry, fields: Tuple[str, ...]) -> None:
    assert changes(merged([old]), merged([new])) == ({"a": ("changed", fields)} if fields else {})


def test_a_hardlink_is_the_file_it_shares() -> None:
    old = merged([entry("a", size=3), entry("b", "h", target="a")])
    new = merged([entry("b", size=3), entry("a", "h", target="b")])
    assert changes(old, new) == {}


def test_known_contents_decide_not_times() -> None:
    old, new = merged([entry("a")]), merged([entry("a")._replace(mtime=5)])
    same, other = {0: {0: b"x" * 32}}, {0: {0: b"y" * 32}}
    assert list(compare(Side(old, same), Side(new, same), True)) == []
    assert [item.fields for item in compare(Side(old, same), Side(new, other), True)] == [("content",)]


def test_only_what_is_below_a_path_is_told() -> None:
    old, new = merged([]), merged([entry("a/b"), entry("ab")])
    assert set(changes(old, new, below="a")) == {"a", "a/b"}


LAYERS = st.lists(st.lists(members(), max_size=5), max_size=2)
# What may be said without the shared layers, for what is true with them.
ALLOWED = {
    "added": {"added", "written"},
    "removed": {"removed", "reverted"},
    "changed": {"changed", "written", "reverted"},
}


@settings(max_examples=300, deadline=None)
@given(st.lists(st.lists(members(), max_size=6), max_size=2), LAYERS, LAYERS)
def test_leaving_the_shared_layers_out_hides_no_file(
    base: List[List[Entry]], old: List[List[Entry]], new: List[List[Entry]]
) -> None:
    trees = [Tree(), Tree()]
    parts = [Tree(), Tree()]
    for whole, part, own in zip(trees, parts, (old, new)):
        for number, layer in enumerate([*base, *own]):
            whole.apply(number, layer)
            if number >= len(base):
                part.apply(number, layer)
    told = changes(parts[0], parts[1], known=False)
    removed = {path for path, (change, _) in told.items() if change == "removed"}
    added = {path for path, (change, _) in told.items() if change == "added"}
    for path, (change, _) in changes(*trees).items():
        nodes = [tree.find(path) for tree in trees]
        if any(node is not None and node.children is not None for node in nodes):
            continue  # directories whose attributes came with the shared layers are not compared
        if any("/".join(path.split("/")[:end]) in told for end in range(1, path.count("/") + 1)):
            continue  # something that is no directory, or was, is told above it
        if change == "removed" and _covered(path, removed):
            continue
        if change == "added" and _covered(path, added):
            continue
        assert told.get(path, ("nothing",))[0] in ALLOWED[change], (path, change, told)


def _covered(path: str, said: set[str]) -> bool:
    """Whether a path or a directory above it, or all that is in one, is among those said."""
    parts = path.split("/")
    above = ["/".join(parts[:end]) for end in range(1, len(parts) + 1)]
    inside = ["*", *[parent + "/*" for parent in above[:-1]]]
    return any(item in said for item in (*above, *inside))


def test_deep_directories_of_one_side_are_not_kept_by_their_paths() -> None:
    names = ["{}/{}f".format(number, "d/" * 1500) for number in range(6)]
    old, new = merged([entry(name) for name in names]), merged([entry("other")])
    states = _States(new, False)
    for path, _ in old.nodes():
        assert states.at(path) is UNREAD
    assert len(states._stack) <= 1502


def test_whether_a_directory_is_emptied_does_not_depend_on_what_was_asked_before() -> None:
    tree = merged([entry("a/.wh..wh..opq"), entry("b/.wh.c"), entry("ab/c"), entry("f")])
    paths = ["a/x", "a/x/y", "ab/x", "b/c/d/e", "b/c", "b/d/e", "b", "f/x", "f/x/y", "a", "z"]
    expected = {path: _States(tree, False).at(path) for path in paths}
    assert [path for path in paths if expected[path] is GONE] == ["a/x", "a/x/y", "b/c/d/e", "b/c", "f/x", "f/x/y"]
    for order in (paths, paths[::-1], sorted(paths), paths[::2] + paths[1::2]):
        states = _States(tree, False)
        assert {path: states.at(path) for path in order} == expected
