"""Links and paths that lead on and on: targets without end, chains, circles, deep directories.

A link is followed 40 times for a path, as Linux does; what its targets hold is
the publisher's. Each image here costs hours where one part of it is walked once
for each other; all are held to a bound that is far above what any takes.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Callable, Dict, List

import pytest

from layerslayer.analysis.diff import Side, compare
from layerslayer.errors import InvalidDocument
from layerslayer.filesystem import tree as filesystem
from layerslayer.filesystem.node import walk
from layerslayer.filesystem.select import at_path, matching
from layerslayer.filesystem.tree import Ends, sizes
from layerslayer.formats.entry import Entry

from ...support.overlaid import entry, merged
from .cpu import seconds

LONGEST = 5.0  # seconds of the processor; most take a hundredth
LONG = "a/" * 2040  # as long as a path may be
Layers = List[List[Entry]]


def targets_of_a_megabyte() -> Layers:
    chain = [entry("a/", "d")] + [
        entry("l{}".format(n), "l", target="a/../" * 200_000 + "l{}".format(n + 1)) for n in range(39)
    ]
    return [chain + [entry("l{}/x".format(n)) for n in range(39)]]


def links_through_themselves() -> Layers:
    """Each target goes through the link before, over and over."""
    links = [entry("a/", "d"), entry("l0", "l", target="a")]
    links += [entry("l{}".format(n), "l", target="l{}/../".format(n - 1) * 400 + "a") for n in range(1, 300)]
    return [links, [entry("l{}/f{}".format(n % 300, n)) for n in range(600)]]


def up_and_down() -> Layers:
    links = [entry("d/", "d"), *(entry("d/u{}".format(n), "l", target="../d/" * 800 + "u0") for n in range(400))]
    return [links, [entry("d/u{}/.wh.x".format(n)) for n in range(400)]]


def deep_and_wide() -> Layers:
    deep = [entry(LONG + "f{}".format(n)) for n in range(200)]
    hard = [entry("h{}".format(n), "h", target=LONG + "f{}".format(n % 200)) for n in range(3000)]
    return [deep + hard + [entry("into", "l", target=LONG)] + [entry("into/g{}".format(n)) for n in range(3000)]]


def deep_hardlinks() -> Layers:
    hard = [entry(LONG + "h{}".format(n), "h", target=LONG + "f") for n in range(3000)]
    return [[entry(LONG + "f"), *hard], [entry(LONG + ".wh.f")]]


def names_of_many_components() -> Layers:
    return [[entry("x/" * 100_000 + "f"), entry("./" * 100_000 + "f"), entry("../" * 100_000 + "f")] * 3]


def a_megabyte_of_whiteouts() -> Layers:
    low = [entry("l", "l", target=LONG), entry("l/f")]
    return [low, [entry("l/" + "./" * 1000 + ".wh.g{}".format(n)) for n in range(500)]]


def hardlinks_far_away() -> Layers:
    return [[entry("h{}".format(n), "h", target="./" * 500_000 + "f") for n in range(30)] + [entry("f")]]


def links_that_are_replaced_again_and_again() -> Layers:
    """Whatever was known of directories is known no more after each of them."""
    return [[entry("x", "l", target="y") if n % 2 else entry(LONG + "f{}".format(n)) for n in range(2000)]]


IMAGES: Dict[str, Callable[[], Layers]] = {
    make.__name__: make
    for make in (
        targets_of_a_megabyte,
        links_through_themselves,
        up_and_down,
        deep_and_wide,
        deep_hardlinks,
        names_of_many_components,
        a_megabyte_of_whiteouts,
        hardlinks_far_away,
        links_that_are_replaced_again_and_again,
    )
}


def asked_everything(layers: Layers) -> None:
    """Lay the layers out, and ask what the verbs ask: ls, tree, find, get, diff; a sentence may end it."""
    with suppress(InvalidDocument):
        _asked(layers)


def _asked(layers: Layers) -> None:
    tree = merged(*layers, keep_removed=True)
    at_path(tree, "l38/x")
    at_path(tree, "into/" + "../" * 1000)
    sizes(tree)
    ends = Ends(tree)
    for _, node in walk(tree.root, ""):
        ends.of(node)
    matching(tree, "**/f*/**/g")
    matching(tree, "*1*1*")
    for known in (True, False):
        list(compare(Side(merged([entry("into/f")]), {}), Side(tree, {}), known))


@pytest.mark.parametrize("name", sorted(IMAGES))
def test_no_image_keeps_the_merged_view_busy(name: str) -> None:
    layers = IMAGES[name]()
    assert seconds(lambda: asked_everything(layers), LONGEST, tries=2) < LONGEST


def test_a_target_longer_than_paths_may_be_leads_nowhere() -> None:
    tree = merged([entry("f"), entry("l", "l", target="./" * 2100 + "f"), entry("k", "l", target="./" * 2000 + "f")])
    assert tree.find("l", follow=True) is None and Ends(tree).of(tree.root.children["l"]) is None  # type: ignore[index]
    assert tree.find("k", follow=True) is tree.find("f")
    tree.apply(1, [entry("l/x")])
    assert "a name too long" in tree.unsafe[-1].reason


def test_links_do_not_make_paths_that_are_longer_than_they_may_be() -> None:
    tree = merged([entry("l", "l", target=LONG), entry("l/m", "l", target="b" * 2000), entry("l/m/f"), entry("l/g")])
    assert [(unsafe.entry.name, "too long" in unsafe.reason) for unsafe in tree.unsafe] == [("l/m/f", True)]
    assert max(len(path) for path, _ in tree.nodes()) == len(LONG) + 1


def test_a_bomb_of_links_ends_with_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filesystem, "MAX_STEPS", 50_000)
    links = [entry("a/", "d"), entry("l0", "l", target="./a/.." * 600)]
    links += [entry("l{}".format(n), "l", target="l{}".format(n - 1)) for n in range(1, 39)]
    tree = merged(links)
    with pytest.raises(InvalidDocument, match="lead on for too long"):
        for _ in range(100):
            tree.find("l38", follow=True)


def test_honest_links_are_far_from_that_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filesystem, "MAX_STEPS", 0)  # so what is left are the steps of each entry
    low = [entry("usr/lib/x86_64-linux-gnu/", "d"), entry("lib", "l", target="usr/lib")]
    files = [entry("lib/x86_64-linux-gnu/lib{}.so.1".format(n)) for n in range(500)]
    links = [
        entry("usr/lib/lib{}.so".format(n), "l", target="/lib/x86_64-linux-gnu/lib{}.so.1".format(n))
        for n in range(500)
    ]
    hard = [entry("usr/h{}".format(n), "h", target="lib/x86_64-linux-gnu/lib{}.so.1".format(n)) for n in range(500)]
    tree = merged(low + files + links + hard)
    ends = Ends(tree)
    assert sum(ends.of(node) is not None for _, node in tree.nodes()) == 3 + 1 + 1500
