from __future__ import annotations

import pytest

from layerslayer.errors import UsageError
from layerslayer.oci.descriptor import Platform
from layerslayer.oci.platforms import best, normalise, parse_platform, this_machine


@pytest.mark.parametrize(
    ("given", "normal"),
    [
        ("linux/x86_64", "linux/amd64"),
        ("Linux/AARCH64", "linux/arm64"),
        ("linux/arm64/v8", "linux/arm64"),
        ("linux/amd64/v1", "linux/amd64"),
        ("linux/amd64/v3", "linux/amd64/v3"),
        ("linux/armhf", "linux/arm/v7"),
        ("linux/armel", "linux/arm/v6"),
        ("linux/arm", "linux/arm/v7"),
        ("linux/arm/6", "linux/arm/v6"),
        ("macos/arm64", "darwin/arm64"),
        ("linux/i686", "linux/386"),
    ],
)
def test_names_are_normalised(given: str, normal: str) -> None:
    assert str(normalise(parse_platform(given))) == normal


@pytest.mark.parametrize("text", ["", "linux", "linux/", "/amd64", "a/b/c/d", "linux/am d64", "linux/\x1b"])
def test_what_is_no_platform_is_told(text: str) -> None:
    with pytest.raises(UsageError):
        parse_platform(text)


@pytest.mark.parametrize(
    ("wanted", "offered", "strict", "position"),
    [
        ("linux/amd64", ["linux/386", "linux/amd64"], True, 1),
        ("linux/amd64", ["linux/386"], True, None),
        ("linux/amd64", ["linux/386"], False, 0),
        ("linux/arm64", ["linux/arm/v6", "linux/arm/v7"], False, 1),
        ("linux/arm/v7", ["linux/arm/v5", "linux/arm/v6"], True, 1),
        ("linux/arm/v6", ["linux/arm/v7"], True, None),
        ("linux/arm64/v8", ["linux/arm64"], True, 0),
        ("linux/amd64/v3", ["linux/amd64", "linux/amd64/v2", "linux/amd64/v4"], True, 1),
        ("linux/amd64", ["windows/amd64"], True, None),
        ("linux/amd64", ["linux/amd64", "linux/amd64"], True, 0),
        ("linux/amd64", [], True, None),
    ],
)
def test_the_best_match_is_found(wanted: str, offered: list, strict: bool, position: object) -> None:
    assert best(normalise(parse_platform(wanted)), [parse_platform(text) for text in offered], strict) == position


def test_an_entry_without_platform_never_matches() -> None:
    assert best(Platform("linux", "amd64"), [None], True) is None


def test_this_machine_is_linux() -> None:
    assert this_machine().os == "linux"
    assert this_machine() == normalise(this_machine())


def test_a_variant_of_very_many_digits_is_no_level() -> None:
    offered = [parse_platform("linux/arm64/v" + "9" * 5000), parse_platform("linux/arm64/v8")]
    assert best(parse_platform("linux/arm64"), offered, strict=False) == 1
