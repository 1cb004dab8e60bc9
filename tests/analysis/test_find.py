"""What fits a search."""

from __future__ import annotations

import pytest

from layerslayer.analysis.find import Search
from layerslayer.filesystem.glob import matcher


@pytest.mark.parametrize(
    "search, fits",
    [
        (Search(matcher(["*.py"])), True),
        (Search(matcher(["*.txt"])), False),
        (Search(matcher(["*.py"]), kinds="-h"), True),
        (Search(matcher(["*.py"]), kinds="d"), False),
        (Search(matcher(["*.py"]), larger=9), True),
        (Search(matcher(["*.py"]), larger=10), False),
    ],
)
def test_name_type_and_size_must_all_fit(search: Search, fits: bool) -> None:
    assert search.fits("app/main.py", "-", 10) is fits
