"""The merged view against a plain model: a set of paths, and the rules written out slowly."""

from __future__ import annotations

from typing import Dict, List, Tuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from layerslayer.errors import InvalidDocument
from layerslayer.filesystem import overlay
from layerslayer.filesystem.overlay import MAX_IMPLIED, Tree
from layerslayer.formats.entry import Entry

from ..support.overlaid import entry, members, merged


def paths(tree: Tree) -> Dict[str, Tuple[str, int]]:
    return {path: (node.entry.kind, node.layer) for path, node in tree.nodes()}


CASES = [
    ("a whiteout deletes below", [[entry("a"), entry("b")], [entry(".wh.a")]], {"b": ("-", 0)}),
    ("with its subtree", [[entry("d/", "d"), entry("d/x")], [entry(".wh.d")]], {}),
    ("not in its own layer", [[entry("a")], [entry(".wh.a"), entry("a")]], {"a": ("-", 1)}),
    ("nor when it comes last", [[entry("a")], [entry("a"), entry(".wh.a")]], {"a": ("-", 1)}),
    (
        "an opaque marker hides lower children only",
        [[entry("d/", "d"), entry("d/x")], [entry("d/y"), entry("d/", "d"), entry("d/.wh..wh..opq")]],
        {"d": ("d", 1), "d/y": ("-", 1)},
    ),
    ("an opaque root", [[entry("a"), entry("d/", "d")], [entry(".wh..wh..opq"), entry("b")]], {"b": ("-", 1)}),
    (
        "directories merge",
        [[entry("d/", "d"), entry("d/x")], [entry("d/", "d"), entry("d/y")]],
        {"d": ("d", 1), "d/x": ("-", 0), "d/y": ("-", 1)},
    ),
    ("a file replaces a subtree", [[entry("d/", "d"), entry("d/x")], [entry("d")]], {"d": ("-", 1)}),
    ("a directory replaces a file", [[entry("d")], [entry("d/", "d")]], {"d": ("d", 1)}),
    ("a directory replaces a link", [[entry("e/", "d"), entry("d", "l", target="e")], [entry("d/", "d"), entry("d/x")]],
     {"e": ("d", 0), "d": ("d", 1), "d/x": ("-", 1)}),
    ("a missing parent is implied", [[entry("a/b/c")]], {"a": ("d", 0), "a/b": ("d", 0), "a/b/c": ("-", 0)}),
    ("a linked parent is followed", [[entry("usr/lib/", "d"), entry("lib", "l", target="usr/lib")], [entry("lib/x")]],
     {"usr": ("d", 0), "usr/lib": ("d", 0), "lib": ("l", 0), "usr/lib/x": ("-", 1)}),
    ("and so for a whiteout", [[entry("usr/lib/x"), entry("lib", "l", target="/usr/lib")], [entry("lib/.wh.x")]],
     {"usr": ("d", 0), "usr/lib": ("d", 0), "lib": ("l", 0)}),
    ("a file is no parent", [[entry("a")], [entry("a/b")]], {"a": ("d", 1), "a/b": ("-", 1)}),
    ("the last of one name wins", [[entry("a", size=1), entry("a", "l", target="x")]], {"a": ("l", 0)}),
    ("what a directory was is forgotten with it", [[entry("d/", "d"), entry("d/x"), entry("d/."), entry("d/y")]],
     {"d": ("d", 0), "d/y": ("-", 0)}),
    ("leftovers of AUFS do nothing", [[entry("x")], [entry(".wh..wh.x"), entry(".wh..wh.plnk/y")]], {"x": ("-", 0)}),
    ("whiteouts of nothing are no files", [[entry("x")], [entry(".wh."), entry(".wh.."), entry(".wh...")]],
     {"x": ("-", 0)}),
    ("unsafe names are no paths", [[entry("../x"), entry("a/../../y"), entry("z")]], {"z": ("-", 0)}),
    ("what stands after the end marker is not seen", [[entry("x"), entry("y", hidden=True)]], {"x": ("-", 0)}),
    ("a root entry is no path", [[entry("./", "d", mode=0o700), entry("./x")]], {"x": ("-", 0)}),
]  # fmt: skip


@pytest.mark.parametrize("layers, expected", [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_overlay(layers: List[List[Entry]], expected: Dict[str, Tuple[str, int]]) -> None:
    assert paths(merged(*layers)) == expected


def test_hardlinks_keep_what_they_were_linked_to() -> None:
    tree = merged([entry("a", size=5)], [entry("b", "h", target="a")], [entry("a", size=9)], [entry(".wh.a")])
    node = tree.find("b")
    assert node is not None and node.content is not None
    assert (node.content[0], node.content[1].size, node.size) == (0, 5, 5)
    dangling = merged([entry("b", "h", target="nowhere"), entry("c", "h", target="../x")])
    assert [node.content for _, node in dangling.nodes()] == [None, None]


def test_removals_say_who_had_it_and_who_took_it() -> None:
    tree = merged(
        [entry("a", size=3), entry("d/", "d"), entry("d/x", size=4), entry("e/y"), entry("f")],
        [entry(".wh.a"), entry("d/.wh..wh..opq"), entry(".wh.e"), entry("f", size=8), entry("f", size=9)],
        keep_removed=True,
    )
    assert [(gone.path, gone.layer, gone.by, gone.how, gone.size) for gone in tree.removed] == [
        ("a", 0, 1, "deleted", 3),
        ("d/x", 0, 1, "hidden", 4),
        ("e/y", 0, 1, "deleted", 1),  # e itself no layer names
        ("f", 0, 1, "replaced", 1),
    ]


def test_whiteouts_of_what_is_not_there_are_remembered() -> None:
    tree = merged([entry("x/.wh.gone"), entry(".wh.top"), entry("y/.wh..wh..opq")])
    assert tree.deletions == [("x/gone", 0), ("top", 0), ("y/*", 0)]


def test_a_bomb_of_implied_directories_ends_with_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    assert MAX_IMPLIED <= 500_000  # the bound itself; what happens at one is the same at a lower one
    monkeypatch.setattr(overlay, "MAX_IMPLIED", 20_000)
    most = [entry("{}/{}x".format(number, "d/" * 1999)) for number in range(10)]
    assert len(dict(merged(most).nodes())) == 20_000 + 10
    with pytest.raises(InvalidDocument, match="layer 0 implies more than 20000 directories"):
        merged([*most, entry("one/more")])


def model(layers: List[List[Entry]]) -> Dict[str, Tuple[str, int, int]]:
    """Apply the rules to a flat mapping, one path at a time."""
    state: Dict[str, Tuple[str, int, int]] = {}

    def drop(path: str, itself: bool = True) -> None:
        for other in list(state):
            if (itself and other == path) or other.startswith(path + "/" if path else ""):
                del state[other]

    for number, layer in enumerate(layers):
        plain = []
        for member in layer:
            directory, _, base = member.name.rpartition("/")
            if base == ".wh..wh..opq":
                drop(directory, itself=False)
            elif base.startswith(".wh."):
                drop((directory + "/" if directory else "") + base[4:])
            else:
                plain.append(member)
        for member in plain:
            parts = [part for part in member.name.split("/") if part not in ("", ".")]
            for end in range(1, len(parts)):
                parent = "/".join(parts[:end])
                if state.get(parent, ("", 0, 0))[0] != "d":
                    drop(parent)
                    state[parent] = ("d", number, 0)
            path = "/".join(parts)
            if not (member.kind == "d" and state.get(path, ("", 0, 0))[0] == "d"):
                drop(path)
            state[path] = (member.kind, number, member.size)
    return state


@settings(max_examples=400, deadline=None)
@given(st.lists(st.lists(members(), max_size=8), max_size=5))
def test_random_layers_agree_with_the_model(layers: List[List[Entry]]) -> None:
    tree = merged(*layers, keep_removed=True)
    assert {path: (node.entry.kind, node.layer, node.size) for path, node in tree.nodes()} == model(layers)
    for path, node in tree.nodes():
        assert tree.find(path) is node and node.path == path


def test_a_directory_made_through_a_symlink_is_not_found_there_once_the_symlink_is_gone() -> None:
    tree = merged(
        [entry("d/", "d"), entry("l", "l", target="d")], [entry("l/e/", "d")], [entry("l/", "d"), entry("l/e/x")]
    )
    assert [path for path, _ in tree.nodes()] == ["d", "d/e", "l", "l/e", "l/e/x"]


def test_a_hardlink_leads_to_what_its_own_layer_deletes() -> None:
    low = [entry("a", size=3, mode=0o600)]
    for upper in ([entry("b", "h", target="a"), entry(".wh.a")], [entry(".wh..wh..opq"), entry("b", "h", target="a")]):
        tree = merged(low, upper)
        found = tree.find("b")
        assert found is not None and (found.size, found.entry.mode) == (3, 0o600)
        assert tree.find("a") is None
