"""cache: what is remembered of layers read before."""

from __future__ import annotations

from ...errors import LocalFileError, UsageError
from ...escaping import human_size
from ..exit_codes import ExitCode
from ..results import summarize
from ..session import Session


def cache(session: Session) -> ExitCode:
    """``cache [show|clear]``: list the layers that are known, or forget them."""
    word = session.options.words[0] if session.options.words else "show"
    store = session.store
    if word not in ("show", "clear"):
        raise UsageError(f"'{word}' is neither show nor clear.", "See layerslayer cache --help.")
    if store is None:
        raise UsageError("--no-cache leaves nothing to show.")
    try:
        if word == "clear":
            freed = store.clear()
            if freed is None:
                raise LocalFileError("nothing was forgotten.", f"See that {store.folder} can be written to.")
            session.console.say(f"Forgot {human_size(freed)} in {store.folder}.")
            return summarize(session, 0, (), ExitCode.DONE)
        layers = store.layers()
        for layer in layers:
            session.console.out(session.renderer.cached_layer(*layer))
        session.console.say(f"{len(layers)} layers are known, in {human_size(store.size())} under {store.folder}.")
        return summarize(session, 0, (), ExitCode.DONE)
    finally:
        store.close()
