"""Files picked out of a merged view by paths and globs, each under the name it was asked for. Pure."""

from __future__ import annotations

from typing import Callable, Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from ..errors import UsageError
from ..formats.entry import Entry
from .glob import Matcher, matcher
from .node import Node, normal
from .tree import Ends, FileSystem

Named = List[Tuple[str, Node]]  # the name asked for, and what stands there
_DEEPEST = 200  # directories above a file
_MOST = 10_000  # directories that are remembered


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


def named_by(texts: Sequence[str], exact: bool) -> Callable[[str], bool]:
    """Return what tells of an entry's name whether it probably is, or is below, what one of the globs or paths names.

    ``exact``: all are paths. Before the layers are laid over one another nobody knows for sure.
    """
    paths = {path for path in map(normal, texts) if path is not None}
    matchers = [] if exact else [made for made in map(_usable, texts) if made is not None]
    directories: Dict[str, bool] = {}

    def is_named(path: str) -> bool:
        return path in paths or any(matches(path) for matches in matchers)

    def is_below(directory: str) -> bool:
        known = directories.get(directory)
        if known is None:
            known = is_named(directory) or (bool(directory) and is_below(directory.rpartition("/")[0]))
            if len(directories) >= _MOST:
                directories.clear()
            directories[directory] = known
        return known

    def wants(name: str) -> bool:
        path = normal(name)
        if path is None or path.count("/") > _DEEPEST:
            return False
        return is_named(path) or is_below(path.rpartition("/")[0])

    return wants


def _usable(glob: str) -> Optional[Matcher]:
    """Return what matches a glob; None where it is none, as a name with a '[' in it."""
    try:
        return matcher([glob])
    except UsageError:
        return None


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
