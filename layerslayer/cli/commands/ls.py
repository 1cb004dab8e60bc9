"""ls and tree: the file system that the layers make together."""

from __future__ import annotations

from functools import partial
from typing import Callable, Iterator, Optional

from ...filesystem.merge import LaidOut
from ...filesystem.node import Node, normal
from ..exit_codes import ExitCode, code_of_all, worse
from ..merged_view import lay_out, single_image
from ..results import account
from ..session import Session


def ls(session: Session) -> ExitCode:
    """``ls IMAGE [PATH]``: one directory, or one file. NO when there is no such path."""
    return _show(session, partial(_directory, session))


def tree(session: Session) -> ExitCode:
    """``tree IMAGE [PATH]``: a directory and all below it. NO when there is no such path."""
    return _show(session, lambda laid, node: session.renderer.tree(laid, node, session.options.depth))


def _show(session: Session, pieces: Callable[[LaidOut, Node], Iterator[str]]) -> ExitCode:
    source = session.open_remembering()
    try:
        image = single_image(session, source)
        laid = lay_out(session, image, session.access(source, image))
        asked = session.options.words[0] if session.options.words else ""
        node = at_path(laid, asked)
        code = code_of_all(laid.reports)
        if node is None:
            session.console.warn(f"{laid.image.reference} has no path '{asked}'{laid.reach}.")
            code = worse(code, ExitCode.NO)
        else:
            session.console.out(session.renderer.layers(laid.layers))
            session.console.pieces(pieces(laid, node))
        return account(session, source.requests_made(), laid.reports, code)
    finally:
        source.close()


def at_path(laid: LaidOut, asked: str) -> Optional[Node]:
    """Return what stands at a path as the user wrote it, links followed inside of the image."""
    path = normal(asked)
    if path is None:
        path = asked  # '..' is resolved on the way
    return laid.tree.find(path, follow=True) or laid.tree.find(path)


def _directory(session: Session, laid: LaidOut, node: Node) -> Iterator[str]:
    if node.children is None:
        return session.renderer.nodes(laid, "", [(node.path, node)])
    folder = node.path + "/" if node.parent is not None else ""
    return session.renderer.nodes(laid, folder, sorted(node.children.items()))
