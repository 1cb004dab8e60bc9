"""One verb a file: plain functions that take a Session and return an ExitCode. ``arguments.verbs`` names them."""

from __future__ import annotations

from importlib import import_module

TYPE_CHECKING = False  # as type checkers read it
if TYPE_CHECKING:
    from typing import Callable

    from ..exit_codes import ExitCode
    from ..session import Session


def load(function: str) -> Callable[[Session], ExitCode]:
    """Return a function of this package by its name, ``"ls.tree"``; only what that needs is imported."""
    module, _, name = function.partition(".")
    loaded: Callable[[Session], ExitCode] = getattr(import_module("." + module, __name__), name)
    return loaded
