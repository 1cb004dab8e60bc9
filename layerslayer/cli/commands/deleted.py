"""deleted: what later layers removed and can still be had."""

from __future__ import annotations

import shlex

from ...escaping import printable, raw_name
from ...filesystem.merge import LaidOut
from ...filesystem.node import Removal, normal
from ...render import json_lines
from ...render.listing import Listing
from ...render.tree import removal_line, step_texts
from ..exit_codes import ExitCode, code_of_all
from ..merged_view import finish, lay_out, single_image
from ..session import Session
from .find import removal_object

_ESCAPED = frozenset((*range(0x20), *b"'\\"))  # bytes that stand for something else between $' and '


def deleted(session: Session) -> ExitCode:
    """``deleted IMAGE``: every path that a later layer deleted or replaced, with what gets it back."""
    source = session.open_remembering()
    try:
        laid = lay_out(session, source, single_image(session, source), keep_removed=True)
        if session.options.json:
            for layer in laid.layers:
                session.console.out(json_lines.line(json_lines.layer_object(layer)))
        listing, steps = Listing(session.style), step_texts(laid.layers)
        for gone in laid.tree.removed:
            command = _command(session, laid, gone)
            if session.options.json:
                item = dict(removal_object(laid, gone), type="removed", command=command or None)
                session.console.out(json_lines.line(item))
            else:
                session.console.out(removal_line(listing, gone, steps, command) + "\n")
        if not laid.tree.removed:
            session.console.say("No layer removes anything{}.".format(laid.reach))
        return finish(session, source, "deleted", laid.reports, code_of_all(laid.reports))
    finally:
        source.close()


def _command(session: Session, laid: LaidOut, gone: Removal) -> str:
    """Return the command that gets a removed file back; empty for what has no content."""
    content = gone.link if gone.entry.kind == "h" else (gone.layer, gone.entry)
    if content is None or content[1].kind != "-":
        return ""
    path = normal(gone.entry.name) or gone.path  # as its layer names it, perhaps through a symlink
    platform = session.options.platform
    words = ["layerslayer", "get", *(["--platform", platform] if platform else [])]
    words += ["--layer", str(gone.layer)]
    words.append("--demo" if session.options.demo else str(laid.image.reference))  # its registry ends with the run
    words.append("/" + path)
    return " ".join(_quoted(word) for word in words)


def _quoted(word: str) -> str:
    """Return a word as shells take it; one that cannot be shown as it is by its bytes (POSIX.1-2024, 2.2.4)."""
    if printable(word).replace("\\\\", "\\") == word:
        return shlex.quote(word)
    letters = ("\\{:03o}".format(byte) if byte in _ESCAPED or byte > 0x7E else chr(byte) for byte in raw_name(word))
    return "$'{}'".format("".join(letters))
