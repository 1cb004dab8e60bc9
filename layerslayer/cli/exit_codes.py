"""What a process returns to its caller, and how the codes of several parts become one."""

from __future__ import annotations

from enum import IntEnum

from ..errors import BudgetSpent

TYPE_CHECKING = False  # as type checkers read it; every call loads this
if TYPE_CHECKING:
    from typing import Sequence

    from ..layers.outcome import Report


class ExitCode(IntEnum):
    """Exit codes of the command line; documented in the README."""

    DONE = 0
    NO = 1  # a truthful "no": nothing found, images differ
    FAILED = 2  # wrong usage, or a failure to be expected
    PARTIAL = 3  # done in part; said which
    BUG = 70
    INTERRUPTED = 130


def combined(codes: Sequence[ExitCode]) -> ExitCode:
    """Return the exit code of several parts: all well, all failed, or in part."""
    distinct = set(codes) or {ExitCode.DONE}
    return distinct.pop() if len(distinct) == 1 else ExitCode.PARTIAL


def code_of(report: Report) -> ExitCode:
    """Return the exit code of one layer's reading; PARTIAL where the user's own budget ended it."""
    if report.complete:
        return ExitCode.DONE
    return ExitCode.PARTIAL if isinstance(report.problem, BudgetSpent) else ExitCode.FAILED


def code_of_all(reports: Sequence[Report]) -> ExitCode:
    """Return the exit code of several layers' readings."""
    return combined([code_of(report) for report in reports])


def failure(error: Exception) -> ExitCode:
    """Return the exit code for what an error kept from being done."""
    return ExitCode.PARTIAL if isinstance(error, BudgetSpent) else ExitCode.FAILED


def worse(code: ExitCode, answer: ExitCode) -> ExitCode:
    """Return ``answer`` unless what it rests on could not be read whole."""
    return answer if code == ExitCode.DONE else code


def answer(code: ExitCode, reports: Sequence[Report]) -> ExitCode:
    """Return a listing's exit code: NO where an index differs, PARTIAL where one could not be compared."""
    checks = [report.index_check for report in reports if report.index_check is not None]
    if code == ExitCode.DONE and any(check.unusable for check in checks):
        return ExitCode.PARTIAL
    return worse(code, ExitCode.NO if any(check.differences for check in checks) else ExitCode.DONE)
