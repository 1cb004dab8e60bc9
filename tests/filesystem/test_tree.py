"""What a merged file system answers: what stands at a path, where links end, what directories hold."""

from __future__ import annotations

from layerslayer.filesystem.tree import Ends, sizes

from ..support.overlaid import entry, merged


def test_links_are_followed_inside_of_the_image_only() -> None:
    tree = merged([
        entry("etc/real"), entry("a", "l", target="/etc/real"), entry("b", "l", target="../../../a"),
        entry("loop", "l", target="loop"), entry("up", "l", target=".."), entry("d", "l", target="etc"),
    ])  # fmt: skip
    for path in ("a", "b", "d/real", "up/up/etc/real"):
        node = tree.find(path, follow=True)
        assert node is not None and node.path == "etc/real"
    assert tree.find("loop", follow=True) is None
    assert tree.find("loop/x") is None
    loop = tree.find("loop")
    assert loop is not None and loop.entry.kind == "l"
    tree.apply(1, [entry("loop/x")])
    assert tree.unsafe[-1].entry.name == "loop/x"


def test_sizes_are_summed_for_each_directory() -> None:
    tree = merged([entry("a/b/c", size=5), entry("a/d", size=7), entry("a/h", "h", target="a/d")])
    sums = {node.path: size for node, size in sizes(tree).items()}
    assert sums == {"": 12, "a": 12, "a/b": 5}


def test_sizes_count_a_file_once_even_when_only_its_hardlinks_are_left() -> None:
    low = [entry("d/a", size=5), entry("d/b", "h", target="d/a"), entry("e/c", "h", target="d/a")]
    tree = merged(low)
    assert {node.path: size for node, size in sizes(tree).items()} == {"": 5, "d": 5, "e": 0}
    tree = merged(low, [entry("d/.wh.a")])
    assert sizes(tree)[tree.root] == 5


def test_the_ends_of_links_are_what_following_them_finds() -> None:
    chain = [entry("c{}".format(number), "l", target="c{}".format(number + 1)) for number in range(60)]
    links = [
        entry("d/", "d"), entry("d/up", "l", target="../c30"), entry("to-d", "l", target="/d"), entry("c60"),
        entry("loop", "l", target="pool"), entry("pool", "l", target="loop"), entry("lost", "l", target="nowhere"),
        entry("through", "l", target="to-d/up"), entry("hard", "h", target="d/up"),
    ]  # fmt: skip
    for layer in (chain + links, (chain + links)[::-1]):
        tree = merged(layer)
        ends = Ends(tree)
        for path, node in tree.nodes():
            assert ends.of(node) is tree.find(path, follow=True), path
