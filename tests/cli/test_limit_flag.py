"""What ``--limit`` makes of its words."""

from __future__ import annotations

import pytest

from layerslayer.cli.limit_flag import parse_limits
from layerslayer.errors import UsageError
from layerslayer.limits import DEFAULT, Limits


@pytest.mark.parametrize(
    ("text", "limits"),
    [("window=2G", Limits(window=2 * 2**30)), ("layers=5", Limits(layers=5)), ("path=9k", Limits(path=9 * 1024))],
)
def test_a_number_may_have_a_unit(text: str, limits: Limits) -> None:
    assert parse_limits([text]) == limits


def test_the_last_word_counts_and_the_rest_stays() -> None:
    assert parse_limits(["size=1", "path=2", "size=3"]) == Limits(size=3, path=2)
    assert parse_limits([]) == DEFAULT


@pytest.mark.parametrize("text", ["", "size", "size=", "size=0", "size=-1", "size=1X", "colour=1", "size=\u0661"])
def test_what_is_no_limit(text: str) -> None:
    with pytest.raises(UsageError):
        parse_limits(["layers=5", text])
