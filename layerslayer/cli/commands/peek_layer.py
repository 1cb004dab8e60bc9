"""One layer's listing as text, made while its bytes come, in a thread of its own."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Iterator, List, Optional

from ...formats.entry import Entry
from ...formats.magic import special_kind
from ...layers.access import LayerAccess
from ...layers.open import Reading, open_layer
from ...layers.outcome import Report
from ...oci.image import Layer
from ..session import Session

if TYPE_CHECKING:
    from ...analysis.toc_check import Checking
    from ...layers.toc.discovery import Claims

_LINES_AT_ONCE = 1000  # waking the main thread for each handful costs more than making them
_TEXT_AT_ONCE = 128 * 1024  # characters of lines that are held back; names can be long
_PATIENCE = 0.2  # seconds that lines are held back at most while bytes keep coming


def special(layer: Layer) -> str:
    """Say what a layer is that is not listed; empty for one that is."""
    return special_kind(layer.descriptor.media_type, layer.descriptor.annotations)


def layer_text(
    session: Session, access: LayerAccess, claims: Optional[Claims], layer: Layer, report: Report
) -> Iterator[str]:
    """Yield the lines of a layer, many at a time, and fill its ``report``, where problems stand.

    ``claims`` are held against the layer, where there are any.
    """
    return _LayerText(session, access, claims, layer).texts(report)


def in_parts(batches: Iterator[List[Entry]]) -> Iterator[List[Entry]]:
    """Yield batches, those of very many entries in parts."""
    for batch in batches:
        for start in range(0, max(len(batch), 1), _LINES_AT_ONCE):
            yield batch[start : start + _LINES_AT_ONCE] if len(batch) > _LINES_AT_ONCE else batch


class _LayerText:
    def __init__(self, session: Session, access: LayerAccess, claims: Optional[Claims], layer: Layer) -> None:
        self._renderer = session.renderer
        self._access = access
        self._claims = claims
        self._layer = layer
        self._lines = session.renderer.entries(layer)

    def texts(self, report: Report) -> Iterator[str]:
        checking: Optional[Checking] = None
        if self._claims and not special(self._layer):
            from ...analysis.toc_check import Checking

            checking = Checking(self._claims, self._layer, self._access.limits)
        reading = Reading(digests=checking is not None, anew=checking is not None, again=True)
        reader = open_layer(self._access, self._layer, report, reading)
        try:
            yield from self._as_read(checking.entries(reader) if checking else reader.entries())
        finally:
            reader.close()
        if checking:
            yield from self._differences(checking, report)

    def _differences(self, checking: Checking, report: Report) -> Iterator[str]:
        """Yield what differs between a layer and its publisher's index."""
        found = checking.compare(report)
        if found:
            yield from self._renderer.toc_differences(self._layer, found, checking)

    def _as_read(self, batches: Iterator[List[Entry]]) -> Iterator[str]:
        """Yield the lines as the entries come."""
        lines: List[str] = []
        length = 0
        due = time.monotonic() + _PATIENCE
        for batch in in_parts(batches):
            made = self._lines(batch)
            lines += made
            length += sum(map(len, made))
            if len(lines) >= _LINES_AT_ONCE or length >= _TEXT_AT_ONCE or time.monotonic() >= due:
                yield "\n".join(lines) + "\n"
                lines, length = [], 0
                due = time.monotonic() + _PATIENCE
        if lines:
            yield "\n".join(lines) + "\n"
