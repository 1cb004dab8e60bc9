"""A layer's contents as text: a header line, one line an entry, a last line.

Entry lines read like ``ls -ln``, times in UTC::

    -rw-r--r-- 0/0        1494 2026-01-01 00:00 etc/passwd
    lrwxrwxrwx 0/0           0 2026-01-01 00:00 bin -> usr/bin
    hrw-r--r-- 0/0           0 2026-01-01 00:00 usr/bin/perl5 -> usr/bin/perl
    ---------- 0/0           0 2026-01-01 00:00 etc/.wh.motd  [deletes etc/motd]
"""

from __future__ import annotations

import time
from typing import Dict, Iterable, List, Sequence, Tuple, Union

from ..escaping import human_size, one_line, printable
from ..formats.entry import Entry, deletion
from ..layers.outcome import IndexCheck, Report
from ..oci.descriptor import UNKNOWN_SIZE
from ..oci.image import Layer
from .style import PLAIN, Style

_STEP_LIMIT = 160  # characters of a build step in a header line
_CACHE_LIMIT = 8192
_AMOUNT_ENDS = 26  # the column where sizes end, when owners are not too long
_BITS = tuple(("r" if bits & 4 else "-") + ("w" if bits & 2 else "-") + ("x" if bits & 1 else "-") for bits in range(8))


def permissions(kind: str, mode: int) -> str:
    """Return the ten characters that ``ls -l`` begins with: ``permissions("-", 0o755)``."""
    text = [kind, *_BITS[mode >> 6 & 7], *_BITS[mode >> 3 & 7], *_BITS[mode & 7]]
    for bit, place, letter in ((0o4000, 3, "s"), (0o2000, 6, "s"), (0o1000, 9, "t")):
        if mode & bit:
            text[place] = letter if text[place] == "x" else letter.upper()
    return "".join(text)


def timestamp(seconds: Union[int, float]) -> str:
    """Return seconds since 1970 as ``YYYY-MM-DD HH:MM`` in UTC, or the number where no date has it."""
    try:
        year, month, day, hour, minute = time.gmtime(seconds // 1)[:5]
    except (OverflowError, ValueError, OSError):
        return f"@{seconds}"
    return f"{year:04d}-{month:02d}-{day:02d} {hour:02d}:{minute:02d}"


class Listing:
    """Makes lines of entries; keeps the texts of values that recur."""

    def __init__(self, style: Style = PLAIN) -> None:
        self._style = style
        self._owners: Dict[Tuple[str, int, int, int], Tuple[str, int]] = {}
        self._times: Dict[Union[int, float], str] = {}

    def lines(self, entries: Iterable[Entry]) -> List[str]:
        """Return a line for each entry, without newlines."""
        owners, times = self._owners, self._times
        styled = self._style is not PLAIN
        made = []
        for name, kind, mode, uid, gid, size, mtime, target, _, _, device, _, _, hidden in entries:
            owner = owners.get((kind, mode, uid, gid))
            if owner is None:
                owner = self._owner(kind, mode, uid, gid)
            when = times.get(mtime)
            if when is None:
                if len(times) >= _CACHE_LIMIT:
                    times.clear()
                when = times[mtime] = timestamp(mtime)
            # What printable() would ask first, without the call.
            plain = name.isascii() and name.isprintable() and "\\" not in name
            shown = name if plain else printable(name)
            if styled:
                shown = self._painted(kind, shown)
            if target:
                shown += " -> " + printable(target)
            if ".wh." in name:
                shown += self._deletion(name)
            if hidden:
                shown += f"  {self._style.alarm}[after the end marker]{self._style.off}"
            amount = str(size) if device is None else f"{device[0]},{device[1]}"
            made.append(f"{owner[0]}{amount.rjust(owner[1])} {when} {shown}")
        return made

    def _owner(self, kind: str, mode: int, uid: int, gid: int) -> Tuple[str, int]:
        """Return how a line begins, and how wide the amount is that follows."""
        if len(self._owners) >= _CACHE_LIMIT:
            self._owners.clear()
        start = f"{permissions(kind, mode)} {uid}/{gid} "
        owner = self._owners[kind, mode, uid, gid] = (start, _AMOUNT_ENDS - len(start))
        return owner

    def _painted(self, kind: str, shown: str) -> str:
        color = {"d": self._style.directory, "l": self._style.link}.get(kind)
        return color + shown + self._style.off if color else shown

    def _deletion(self, name: str) -> str:
        victim = deletion(name)
        if victim is None:
            return ""
        return f"  {self._style.deletion}[deletes {printable(victim)}]{self._style.off}"


def layer_header(layer: Layer, style: Style = PLAIN) -> str:
    """Return the line that begins a layer: index, digest, stored size, build step."""
    step = "  " + one_line(layer.step.created_by or layer.step.comment, _STEP_LIMIT) if layer.step else ""
    descriptor = layer.descriptor
    return f"{style.bold}Layer {layer.number}  {descriptor.digest}  {human_size(descriptor.size)}{style.off}{step}"


def layer_footer(report: Report, style: Style = PLAIN, as_it_is: str = "") -> str:
    """Return the line that ends a layer: what was read, and how far it can be trusted.

    ``as_it_is`` says how to have a layer that is no tar.
    """
    size = report.descriptor.size
    if report.opaque:
        kind = printable(report.descriptor.media_type) or "no media type"
        return f"= not a tar ({kind}){'; ' + as_it_is if as_it_is else ''}."
    parts = [f"{report.entries} {'entry' if report.entries == 1 else 'entries'}"]
    if report.leapt:
        parts.append(f"{listed_from(report.bytes_read, size)} · lengths add up · digest not verified")
        return "= " + "; ".join(parts + _shown_notes(report, style)) + "."
    if size in (report.bytes_read, UNKNOWN_SIZE):
        parts.append(f"read {report.bytes_read} bytes")
    else:
        parts.append(f"read {report.bytes_read} of {size} bytes")
    if report.remembered:
        parts.append("known from an earlier verified reading")
    else:
        parts.append("digest verified" if report.verified else "digest NOT verified")
    if report.claimed:
        parts.append(f"as the publisher's index claims ({report.claimed})")
    elif report.complete:
        parts.append("complete")
    else:
        why = printable(str(report.problem or "reading was stopped")).rstrip(".")
        parts.append(f"{style.alarm}INCOMPLETE: {why}{style.off}")
    if report.index_check is not None:
        parts += _check_texts(report.index_check, style)
    return "= " + "; ".join(parts + _shown_notes(report, style)) + "."


def _shown_notes(report: Report, style: Style) -> List[str]:
    return [f"{style.alarm}NOTE: {note}{style.off}" for note in report.notes]


def listed_from(read: int, size: int) -> str:
    """Return what part of so many bytes a listing cost: "listed from 38 % of 193.9 MB"."""
    share = 100 * read / max(size, 1)
    return f"listed from {share:.{0 if share >= 9.95 else 1}f} % of {human_size(size)}"


def _check_texts(check: IndexCheck, style: Style) -> List[str]:
    if not check.kind:
        return ["the publisher's index was NOT compared" if check.unusable else "no publisher's index"]
    index = f"the publisher's index ({check.kind})"
    if not check.compared:
        return [index + " was NOT compared"]
    words = [index + " agrees"]
    if check.aside:
        words[0] += f", but for its {check.aside}, which were not compared"
    if check.differences:
        entries = "entry" if check.differences == 1 else "entries"
        words = [f"{style.alarm}{index} differs in {check.differences} {entries}{style.off}"]
    if check.uncompared:
        files = "1 file" if check.uncompared == 1 else f"{check.uncompared} files"
        words.append(f"of the contents of {files} it says nothing")
    return words


def layer_table(layers: Sequence[Layer]) -> List[str]:
    """Return one line a layer: index, digest, readable size and media type's gist."""
    width = len(str(len(layers) - 1)) if layers else 1
    return [
        f"  [{layer.number:>{width}}] {layer.descriptor.digest}  {human_size(layer.descriptor.size):>9}"
        f"  {_gist(layer.descriptor.media_type)}"
        for layer in layers
    ]


def _gist(media_type: str) -> str:
    tail = media_type.rpartition("/")[2]
    for prefix in ("vnd.oci.image.layer.v1.", "vnd.docker.image.rootfs.diff."):
        if tail.startswith(prefix):
            return printable(tail[len(prefix) :])
    return printable(media_type)
