"""Progress: bars where there is a stream and rich, and the same calls where there is not."""

from __future__ import annotations

import io
import sys
from typing import Any, List, Optional, TextIO

import pytest

from layerslayer.cli.progress import Progress


def transferred(stream: Optional[TextIO]) -> List[Optional[Any]]:
    """Return what was attached while something was transferred."""
    heard: List[Optional[Any]] = []
    with Progress(stream, heard.append) as progress:
        task = progress.task("layer 0", 100)
        progress.advance(task, 60)
        progress.advance(task, -20)
        if heard and heard[0] is not None:
            assert [(bar.description, bar.completed, bar.total) for bar in heard[0].tasks] == [("layer 0", 40, 100)]
        progress.finish(task)
        progress.task("of unknown size", -1)
    return heard


def test_bars_are_attached_while_they_show() -> None:
    pytest.importorskip("rich")
    heard = transferred(io.StringIO())
    assert len(heard) == 2 and heard[0] is not None and heard[1] is None


def test_without_a_stream_nothing_is_shown() -> None:
    assert transferred(None) == []


def test_without_rich_nothing_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rich.console", None)
    assert transferred(io.StringIO()) == []
