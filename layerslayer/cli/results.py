"""The form that results take, decided once a run, and how a verb ends: what it read, how far that is verified."""

from __future__ import annotations

from typing import TYPE_CHECKING, Optional, Sequence

from ..render.renderer import Renderer, Summary
from .exit_codes import ExitCode

if TYPE_CHECKING:
    from ..layers.outcome import Report
    from .console import Console
    from .options import Options
    from .session import Session


def renderer_for(options: Options, console: Console) -> Renderer:
    """Return what makes text of results, as ``--json`` and the terminal ask for it."""
    if options.json and options.prints_files:
        from ..render.json_renderer import ErrorRenderer

        return ErrorRenderer()
    if options.json:
        from ..render.json_renderer import JsonRenderer

        return JsonRenderer(options.limits)
    from ..render.style import COLOR, PLAIN
    from ..render.text import Hints, TextRenderer

    hints = Hints("--json tells all", "--save-all downloads it as it is", "--layer {}")
    return TextRenderer(COLOR if console.styled else PLAIN, console.unicode, hints)


def summarize(session: Session, requests: int, reports: Sequence[Report], code: ExitCode) -> ExitCode:
    """Write the summary of a verb that made so many requests, where the form has one; return ``code``."""
    options = session.options
    summary = Summary(options.verb, options.target, reports, requests, int(code), session.fetched)
    session.console.out(session.renderer.summary(summary))
    return code


def account(
    session: Session, requests: int, reports: Sequence[Report], code: ExitCode, size: Optional[int] = None
) -> ExitCode:
    """Write the summary, or say what the answer cost and how far it can be trusted; return ``code``.

    Args:
        session: the verb's
        requests: how many were made
        reports: of the layers that were read
        code: what the verb returns
        size: bytes of what could have been read; without it those of the layers reported on
    """
    cost = session.renderer.cost(reports, requests, size)
    if cost:
        session.console.say(cost)
    return summarize(session, requests, reports, code)
