"""What paths and globs name in a merged view, and what must be done for it."""

from __future__ import annotations

from typing import List, Tuple

import pytest

from layerslayer.errors import UsageError
from layerslayer.filesystem.node import Node, walk
from layerslayer.filesystem.select import at_path, by_layer, is_name, matching

from ..support.overlaid import entry, merged

FILES = merged(
    [
        entry("bin", "l", target="usr/bin"), entry("usr/bin/", "d"), entry("usr/bin/["), entry("usr/bin/tool"),
        entry("usr/bin/sh", "l", target="tool"), entry("to-usr", "l", target="usr"), entry("loop", "l", target="loop"),
        entry("hard", "h", target="usr/bin/tool"), entry("lost", "h", target="nowhere"), entry("pipe", "p"),
    ],
    [entry("usr/new")],
)  # fmt: skip


def places(found: List[Tuple[str, Node]]) -> List[Tuple[str, str]]:
    """The name asked for, and where in the tree that is."""
    return [(name, node.path) for name, node in found]


@pytest.mark.parametrize(
    "text, name, path",
    [
        ("/usr/bin/tool", "usr/bin/tool", "usr/bin/tool"),
        ("bin/sh", "bin/sh", "usr/bin/tool"),
        ("./bin//", "bin", "usr/bin"),
        ("/", "", ""),
        ("bin/..", "usr", "usr"),  # up from where the link leads
        ("../..", "", ""),
        ("usr/bin/[", "usr/bin/[", "usr/bin/["),
    ],
)
def test_a_path_keeps_its_name_and_leads_on(text: str, name: str, path: str) -> None:
    assert places(at_path(FILES, text)) == [(name, path)]


@pytest.mark.parametrize("text", ["nope", "loop", "loop/x", "usr/bin/tool/x", "bin/../sh", "usr/*"])
def test_where_nothing_stands(text: str) -> None:
    assert at_path(FILES, text) == []


def test_a_name_is_a_name_first() -> None:
    assert [is_name(FILES, text) for text in ("/usr/bin/[", "usr/bin/[a]", "*", "/", "..")] == [True, *[False] * 4]


@pytest.mark.parametrize(
    "glob, found",
    [
        ("usr/bin/s*", [("usr/bin/sh", "usr/bin/tool")]),  # the file that the link leads to
        ("to-*", [("to-usr", "to-usr")]),  # which leads to no file
        ("lo*", [("loop", "loop"), ("lost", "lost")]),
        ("usr/**", [(path, path) for path in ("usr/bin", "usr/bin/[", "usr/bin/sh", "usr/bin/tool", "usr/new")]),
        ("*.so", []),
    ],
)
def test_a_glob_opens_links_to_files_unless_it_means_all(glob: str, found: List[Tuple[str, str]]) -> None:
    assert places(matching(FILES, glob)) == found


def test_a_glob_that_cannot_be_used_is_said_to_be_so() -> None:
    with pytest.raises(UsageError, match="without its"):
        matching(FILES, "usr/[")


def test_what_is_wanted_is_sorted_by_its_layer() -> None:
    picked = by_layer(dict(walk(FILES.root, "")))
    assert picked.directories == ["", "usr", "usr/bin"]
    files = {number: [path for path, _ in found] for number, found in picked.files.items()}
    assert files == {0: ["hard", "usr/bin/[", "usr/bin/tool"], 1: ["usr/new"]}
    assert picked.files[0][0][1] is picked.files[0][2][1]  # one body for both names
    assert picked.others == 6
