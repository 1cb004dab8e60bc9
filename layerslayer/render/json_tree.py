"""Paths of the merged file system as objects for ``json_lines``."""

from __future__ import annotations

from typing import Iterable, Iterator, Optional, Tuple

from ..analysis.diff import Difference
from ..analysis.find import Finding, LayerFinding
from ..filesystem.merge import LaidOut
from ..filesystem.node import IMPLIED, Node, Removal, walk
from .json_lines import Object, entry_object, put_text


def node_object(merged: LaidOut, path: str, node: Node) -> Object:
    """Return a path of the merged view as an object; ``layer`` is null for a directory that no layer names."""
    digest = merged.digest_of(node.content)
    item = entry_object(node.entry, node.layer, path, node.size, digest)
    if node.entry.offset == IMPLIED:
        item["implied"] = True
    return item


def below(node: Node, depth: Optional[int]) -> Iterator[Tuple[str, Node]]:
    """Yield ``node``, unless it is the root, and what is below it down to ``depth`` levels, each with its path."""
    deepest = _level(node.path) + (depth or 1 << 30)
    return ((path, inner) for path, inner in walk(node, node.path) if inner.parent and _level(path) <= deepest)


def _level(path: str) -> int:
    return path.count("/") + 1 if path else 0


def finding_object(merged: LaidOut, finding: Finding) -> Object:
    """Return a path that was found, with its ``state``."""
    if finding.node is not None:
        return dict(node_object(merged, finding.path, finding.node), state="live")
    assert finding.removal is not None
    return removal_object(merged, finding.removal)


def layer_finding_object(finding: LayerFinding) -> Object:
    """Return a path that was found in a layer that the cache holds; ``layer`` is -1, as no image has it."""
    return dict(entry_object(finding.entry, -1, finding.path, None, finding.sha256), layer_digest=finding.layer)


def removal_object(merged: LaidOut, removal: Removal) -> Object:
    """Return a removed path as an object."""
    content = removal.link if removal.entry.kind == "h" else (removal.layer, removal.entry)
    digest = merged.digest_of(content)
    item = entry_object(removal.entry, removal.layer, removal.path, removal.size, digest)
    item.update(state=removal.how, removed_by=removal.by)
    return item


def removed_objects(merged: LaidOut, removals: Iterable[Tuple[Removal, str]]) -> Iterator[Object]:
    """Yield removed paths with the commands that get them back, null where none does."""
    for removal, command in removals:
        yield dict(removal_object(merged, removal), type="removed", command=command or None)


def difference_object(old: LaidOut, new: LaidOut, difference: Difference) -> Object:
    """Return what differs between two images at one path."""
    item: Object = {"type": "difference", "change": difference.change}
    put_text(item, "path", difference.path)
    item["fields"] = list(difference.fields)
    for name, node, side in (("old", difference.old, old), ("new", difference.new, new)):
        item[name] = node_object(side, difference.path, node) if node is not None else None
    return item
