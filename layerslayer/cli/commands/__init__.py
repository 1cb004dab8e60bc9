"""One verb a file: plain functions that take a Session and return an ExitCode. Which verb is where, this says."""

from __future__ import annotations

TYPE_CHECKING = False  # as type checkers read it
if TYPE_CHECKING:
    from typing import Callable

    from ..exit_codes import ExitCode
    from ..session import Session


def verb_of(name: str, plan: bool = False, format: str = "layers") -> Callable[[Session], ExitCode]:
    """Return what a verb does, or with ``plan`` what that would cost; only what that needs is imported."""
    if plan:
        from .plan import plan as verb
    elif name == "peek":
        from .peek import peek_all as verb
    elif name == "save" and format != "layers":
        from .export import export_all as verb
    elif name == "save":
        from .save import save_all as verb
    elif name in ("ls", "tree"):
        from . import ls

        verb = ls.ls if name == "ls" else ls.tree
    elif name == "find":
        from .find import find as verb
    elif name in ("get", "cat"):
        from . import get

        verb = get.get if name == "get" else get.cat
    elif name == "deleted":
        from .deleted import deleted as verb
    elif name in ("history", "config", "manifest"):
        from . import metadata

        verb = {"history": metadata.history, "config": metadata.config, "manifest": metadata.manifest}[name]
    elif name in ("tags", "referrers"):
        from . import repository

        verb = repository.tags if name == "tags" else repository.referrers
    elif name == "cache":
        from .cache import cache as verb
    elif name == "diff":
        from .diff import diff as verb
    else:
        from .interactive import interactive as verb
    return verb
