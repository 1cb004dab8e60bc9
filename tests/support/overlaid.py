"""Entries as layers have them, and layers laid over one another."""

from __future__ import annotations

from typing import List

from hypothesis import strategies as st

from layerslayer.filesystem.overlay import Tree
from layerslayer.formats.entry import Entry


def entry(
    name: str, kind: str = "-", size: int = 1, target: str = "", mode: int = 0o644, hidden: bool = False
) -> Entry:
    return Entry(name, kind, mode, 0, 0, size if kind == "-" else 0, 0, target, "", "", None, {}, 0, hidden)


def merged(*layers: List[Entry], keep_removed: bool = False) -> Tree:
    tree = Tree(keep_removed)
    for number, entries in enumerate(layers):
        tree.apply(number, entries)
    return tree


NAMES = st.sampled_from(["a", "b", "c", "a/b", "a/c", "a/b/c", "b/a", "./a", "a//b", "/c"])


def members() -> st.SearchStrategy[Entry]:
    whiteouts = st.sampled_from([".wh.a", ".wh.b", "a/.wh.b", "a/b/.wh.c", ".wh..wh..opq", "a/.wh..wh..opq"])
    return st.one_of(
        st.builds(lambda name, size: entry(name, size=size), NAMES, st.integers(0, 9)),
        st.builds(lambda name: entry(name + "/", "d"), NAMES),
        st.builds(lambda name: entry(name), whiteouts),
    )
