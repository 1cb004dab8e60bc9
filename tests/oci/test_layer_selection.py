"""The words that name layers of an image."""

from __future__ import annotations

from typing import List

import pytest

from layerslayer.errors import UsageError
from layerslayer.oci.descriptor import Descriptor
from layerslayer.oci.image import Layer
from layerslayer.oci.layer_selection import select_layers

LAYERS = [
    Layer(number, Descriptor("", "sha256:" + start.ljust(64, "0"), 1, {}), None)
    for number, start in enumerate(["abcd1", "abcd2", "9999"])
]


@pytest.mark.parametrize(
    ("words", "numbers"),
    [
        ([], [0, 1, 2]),
        (["ALL"], [0, 1, 2]),
        ([""], [0, 1, 2]),
        (["2,0"], [0, 2]),
        (["0-1"], [0, 1]),
        (["1", "1", "1-2"], [1, 2]),
        (["abcd2"], [1]),
        (["sha256:9999"], [2]),
        (["9999"], [2]),
        (["ABCD1" + "0" * 59], [0]),
    ],
)
def test_layers_are_named_in_many_ways(words: List[str], numbers: List[int]) -> None:
    assert [layer.number for layer in select_layers(LAYERS, words)] == numbers


@pytest.mark.parametrize("word", ["3", "1-3", "2-1", "-1", "x", "abcd", "abc", "\u00b2", "1-", "0x1", "12345678901234"])
def test_what_names_no_layer_is_told(word: str) -> None:
    with pytest.raises(UsageError):
        select_layers(LAYERS, [word])
