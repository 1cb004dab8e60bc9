"""Names that become paths, and the order of paths."""

from __future__ import annotations

from typing import Optional

import pytest

from layerslayer.filesystem.node import IMPLIED_ENTRY, normal, walk

from ..support.overlaid import entry, merged


@pytest.mark.parametrize(
    "name, path",
    [
        ("a", "a"), ("./a", "a"), ("/a", "a"), ("a/", "a"), ("a//b", "a/b"), ("./", ""), ("", ""), (".", ""), ("/", ""),
        ("a/./b", "a/b"), ("a/.", "a"), ("../a", None), ("a/..", None), ("a/../b", None), ("a..b", "a..b"),
        (".a", ".a"), ("...", "..."), ("a./b", "a./b"), ("a/.b", "a/.b"),
    ],
)  # fmt: skip
def test_names_become_paths(name: str, path: Optional[str]) -> None:
    assert normal(name) == path


def test_walking_is_sorted_by_components() -> None:
    tree = merged([entry("a.b"), entry("a/z"), entry("a/b"), entry("B")])
    assert [path for path, _ in walk(tree.root, "")] == ["", "B", "a", "a/b", "a/z", "a.b"]
    assert IMPLIED_ENTRY.offset == -1
