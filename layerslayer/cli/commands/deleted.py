"""deleted: what later layers removed and can still be recovered."""

from __future__ import annotations

import shlex

from ...escaping import printable, raw_name
from ...filesystem.merge import LaidOut
from ...filesystem.node import Removal, normal
from ..exit_codes import ExitCode, code_of_all
from ..merged_view import lay_out, single_image
from ..results import account
from ..session import Session

_ESCAPED = frozenset((*range(0x20), *b"'\\"))  # bytes that stand for something else between $' and '


def deleted(session: Session) -> ExitCode:
    """``deleted IMAGE``: every path that a later layer deleted or replaced, with what gets it back."""
    source = session.open_remembering()
    try:
        image = single_image(session, source)
        laid = lay_out(session, image, session.access(source, image), keep_removed=True)
        session.console.out(session.renderer.layers(laid.layers))
        removals = ((removal, _command(session, laid, removal)) for removal in laid.tree.removed)
        session.console.pieces(session.renderer.removals(laid, removals))
        if not laid.tree.removed:
            session.console.say(f"No layer removes anything{laid.reach}.")
        return account(session, source.requests_made(), laid.reports, code_of_all(laid.reports))
    finally:
        source.close()


def _command(session: Session, laid: LaidOut, removal: Removal) -> str:
    """Return the command that gets a removed file back; empty for what has no content."""
    content = removal.link if removal.entry.kind == "h" else (removal.layer, removal.entry)
    if content is None or content[1].kind != "-":
        return ""
    path = normal(removal.entry.name) or removal.path  # as its layer names it, perhaps through a symlink
    platform = session.options.platform
    words = ["layerslayer", "get", *(["--platform", platform] if platform else [])]
    words += ["--layer", str(removal.layer)]
    words.append("--demo" if session.options.demo else str(laid.image.reference))  # its registry ends with the run
    words.append("/" + path)
    return " ".join(_quoted(word) for word in words)


def _quoted(word: str) -> str:
    """Return a word as shells take it; one that cannot be shown as it is by its bytes (POSIX.1-2024, 2.2.4)."""
    if printable(word).replace("\\\\", "\\") == word:
        return shlex.quote(word)
    letters = (f"\\{byte:03o}" if byte in _ESCAPED or byte > 0x7E else chr(byte) for byte in raw_name(word))
    return "$'" + "".join(letters) + "'"
