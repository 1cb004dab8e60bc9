from __future__ import annotations

from typing import Optional

import pytest

from layerslayer.formats.entry import deletion


@pytest.mark.parametrize(
    ("name", "gone"),
    [
        ("etc/.wh.motd", "etc/motd"),
        (".wh.top", "top"),
        ("./a/.wh.b", "./a/b"),
        ("a/.wh..wh..opq", "a/*"),
        (".wh..wh..opq", "*"),
        ("a/.wh..env", "a/.env"),
        ("a/.wh.dir/", "a/dir"),
        ("a/.wh..wh.plnk", None),
        ("a/.wh.", None),
        ("a/.wh..", None),
        ("a/.wh...", None),
        ("a/x.wh.b", None),
        ("a/b", None),
    ],
)
def test_what_a_whiteout_deletes(name: str, gone: Optional[str]) -> None:
    assert deletion(name) == gone
