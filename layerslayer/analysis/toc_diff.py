"""What a publisher's index says is in a layer, held against what is. Pure.

Compared is what a runtime would make of either: of entries of one name the
last, names as paths (``./a`` is ``a``), nothing after the archive's end marker.
What the form of an index cannot say is no difference: names that are not UTF-8
where it is JSON, fractions of a second, a time that is left out, and what a
publisher's tool adds to the layer for itself.
"""

from __future__ import annotations

import re
from typing import AbstractSet, Dict, Iterator, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from ..filesystem.node import normal
from ..formats.entry import Entry

_NOT_UTF8 = re.compile("[\udc80-\udcff]")


class Listed(NamedTuple):
    """What one of the two has: entries, and by their offsets what is known of the contents of files."""

    entries: Sequence[Entry]
    digests: Mapping[int, bytes]  # sha256
    places: Mapping[int, int]  # where in the tar they begin


class IndexDifference(NamedTuple):
    """A path that the index has otherwise than the layer."""

    path: str
    change: str  # "claimed": only the index has it; "unclaimed": only the layer has it; "changed"
    claimed: Optional[Entry]
    actual: Optional[Entry]
    fields: Tuple[str, ...]  # of a changed one: type, size, mode, owner, time, link, device, xattrs, content


class Comparison(NamedTuple):
    """``uncompared``: files that both have, of whose contents nothing could be compared."""

    differences: List[IndexDifference]
    uncompared: int


def compare_index(
    claimed: Listed, actual: Listed, own: AbstractSet[str] = frozenset(), as_bytes: bool = True
) -> Comparison:
    """Return what differs, sorted by path.

    ``own`` are paths that publishers' tools add and leave out; ``as_bytes``
    whether the index can hold names that are not UTF-8.
    """
    said, there = (_by_path(side.entries, own, as_bytes) for side in (claimed, actual))
    found: List[IndexDifference] = []
    uncompared = 0
    for path, claim in said.items():
        entry = there.get(path)
        if entry is None:
            found.append(IndexDifference(path, "claimed", claim, None, ()))
            continue
        same = _same_content(claim, entry, claimed, actual)
        fields = tuple(_fields(claim, entry, same, as_bytes))
        if fields:
            found.append(IndexDifference(path, "changed", claim, entry, fields))
        elif same is None:
            uncompared += 1
    found += [IndexDifference(path, "unclaimed", None, entry, ()) for path, entry in there.items() if path not in said]
    return Comparison(sorted(found, key=lambda item: item.path.replace("/", "\0")), uncompared)


def _by_path(entries: Sequence[Entry], own: AbstractSet[str], as_bytes: bool) -> Dict[str, Entry]:
    found: Dict[str, Entry] = {}
    for entry in entries:
        path = _path(entry.name, as_bytes)
        if not entry.hidden and path not in own:
            found[path] = entry
    return found


def _path(name: str, as_bytes: bool) -> str:
    path = normal(name)
    if path is None:  # no path of a file system, but a name that both can have
        path = "/".join(part for part in name.split("/") if part not in ("", "."))
    return _text(path, as_bytes)


def _text(text: str, as_bytes: bool) -> str:
    return text if as_bytes or text.isascii() else _NOT_UTF8.sub("\ufffd", text)


def _fields(claim: Entry, entry: Entry, same_content: Optional[bool], as_bytes: bool) -> Iterator[str]:
    if claim.kind != entry.kind:
        yield "type"
        return
    kind = entry.kind
    if kind == "-" and claim.size != entry.size:
        yield "size"
    if kind != "l" and claim.mode != entry.mode:  # nobody asks for a symlink's
        yield "mode"
    if (claim.uid, claim.gid) != (entry.uid, entry.gid):
        yield "owner"
    if claim.mtime and abs(claim.mtime - entry.mtime) >= 1:
        yield "time"
    if kind == "l" and _text(claim.target, as_bytes) != _text(entry.target, as_bytes):
        yield "link"
    if kind == "h" and _path(claim.target, as_bytes) != _path(entry.target, as_bytes):
        yield "link"
    if claim.device != entry.device:
        yield "device"
    if (claim.xattrs or entry.xattrs) and _xattrs(claim, as_bytes) != _xattrs(entry, as_bytes):
        yield "xattrs"
    if same_content is False:
        yield "content"


def _xattrs(entry: Entry, as_bytes: bool) -> Dict[str, bytes]:
    return {_text(name, as_bytes): value for name, value in entry.xattrs.items()}


def _same_content(claim: Entry, entry: Entry, claimed: Listed, actual: Listed) -> Optional[bool]:
    """Whether two files have the same content, as far as that is claimed; None where nothing can be compared."""
    if claim.kind != "-" or entry.kind != "-" or claim.size != entry.size:
        return True  # a difference of its own, or none
    digests = claimed.digests.get(claim.offset), actual.digests.get(entry.offset)
    if digests[0] and digests[1]:
        return digests[0] == digests[1]
    if not entry.size:
        return True
    places = claimed.places.get(claim.offset), actual.places.get(entry.offset)
    return None if None in places else places[0] == places[1]
