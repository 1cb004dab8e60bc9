"""What publishers' tables have in common."""

from __future__ import annotations

from typing import Any

import pytest

from layerslayer.layers.toc.base import parse_time


@pytest.mark.parametrize(
    "text, seconds",
    [
        ("1970-01-01T00:00:00Z", 0),
        ("2023-11-14T22:13:20Z", 1700000000),
        ("2023-11-14T22:13:20.5Z", 1700000000.5),
        ("2023-11-14T23:13:20+01:00", 1700000000),
        ("2023-11-14T21:43:20-00:30", 1700000000),
        ("1969-12-31T23:59:59Z", -1),
        ("yesterday", 0),
        ("2023-99-99T99:99:99Z", None),
        ("", 0),
    ],
)
def test_times(text: str, seconds: Any) -> None:
    value = parse_time(text)
    assert value == seconds or seconds is None
