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
        raise UsageError("'{}' is neither show nor clear.".format(word), "See layerslayer cache --help.")
    if store is None:
        raise UsageError("--no-cache leaves nothing to show.")
    try:
        if word == "clear":
            freed = store.clear()
            if freed is None:
                raise LocalFileError("nothing was forgotten.", "See that {} can be written to.".format(store.folder))
            session.console.say("Forgot {} in {}.".format(human_size(freed), store.folder))
            return summarize(session, 0, (), ExitCode.DONE)
        layers = store.layers()
        for layer in layers:
            session.console.out(session.renderer.cached_layer(*layer))
        session.console.say(
            "{} layers are known, in {} under {}.".format(len(layers), human_size(store.size()), store.folder)
        )
        return summarize(session, 0, (), ExitCode.DONE)
    finally:
        store.close()
