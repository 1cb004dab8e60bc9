"""--batch: one verb over many images, one a line; a failure of one does not stop the rest."""

from __future__ import annotations

from typing import Callable, List, Optional

from ...errors import LayerslayerError, LocalFileError, UsageError
from ...registry.connection_pool import Connections
from ..exit_codes import ExitCode, combined, failure
from ..options import images_named
from ..remedies import spelled
from ..session import Session
from ..streams import read_lines

MAX_LINE = 8192  # characters


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
    mixed: Optional[ExitCode] = session.options.row.mixed_answer
    if mixed is not None and set(codes) == {ExitCode.DONE, ExitCode.NO}:
        return mixed
    return combined(codes)


def _one(session: Session, verb: Callable[[Session], ExitCode], target: str, connections: Connections) -> ExitCode:
    try:
        session.console.out(session.renderer.batch_item(target))
        return verb(session.with_target(target, connections))
    except LayerslayerError as error:
        session.console.error(error)
        session.console.out(session.renderer.error(target, spelled(error)))
        return failure(error)


def _targets(session: Session) -> List[str]:
    name = session.options.batch or ""
    if name == "-":
        lines = read_lines()
    else:
        try:
            with open(name, encoding="utf-8", errors="surrogateescape") as file:
                lines = file.read(64 * 1024 * 1024).splitlines()
        except OSError as error:
            raise LocalFileError(f"the list {name} cannot be read: {error.strerror or error}.") from None
    words = [line.strip("\ufeff \t\r\n")[:MAX_LINE] for line in lines]  # some editors begin a file with U+FEFF
    return [word for word in words if word and not word.startswith("#")]
