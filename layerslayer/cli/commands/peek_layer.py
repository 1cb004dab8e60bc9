"""One layer's listing as text, made while its bytes come, in a thread of its own."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, Iterator, List, Optional

from ...errors import LayerslayerError
from ...formats.entry import Entry
from ...formats.magic import special_kind
from ...layers.outcome import Report
from ...layers.replay import with_a_second_try
from ...layers.stream import read_entries
from ...oci.image import Layer
from ...oci.source import Source
from ..session import Session

if TYPE_CHECKING:
    from ...analysis.toc_check import Checking
    from ...layers.shortcuts import Shortcuts
    from ...layers.toc.discovery import Claims

_LINES_AT_ONCE = 1000  # waking the main thread for each handful costs more than making them
_TEXT_AT_ONCE = 128 * 1024  # characters of lines that are held back; names can be long
_PATIENCE = 0.2  # seconds that lines are held back at most while bytes keep coming


def special(layer: Layer) -> str:
    """Say what a layer is that is not listed; empty for one that is."""
    return special_kind(layer.descriptor.media_type, layer.descriptor.annotations)


def layer_text(
    session: Session,
    source: Source,
    shortcuts: Optional[Shortcuts],
    claims: Optional[Claims],
    layer: Layer,
    report: Report,
) -> Iterator[str]:
    """Yield the lines of a layer, many at a time, and fill its ``report``, where problems stand.

    ``shortcuts`` are taken where there are any; ``claims`` are held against the layer.
    """
    return _LayerText(session, source, shortcuts, claims, layer).texts(report)


def in_parts(batches: Iterator[List[Entry]]) -> Iterator[List[Entry]]:
    """Yield batches, those of very many entries in parts."""
    for batch in batches:
        for start in range(0, max(len(batch), 1), _LINES_AT_ONCE):
            yield batch[start : start + _LINES_AT_ONCE] if len(batch) > _LINES_AT_ONCE else batch


class _LayerText:
    def __init__(
        self,
        session: Session,
        source: Source,
        shortcuts: Optional[Shortcuts],
        claims: Optional[Claims],
        layer: Layer,
    ) -> None:
        self._renderer = session.renderer
        self._source = source
        self._shortcuts = shortcuts
        self._claims = claims
        self._layer = layer
        self._lines = session.renderer.entries(layer)

    def texts(self, report: Report) -> Iterator[str]:
        what = special(self._layer)
        if what:
            report.problem = LayerslayerError(f"it is {what}")
            return
        checking: Optional[Checking] = None
        if self._claims:
            from ...analysis.toc_check import Checking

            checking = Checking(self._claims, self._layer, self._source.limits)
        index = self._shortcuts.claims.index_of(self._layer, report) if self._shortcuts else None
        if index is not None:
            for start in range(0, len(index.entries), _LINES_AT_ONCE):
                yield "\n".join(self._lines(index.entries[start : start + _LINES_AT_ONCE])) + "\n"
            return
        yield from with_a_second_try(partial(self._as_read, checking), report)
        if checking:
            yield from self._differences(checking, report)

    def _differences(self, checking: Checking, report: Report) -> Iterator[str]:
        """Yield what differs between a layer and its publisher's index."""
        found = checking.compare(report)
        if found:
            yield from self._renderer.toc_differences(self._layer, found, checking)

    def _as_read(self, checking: Optional[Checking], report: Report) -> Iterator[str]:
        """Yield the lines as the entries come, the layer being read anew."""
        lines: List[str] = []
        length = 0
        due = time.monotonic() + _PATIENCE
        for batch in in_parts(self._batches(checking, report)):
            made = self._lines(batch)
            lines += made
            length += sum(map(len, made))
            if len(lines) >= _LINES_AT_ONCE or length >= _TEXT_AT_ONCE or time.monotonic() >= due:
                yield "\n".join(lines) + "\n"
                lines, length = [], 0
                due = time.monotonic() + _PATIENCE
        if lines:
            yield "\n".join(lines) + "\n"

    def _batches(self, checking: Optional[Checking], report: Report) -> Iterator[List[Entry]]:
        """Return the entries, by leaping where that is worth it, else by reading the layer in full."""
        layer, source = self._layer, self._source
        if self._shortcuts and self._shortcuts.leaps.worth(layer):
            return self._shortcuts.leaps.entries(layer, report)
        if checking:
            return checking.entries(lambda: source.blob(layer.descriptor), report)
        return read_entries(layer.descriptor, lambda: source.blob(layer.descriptor), report, limits=source.limits)
