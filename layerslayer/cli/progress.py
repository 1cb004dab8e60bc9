"""Bars of what is being transferred, drawn by rich where it is installed."""

from __future__ import annotations

from typing import Any, Callable, Optional, TextIO


class Progress:
    """Progress bars, or nothing: ``task`` and ``advance`` always work."""

    def __init__(self, stream: Optional[TextIO], attach: Callable[[Optional[Any]], None]) -> None:
        """``stream`` is where bars go, None for nowhere; ``attach`` gets rich's bars, and None when they end."""
        self._stream = stream
        self._attach = attach
        self._bars: Optional[Any] = None

    def __enter__(self) -> Progress:
        self._bars = _rich_bars(self._stream) if self._stream is not None else None
        if self._bars is not None:
            self._bars.start()
            self._attach(self._bars)
        return self

    def __exit__(self, *_: object) -> None:
        if self._bars is not None:
            self._attach(None)
            self._bars.stop()

    def task(self, name: str, total: int) -> int:
        """Begin a transfer of ``total`` bytes, negative when unknown; ``name`` is safe text."""
        return int(self._bars.add_task(name, total=total if total >= 0 else None)) if self._bars is not None else 0

    def advance(self, task: int, count: int) -> None:
        """Count so many more bytes, or less."""
        if self._bars is not None:
            self._bars.advance(task, count)

    def finish(self, task: int) -> None:
        """End a transfer; its bar goes away."""
        if self._bars is not None:
            self._bars.remove_task(task)


def _rich_bars(stream: TextIO) -> Optional[Any]:
    try:
        from rich.console import Console as RichConsole
        from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeRemainingColumn, TransferSpeedColumn
        from rich.progress import Progress as RichProgress
    except ImportError:
        return None  # the plain lines say all that matters
    return RichProgress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
        console=RichConsole(file=stream),
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
    )
