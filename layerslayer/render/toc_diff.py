"""How a publisher's index differs from the layer it is about, as text and as JSON Lines::

! layer only  -rw-r--r-- 0/0         5 2026-01-01 00:00 etc/passwd
! index only  -rw-r--r-- 0/0         4 2026-01-01 00:00 etc/shadow
! differs     -rwxr-xr-x 0/0        20 2026-01-01 00:00 usr/bin/su  [mode]
  claimed     -rwsr-xr-x 0/0        20 2026-01-01 00:00 usr/bin/su
! 12 more paths differ.
"""

from __future__ import annotations

from typing import Iterator, Optional

from ..analysis.toc_diff import Comparison, IndexDifference, Listed
from ..formats.entry import Entry
from . import json_lines
from .listing import Listing
from .style import PLAIN, Style

_SHOWN = 100
_MARKS = {"claimed": "! index only  ", "unclaimed": "! layer only  ", "changed": "! differs     "}
_CLAIMED = "  claimed     "


def difference_lines(found: Comparison, style: Style = PLAIN, all_of_them: str = "") -> Iterator[str]:
    """Yield a line for each of the first hundred differences, two for a path that both have; then how many more."""
    listing = Listing(style)
    for difference in found.differences[:_SHOWN]:
        yield _shown(listing, difference, style)
    more = len(found.differences) - _SHOWN
    if more > 0:
        how = f" ({all_of_them})" if all_of_them else ""
        yield f"! {more} more path{' differs' if more == 1 else 's differ'}{how}.\n"


def _shown(listing: Listing, difference: IndexDifference, style: Style) -> str:
    entry = difference.actual or difference.claimed
    assert entry is not None
    start = style.alarm + _MARKS[difference.change] + style.off
    text = start + listing.lines([entry._replace(hidden=False)])[0]
    if difference.change != "changed":
        return text + "\n"
    assert difference.claimed is not None
    text += f"  {style.alarm}[{', '.join(difference.fields)}]{style.off}\n"
    return text + _CLAIMED + listing.lines([difference.claimed])[0] + "\n"


def difference_objects(found: Comparison, layer: int, claimed: Listed, actual: Listed) -> Iterator[json_lines.Object]:
    """Yield an object for each difference."""
    for difference in found.differences:
        item: json_lines.Object = {"type": "index_difference", "layer": layer, "change": difference.change}
        json_lines.put_text(item, "path", difference.path)
        item["fields"] = list(difference.fields)
        item["claimed"] = _object(difference.claimed, layer, claimed)
        item["actual"] = _object(difference.actual, layer, actual)
        yield item


def _object(entry: Optional[Entry], layer: int, side: Listed) -> Optional[json_lines.Object]:
    return json_lines.entry_object(entry, layer, digest=side.digests.get(entry.offset)) if entry is not None else None
