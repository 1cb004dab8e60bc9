"""ls and tree: the file system that the layers make together."""

from __future__ import annotations

from typing import Iterable, List, Optional, Tuple

from ...escaping import printable
from ...filesystem.merge import LaidOut
from ...filesystem.node import IMPLIED, Node, normal, walk
from ...filesystem.tree import sizes
from ...render import json_lines
from ...render.tree import ASCII, UNICODE, node_lines, tree_lines
from ..exit_codes import ExitCode, code_of_all, worse
from ..merged_view import finish, lay_out, single_image
from ..session import Session


def ls(session: Session) -> ExitCode:
    """``ls IMAGE [PATH]``: one directory, or one file. NO when there is no such path."""
    return _show(session, "ls")


def tree(session: Session) -> ExitCode:
    """``tree IMAGE [PATH]``: a directory and all below it. NO when there is no such path."""
    return _show(session, "tree")


def _show(session: Session, verb: str) -> ExitCode:
    source = session.open_remembering()
    try:
        laid = lay_out(session, source, single_image(session, source))
        asked = session.options.words[0] if session.options.words else ""
        node = at_path(laid, asked)
        code = code_of_all(laid.reports)
        if node is None:
            session.console.warn("{} has no path '{}'{}.".format(laid.image.reference, asked, laid.reach))
            code = worse(code, ExitCode.NO)
        else:
            if session.options.json:
                for layer in laid.layers:
                    session.console.out(json_lines.line(json_lines.layer_object(layer)))
            (_ls if verb == "ls" else _tree)(session, laid, node)
        return finish(session, source, verb, laid.reports, code)
    finally:
        source.close()


def at_path(laid: LaidOut, asked: str) -> Optional[Node]:
    """Return what stands at a path as the user wrote it, links followed inside of the image."""
    path = normal(asked)
    if path is None:
        path = asked  # '..' is resolved on the way
    return laid.tree.find(path, follow=True) or laid.tree.find(path)


def _ls(session: Session, laid: LaidOut, node: Node) -> None:
    if node.children is None:
        found: List[Tuple[str, Node]] = [(node.path, node)]
    else:
        found = sorted(node.children.items())
    if session.options.json:
        prefix = node.path + "/" if node.children is not None and node.parent is not None else ""
        print_json(session, laid, ((prefix + name, inner) for name, inner in found))
    else:
        session.console.lines(node_lines(found, len(laid.image.layers), session.style))


def _tree(session: Session, laid: LaidOut, node: Node) -> None:
    path = node.path
    depth = session.options.depth
    if session.options.json:
        top = path.count("/") + (1 if path else 0)
        found = walk(node, path)
        print_json(
            session,
            laid,
            ((name, inner) for name, inner in found if inner.parent and _level(name) - top <= (depth or 1 << 30)),
        )
        return
    branches = UNICODE if session.console.unicode else ASCII
    name = "/" + printable(path)
    session.console.lines(tree_lines(node, name, sizes(laid.tree), depth, branches, session.style))


def _level(path: str) -> int:
    return path.count("/") + 1


def print_json(session: Session, laid: LaidOut, nodes: Iterable[Tuple[str, Node]]) -> None:
    """Write an object for each path."""
    session.console.pieces(json_lines.line(node_object(laid, path, node)) for path, node in nodes)


def node_object(laid: LaidOut, path: str, node: Node) -> json_lines.Object:
    """Return a path of the merged view as an object; ``layer`` is null for a directory that no layer names."""
    content = node.content
    digest = laid.digest_of(content)
    item = json_lines.entry_object(node.entry, node.layer, path, node.size, digest)
    if node.entry.offset == IMPLIED:
        item["implied"] = True
    return item
