"""Many small bombs cost as much as a large one: what layers inflate to beyond their sizes is counted together."""

from __future__ import annotations

import pytest

from layerslayer.formats.decompression_bombs import Beyond
from layerslayer.limits import LimitReached, Limits, raising

FREE = 255 * 2**20


def test_many_small_bombs_are_one() -> None:
    Beyond.begin_image()
    with pytest.raises(LimitReached, match="as bombs do") as refused:
        for _ in range(17):
            Beyond().check(FREE, 1000)
    assert refused.value.within == raising("ratio")


def test_layers_that_inflate_as_ordinary_ones_do_never_are() -> None:
    Beyond.begin_image()
    for _ in range(1000):
        layer = Beyond()
        for fetched in range(1, 200, 20):
            layer.check(fetched * 10**6, fetched * 10**5)


def test_what_comes_later_of_a_layer_may_make_it_ordinary() -> None:
    Beyond.begin_image()
    for _ in range(100):
        layer = Beyond()
        layer.check(FREE, 1000)
        layer.check(FREE + 1, FREE // 10)


def test_each_image_begins_anew_and_the_limit_can_be_raised() -> None:
    for _ in range(10):
        Beyond.begin_image()
        for _ in range(10):
            Beyond().check(FREE, 1000)
    for _ in range(100):
        Beyond(Limits(ratio=300_000)).check(FREE, 1000)
