"""--batch: one verb over many images, one a line; a failure of one does not stop the rest."""

from __future__ import annotations

from typing import Callable, Dict, List

from ...errors import LayerslayerError, LocalFileError, UsageError
from ...escaping import printable
from ...registry.connection_pool import Connections
from ...render import json_lines
from ...user_input import without_login
from ..exit_codes import ExitCode, combined, failure
from ..options import images_named
from ..remedies import spelled
from ..session import Session
from .diff import diff
from .find import find
from .peek import peek_all

MAX_LINE = 8192  # characters
_ANSWERS: Dict[Callable[[Session], ExitCode], ExitCode] = {
    find: ExitCode.DONE,
    diff: ExitCode.NO,
    peek_all: ExitCode.NO,
}  # of mixed ones


def batch(session: Session, verb: Callable[[Session], ExitCode]) -> ExitCode:
    """Run ``verb`` on every image that the file of ``--batch`` names.

    Empty lines and those that begin with ``#`` are passed over. Returns the
    common exit code, or PARTIAL when they differ; a search that finds something
    in one image and a comparison in which one differs are answered, though.
    """
    codes: List[ExitCode] = []
    connections = Connections()
    try:
        targets = _targets(session)
        session.name(images_named(session.options, targets))
        for target in targets:
            codes.append(_one(session, verb, target, connections))
            session.console.flush()
    finally:
        connections.close()
    if not codes:
        raise UsageError("The batch names no image.")
    if set(codes) == {ExitCode.DONE, ExitCode.NO} and verb in _ANSWERS:
        return _ANSWERS[verb]
    return combined(codes)


def _one(session: Session, verb: Callable[[Session], ExitCode], target: str, connections: Connections) -> ExitCode:
    try:
        if not session.options.json:
            session.console.out(
                "{}== {}{}\n".format(session.style.bold, printable(without_login(target)), session.style.off)
            )
        return verb(session.with_target(target, connections))
    except LayerslayerError as error:
        session.console.error(error)
        if session.options.json:
            session.console.out(json_lines.line(json_lines.error_object(target, spelled(error))))
        return failure(error)


def _targets(session: Session) -> List[str]:
    name = session.options.batch or ""
    if name == "-":
        lines = session.console.input_lines()
    else:
        try:
            with open(name, encoding="utf-8", errors="surrogateescape") as file:
                lines = file.read(64 * 1024 * 1024).splitlines()
        except OSError as error:
            raise LocalFileError("the list {} cannot be read: {}.".format(name, error.strerror or error)) from None
    words = [line.strip("\ufeff \t\r\n")[:MAX_LINE] for line in lines]  # some editors begin a file with U+FEFF
    return [word for word in words if word and not word.startswith("#")]
