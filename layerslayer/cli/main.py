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

    from ..registry.http.preconnect import EarlyConnections
    from .arguments import Namespace
    from .console import Console
    from .options import Options
    from .session import Session

_EARLY = 4  # connections begun before it is known how many layers there are
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
        sys.stdout.flush()  # of --help; results were flushed, and their failure shown, before
    except (OSError, ValueError, AttributeError):
        pass
    os._exit(code)


def print_error(error: LayerslayerError) -> None:
    """Show an error before there is a console."""
    from .console import Console

    Console().error(error)


def _run(given: Namespace) -> ExitCode:
    before = gc.get_threshold()
    gc.set_threshold(_GC_THRESHOLD)
    try:
        return _with_console(given)
    finally:
        gc.set_threshold(*before)  # a program that calls main() goes on


def _with_console(given: Namespace) -> ExitCode:
    from .console import Console
    from .tee import Tee

    try:
        tee = Tee(given.log_file) if given.log_file else None
    except LayerslayerError as error:
        print_error(error)
        return ExitCode.FAILED
    console = Console(given.quiet, not given.no_color, tee)
    try:
        return _guarded(given, console)
    except BrokenPipeError:
        _forget_stdout()  # whoever read our results has enough
        return ExitCode.DONE
    except KeyboardInterrupt:
        console.show("\nInterrupted.")
        return ExitCode.INTERRUPTED
    finally:
        console.close()


def _guarded(given: Namespace, console: Console) -> ExitCode:
    """The one place that turns errors into sentences and exit codes."""
    from .console import EndOfInput
    from .limit_flag import parse_limits

    options = _options(given)
    try:
        code = _dispatch(options._replace(limits=parse_limits(getattr(given, "limits", ()))), console)
        console.flush()
        return code
    except EndOfInput as end:
        console.show("The input has ended; nothing more to do.")
        return end.code
    except LayerslayerError as error:
        console.error(error)
        _end_results(options, console, error)
        return ExitCode.PARTIAL if isinstance(error, BudgetSpent) else ExitCode.FAILED
    except (BrokenPipeError, KeyboardInterrupt):
        raise
    except Exception:
        import traceback

        from ..escaping import printable
        from ..registry.http.redaction import scrubbed

        console.show("\n".join(printable(scrubbed(line)) for line in traceback.format_exc().splitlines()))
        console.show(f"This is a bug in layerslayer {__version__}; please report it with the lines above.")
        return ExitCode.BUG


def _options(given: Namespace) -> Options:
    """Return the command line as a value; without limits, which can be wrong."""
    from .options import Options

    named = {name: value for name, value in vars(given).items() if name in Options._fields and name != "limits"}
    return Options(**{**named, "layers": tuple(given.layers or ())})


def _end_results(options: Options, console: Console, error: LayerslayerError) -> None:
    """End the results of a run that failed, where their form says so."""
    if options.verb and not options.prints_files:
        from .remedies import spelled
        from .results import renderer_for

        try:
            console.out(renderer_for(options, console).error(options.target or "", spelled(error)))
            console.flush()
        except LocalFileError:
            pass  # most often the very error that ends the run, which is on stderr


def _dispatch(options: Options, console: Console) -> ExitCode:
    if options.batch is not None:
        from .commands.batch import batch

        return batch(_session(options, console), _command(options))
    if not options.demo:
        return _perform(options, console)
    from ..demo.registry import DemoRegistry
    from ..demo.shop import REPOSITORY, TAG, demo_store

    with DemoRegistry(demo_store()) as registry:
        target = f"{registry.host}/{REPOSITORY}:{TAG}"
        console.say(f"Demo: a registry inside this program serves {target}.")
        return _perform(options._replace(target=target), console)


def _perform(options: Options, console: Console) -> ExitCode:
    # Waiting and loading overlap: the HTTP library loads while the first connections
    # come about, and the verb with all it needs while the registry answers.
    session = _session(options, console, _connect(options) if options.target else None)
    if options.target:
        session.begin()
    return _command(options)(session)


def _session(options: Options, console: Console, early: Optional[EarlyConnections] = None) -> Session:
    from .results import renderer_for
    from .session import Session

    return Session(options, console, renderer_for(options, console), early)


def _connect(options: Options) -> Optional[EarlyConnections]:
    """Begin the first connections to the registry of the image; what is wrong with that shows later."""
    from ..oci.local_reference import LocalReference
    from ..oci.reference import parse_target

    try:
        reference = parse_target(options.target or "")
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
    several = options.row.reads_layers and not options.row.top_down and not options.plan
    return EarlyConnections(origin.host, origin.port, min(options.jobs, _EARLY) if several else 1)


def _command(options: Options) -> Callable[[Session], ExitCode]:
    from .commands import load

    return load("plan.plan" if options.plan else options.row.function)


def _forget_stdout() -> None:
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (OSError, ValueError, AttributeError):
        pass
