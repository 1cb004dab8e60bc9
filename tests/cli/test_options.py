"""Which images a command line names, in order."""

from __future__ import annotations

from layerslayer.cli.options import Options, images_named


def test_the_order_of_images() -> None:
    assert images_named(Options("diff", "one", words=("two", "/path"))) == ["one", "two"]
    assert images_named(Options("diff", None, words=("two",)), ["a", "b"]) == ["a", "b", "two"]
    assert images_named(Options("cat", "one", words=("two",))) == ["one"]
    assert images_named(Options("", None)) == []
    assert images_named(Options("diff", "demo", demo=True, words=("two",))) == ["two", "demo"]
