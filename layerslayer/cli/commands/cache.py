"""cache: what is remembered of layers read before."""

from __future__ import annotations

from ...errors import LocalFileError, UsageError
from ...escaping import human_size
from ...render import json_lines
from ...render.listing import timestamp
from ..exit_codes import ExitCode
from ..session import Session


def cache(session: Session) -> ExitCode:
    """``cache [show|clear]``: list the layers that are known, or forget them."""
    word = session.options.words[0] if session.options.words else "show"
    store = session.store
    if word not in ("show", "clear"):
        raise UsageError("'{}' is neither show nor clear.".format(word), "See layerslayer cache --help.")
    if store is None:
        raise UsageError("--no-cache leaves nothing to show.")
    try:
        if word == "clear":
            freed = store.clear()
            if freed is None:
                raise LocalFileError("nothing was forgotten.", "See that {} can be written to.".format(store.folder))
            session.console.say("Forgot {} in {}.".format(human_size(freed), store.folder))
            return _end(session)
        layers = store.layers()
        for layer in layers:
            if session.options.json:
                item = {
                    "type": "known_layer",
                    "digest": layer.digest,
                    "size": layer.size,
                    "entries": layer.entries,
                    "stored": layer.stored,
                    "used": layer.used,
                }
                session.console.out(json_lines.line(item))
            else:
                session.console.out(
                    "{}  {:>9}  {:>7} entries  {}\n".format(
                        layer.digest, human_size(layer.size), layer.entries, timestamp(layer.used)
                    )
                )
        session.console.say(
            "{} layers are known, in {} under {}.".format(len(layers), human_size(store.size()), store.folder)
        )
        return _end(session)
    finally:
        store.close()


def _end(session: Session) -> ExitCode:
    if session.options.json:
        session.console.out(json_lines.line(json_lines.summary_object("cache", (), 0, int(ExitCode.DONE))))
    return ExitCode.DONE
