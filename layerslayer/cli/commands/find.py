"""find: which layers have a path, live or deleted."""

from __future__ import annotations

from typing import Iterator

from ...analysis.find import Finding, LayerFinding, Search, find_paths
from ...errors import UsageError
from ...filesystem.glob import matcher, regex_matcher
from ...filesystem.node import normal
from ..exit_codes import ExitCode, code_of_all, worse
from ..merged_view import lay_out, single_image
from ..results import account, summarize
from ..session import Session


def find(session: Session) -> ExitCode:
    """``find IMAGE GLOB...``. NO when nothing is found."""
    options = session.options
    matches = (regex_matcher if options.regex else matcher)(options.words) if options.words else _anything
    search = Search(matches, options.kinds, options.larger)
    if options.everywhere:
        return _everywhere(session, search)
    source = session.open_remembering()
    try:
        image = single_image(session, source)
        laid = lay_out(session, image, session.access(source, image), keep_removed=True)
        session.console.out(session.renderer.layers(laid.layers))
        count = 0

        def findings() -> Iterator[Finding]:
            nonlocal count
            for finding in find_paths(laid, search):
                count += 1
                yield finding

        session.console.pieces(session.renderer.findings(laid, findings()))
        if not count:
            session.console.say(f"Nothing is found{laid.reach}.")
        code = code_of_all(laid.reports)
        return account(session, source.requests_made(), laid.reports, code if count else worse(code, ExitCode.NO))
    finally:
        source.close()


def _anything(path: str) -> bool:
    """Match all, where only types and sizes were asked for."""
    return True


def _everywhere(session: Session, search: Search) -> ExitCode:
    """Search the layers that the cache holds: each as it is, whatever image it belongs to."""
    store = session.store
    if store is None:
        raise UsageError("--everywhere searches the cache, which --no-cache leaves out.")
    count = layers = 0

    def findings() -> Iterator[LayerFinding]:
        nonlocal count, layers
        for layer in store.search():
            layers += 1
            for entry in layer.entries:
                path = normal(entry.name)
                if path is not None and search.fits(path, entry.kind, entry.size):
                    count += 1
                    yield LayerFinding(layer.digest, path, entry, layer.digests.get(entry.offset))

    session.console.pieces(session.renderer.layer_findings(findings()))
    session.console.say(f"Searched {layers} layers read before.")
    return summarize(session, 0, (), ExitCode.DONE if count else ExitCode.NO)
