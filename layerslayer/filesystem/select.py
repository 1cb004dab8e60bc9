"""Files picked out of a merged view by paths and globs, each under the name it was asked for. Pure."""

from __future__ import annotations

from typing import Dict, List, Mapping, NamedTuple, Tuple

from ..formats.entry import Entry
from .glob import matcher
from .node import Node, normal
from .tree import Ends, FileSystem

Named = List[Tuple[str, Node]]  # the name asked for, and what stands there


class Picked(NamedTuple):
    """What is to be written: ``directories``, the ``files`` of each layer, and ``others`` that are left out."""

    directories: List[str]
    files: Dict[int, List[Tuple[str, Entry]]]
    others: int  # links, devices and the like


def at_path(files: FileSystem, text: str) -> Named:
    """Return what stands at a path, links followed; nothing or one. A ``..`` goes up from where links lead."""
    path = normal(text)
    node = files.find(text if path is None else path, follow=True)
    if node is None:
        return []
    return [(node.path if path is None else path, node)]


def is_name(files: FileSystem, text: str) -> bool:
    """Whether something bears as its name what may be a glob: a name with a '[' in it is a name first."""
    return bool(normal(text)) and bool(at_path(files, text))


def matching(files: FileSystem, glob: str) -> Named:
    """Return what a glob matches, links to files followed. Raises UsageError for a glob that cannot be used."""
    matches = matcher([glob])
    found = [(path, node) for path, node in files.nodes() if matches(path)]
    if "**" in glob:  # which means all that is there, each once
        return found
    ends = Ends(files)
    return [(path, _opened(ends, node)) for path, node in found]


def _opened(ends: Ends, node: Node) -> Node:
    """Return the file that a link which a glob names leads to; other nodes as they are."""
    led = ends.of(node)
    return led if led is not None and led.children is None else node


def by_layer(wanted: Mapping[str, Node]) -> Picked:
    """Sort what is wanted by what must be done for it."""
    picked = Picked([], {}, 0)
    others = 0
    for path, node in wanted.items():
        content = node.content
        if node.children is not None:
            picked.directories.append(path)
        elif content is None or content[1].kind != "-":
            others += 1
        else:
            picked.files.setdefault(content[0], []).append((path, content[1]))
    return picked._replace(others=others)
