"""Parser, wiring, dispatch, exit codes. Imports nothing heavy before it is needed."""

from __future__ import annotations

import gc
import os
import sys

from .._version import __version__
from ..errors import BudgetSpent, LayerslayerError, LocalFileError, UsageError
from .arguments import parse
from .exit_codes import ExitCode

TYPE_CHECKING = False  # as type checkers read it; importing typing for --help would cost a tenth of it
if TYPE_CHECKING:
    from typing import Callable, List, NoReturn, Optional

    from ..limits import Limits
    from ..registry.http.preconnect import EarlyConnections
    from .arguments import Namespace
    from .console import Console
    from .session import Session

_EARLY = 4  # connections begun before it is known how many layers there are
_FEW_REQUESTS = (
    "",
    "get",
    "cat",
    "history",
    "config",
    "manifest",
    "tags",
    "referrers",
)  # verbs that do not ask for several layers at once
_GC_THRESHOLD = 500_000  # entries come by the thousand and make no cycles; looking for some costs 2 to 10 %


def main(argv: Optional[List[str]] = None) -> int:
    """Run the command line; return the exit code."""
    try:
        options = parse(sys.argv[1:] if argv is None else argv)
    except UsageError as error:
        print_error(error)
        return int(ExitCode.FAILED)
    except SystemExit as stop:  # --help, --version
        return int(stop.code or 0)
    except BrokenPipeError:
        return int(ExitCode.DONE)
    try:
        return int(_run(options))
    except KeyboardInterrupt:
        return int(ExitCode.INTERRUPTED)


def run() -> NoReturn:
    """Run as a program. Ends the process at once: all is written and closed by
    then, and tearing the interpreter down takes longer than a small listing."""
    code = main()
    try:
        sys.stdout.flush()  # of --help; results were flushed, and their failure told, before
    except (OSError, ValueError, AttributeError):
        pass
    os._exit(code)


def print_error(error: LayerslayerError) -> None:
    """Show an error before there is a console."""
    from .console import Console

    Console().error(error)


def _run(options: Namespace) -> ExitCode:
    before = gc.get_threshold()
    gc.set_threshold(_GC_THRESHOLD)
    try:
        return _with_console(options)
    finally:
        gc.set_threshold(*before)  # a program that calls main() goes on


def _with_console(options: Namespace) -> ExitCode:
    from .console import Console
    from .tee import Tee

    try:
        tee = Tee(options.log_file) if options.log_file else None
    except LayerslayerError as error:
        print_error(error)
        return ExitCode.FAILED
    console = Console(options.quiet, not options.no_color, tee)
    try:
        return _guarded(options, console)
    except BrokenPipeError:
        _forget_stdout()  # whoever read our results has enough
        return ExitCode.DONE
    except KeyboardInterrupt:
        console.show("\nInterrupted.")
        return ExitCode.INTERRUPTED
    finally:
        console.close()


def _guarded(options: Namespace, console: Console) -> ExitCode:
    """The one place that turns errors into sentences and exit codes."""
    from .console import EndOfInput

    try:
        code = _dispatch(options, console)
        console.flush()
        return code
    except EndOfInput as end:
        console.show("The input has ended; nothing more to do.")
        return end.code
    except LayerslayerError as error:
        console.error(error)
        _tell_json(options, console, error)
        return ExitCode.PARTIAL if isinstance(error, BudgetSpent) else ExitCode.FAILED
    except (BrokenPipeError, KeyboardInterrupt):
        raise
    except Exception:
        import traceback

        from ..escaping import printable
        from ..registry.http.redaction import scrubbed

        console.show("\n".join(printable(scrubbed(line)) for line in traceback.format_exc().splitlines()))
        console.show("This is a bug in layerslayer {}; please report it with the lines above.".format(__version__))
        return ExitCode.BUG


def _tell_json(options: Namespace, console: Console, error: LayerslayerError) -> None:
    """End the JSON Lines of a run that failed."""
    to_stdout = options.verb == "cat" or getattr(options, "output_dir", "") == "-"  # that is the file's alone
    if options.json and options.verb and (not to_stdout or options.plan):
        from ..render import json_lines

        try:
            console.out(json_lines.line(json_lines.error_object(options.target or "", error)))
            console.flush()
        except LocalFileError:
            pass  # most often the very error that is told, and has been on stderr


def _dispatch(options: Namespace, console: Console) -> ExitCode:
    options.limits = _limits(options)
    if getattr(options, "batch", None) is not None:
        from .commands.batch import batch

        return batch(_session(options, console, None, None), _verb(options))
    if not options.demo:
        return _perform(options, console, options.target)
    from ..demo.registry import DemoRegistry
    from ..demo.shop import REPOSITORY, TAG, demo_store

    with DemoRegistry(demo_store()) as registry:
        target = "{}/{}:{}".format(registry.host, REPOSITORY, TAG)
        console.say("Demo: a registry inside this program serves {}.".format(target))
        return _perform(options, console, target)


def _limits(options: Namespace) -> Limits:
    from .limit_flag import parse_limits

    return parse_limits(getattr(options, "limits", ()))


def _perform(options: Namespace, console: Console, target: Optional[str]) -> ExitCode:
    # Waiting and loading overlap: the HTTP library loads while the first connections
    # come about, and the verb with all it needs while the registry answers.
    early = _connect(options, target) if target else None
    session = _session(options, console, target, early)
    if target:
        session.begin()
    return _verb(options)(session)


def _session(options: Namespace, console: Console, target: Optional[str], early: Optional[EarlyConnections]) -> Session:
    from .options import Options
    from .session import Session

    given = {name: value for name, value in vars(options).items() if name in Options._fields}
    given.update(target=target, layers=tuple(options.layers or ()))
    return Session(Options(**given), console, early)


def _connect(options: Namespace, target: str) -> Optional[EarlyConnections]:
    """Begin the first connections to the registry of ``target``; what is wrong with that is told later."""
    from ..oci.local_reference import LocalReference
    from ..oci.reference import parse_target

    try:
        reference = parse_target(target)
    except LayerslayerError:
        return None
    if isinstance(reference, LocalReference):
        return None
    from ..registry.http.origin import base_url, origin_of
    from ..registry.http.preconnect import EarlyConnections, through_proxy  # images of this machine need no sockets

    try:
        origin = origin_of(base_url(reference.api_host, options.plain_http))
    except LayerslayerError:
        return None
    if through_proxy():
        return None
    several = options.verb not in _FEW_REQUESTS and not options.plan
    return EarlyConnections(origin.host, origin.port, min(options.jobs, _EARLY) if several else 1)


def _verb(options: Namespace) -> Callable[[Session], ExitCode]:
    from .commands import verb_of

    return verb_of(options.verb, options.plan, getattr(options, "format", "layers"))


def _forget_stdout() -> None:
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (OSError, ValueError, AttributeError):
        pass
