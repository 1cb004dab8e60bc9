"""ls and tree: the file system that the layers make."""

from __future__ import annotations

from typing import Any, Dict, List

from layerslayer.demo.image import Member

from ...support.files import BASE, UPPER, objects
from ...support.registry import Registry
from ...support.registry.faults import single_image
from ...support.registry.running import Ran, Runner


def _all(ran: Ran, run: Runner, *layers: List[Member]) -> List[Dict[str, Any]]:
    with Registry(single_image(layers)) as registry:
        return objects(run("tree", registry.target, "--json"), "entry")


def test_ls_shows_a_directory_of_the_merged_view(run: Runner) -> None:
    with Registry(single_image([BASE, UPPER])) as registry:
        ran = run("ls", registry.target, "/etc")
        linked = run("ls", registry.target, "bin")
        one = run("ls", registry.target, "bin/sh")
        absent = run("ls", registry.target, "/nope")
    assert [(line.split()[0], line.split()[6:]) for line in ran.out.splitlines()] == [
        ("L0", ["hard", "->", "etc/passwd"]),
        ("L1", ["passwd"]),
    ]
    assert [line.split()[6] for line in linked.out.splitlines()] == ["sh", "tool"]
    assert one.out.split()[6] == "usr/bin/tool"
    assert (absent.code, absent.out) == (1, "")
    assert "no path '/nope'" in absent.err


def test_tree_sums_sizes_and_stops_at_a_depth(run: Runner) -> None:
    with Registry(single_image([BASE, UPPER])) as registry:
        whole = run("tree", registry.target)
        ran = run("tree", registry.target, "/", "--depth", "1")
    assert "etc/  13 B  L0" in ran.out  # with what etc/hard still leads to
    assert "── passwd" not in ran.out
    assert len(whole.out.splitlines()) == 1 + len({item["path"] for item in _all(whole, run, BASE, UPPER)})
