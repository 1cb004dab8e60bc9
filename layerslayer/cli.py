"""Parser, wiring, dispatch, exit codes. Imports nothing heavy before it is needed."""

from __future__ import annotations

import argparse
import gc
import os
import sys

from . import __version__
from .errors import EndOfInput, ExitCode, LayerslayerError, UsageError

TYPE_CHECKING = False  # as type checkers read it; importing typing for --help would cost a tenth of it
if TYPE_CHECKING:
    from typing import Callable, List, NoReturn, Optional

    from .commands.session import Session
    from .console import Console
    from .early import EarlyConnections

_EARLY = 4  # connections begun before it is known how many layers there are
_GC_THRESHOLD = 50_000  # entries come by the thousand and make no cycles; looking for some costs 2 % of a listing
_DESCRIPTION = "See inside any container image, in the fewest bytes, without pulling it."
_EPILOG = (
    "Without a mode the program asks for everything. "
    "Exit codes: 0 done, 2 failed, 3 done in part, 70 a bug, 130 interrupted."
)


class _Formatter(argparse.HelpFormatter):
    def __init__(self, prog: str) -> None:
        # Given a width it need not import shutil, with its compressors, to ask for one.
        super().__init__(prog, width=_columns() - 2)


def _columns() -> int:
    try:
        return int(os.environ["COLUMNS"])
    except (KeyError, ValueError):
        pass
    try:
        return os.get_terminal_size(1).columns or 80
    except (OSError, ValueError):
        return 80


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(message[:1].upper() + message[1:] + ".", "See --help.")


def build_parser() -> argparse.ArgumentParser:
    """Return the parser; the README's table of flags is checked against it."""
    parser = _Parser(
        prog="layerslayer",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        add_help=False,
        allow_abbrev=False,
        formatter_class=_Formatter,
    )
    modes = parser.add_argument_group("modes").add_mutually_exclusive_group()
    modes.add_argument("--peek-all", action="store_true", help="list every layer's contents, no prompts")
    modes.add_argument("--save-all", action="store_true", help="download every layer, no file listings")
    image = parser.add_argument_group("image")
    image.add_argument(
        "-t", "--target-image", metavar="REF", help="the image: [HOST/]PATH[:TAG][@DIGEST], or oci:DIR[:TAG] and others"
    )
    image.add_argument("--demo", action="store_true", help="use a small image that the program serves to itself")
    image.add_argument(
        "--platform",
        metavar="OS/ARCH[/VARIANT]",
        help="platform of a multi-arch image, or all (default: linux on this machine)",
    )
    image.add_argument(
        "--layer", action="append", metavar="INDEX|DIGEST", help="only this layer, or a range like 2-5 (repeatable)"
    )
    image.add_argument(
        "-o", "--output-dir", metavar="DIR", default="downloads", help="where downloads go (default: downloads)"
    )
    image.add_argument(
        "--format",
        choices=("layers", "oci", "oci-archive", "docker-archive"),
        default="layers",
        help="what --save-all writes (default: layers, one file each)",
    )
    network = parser.add_argument_group("network")
    network.add_argument(
        "--token-file", metavar="FILE", help="bearer token for the registry of -t (default: token.txt, if there)"
    )
    network.add_argument("--plain-http", action="store_true", help="allow http to other hosts than this machine")
    network.add_argument(
        "--timeout",
        metavar="SECONDS",
        type=_seconds,
        default=30.0,
        help="give up after so long without data (default: 30)",
    )
    network.add_argument("-j", "--jobs", metavar="N", type=_jobs, default=8, help="layers fetched at once (default: 8)")
    output = parser.add_argument_group("output")
    output.add_argument("-l", "--log-file", metavar="FILE", help="write all that is shown and typed to FILE too")
    output.add_argument("-q", "--quiet", action="store_true", help="only results, prompts, warnings and errors")
    output.add_argument("-v", "--verbose", action="store_true", help="show every HTTP request, without secrets")
    output.add_argument("--no-color", action="store_true", help="no colours (also: NO_COLOR=1)")
    about = parser.add_argument_group("about")
    about.add_argument("--version", action="version", version="layerslayer " + __version__)
    about.add_argument("-h", "--help", action="help", help="show this help")
    return parser


def _seconds(text: str) -> float:
    value = float(text)
    if not 0 < value <= 86400:
        raise ValueError
    return value


def _jobs(text: str) -> int:
    value = int(text)
    if not 1 <= value <= 64:
        raise ValueError
    return value


_seconds.__name__, _jobs.__name__ = "number of seconds", "number from 1 to 64"  # argparse names them in its errors


def main(argv: Optional[List[str]] = None) -> int:
    """Run the command line; return the exit code."""
    try:
        options = build_parser().parse_args(argv)
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


def _run(options: argparse.Namespace) -> ExitCode:
    from .console import Console
    from .tee import Tee

    gc.set_threshold(_GC_THRESHOLD)
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


def _guarded(options: argparse.Namespace, console: Console) -> ExitCode:
    """The one place that turns errors into sentences and exit codes."""
    try:
        code = _dispatch(options, console)
        console.flush()
        return code
    except EndOfInput:
        console.show("The input has ended; nothing more to do.")
        return ExitCode.DONE
    except LayerslayerError as error:
        console.error(error)
        return ExitCode.FAILED
    except (BrokenPipeError, KeyboardInterrupt):
        raise
    except Exception:
        import traceback

        from .escaping import printable

        console.show("\n".join(printable(line) for line in traceback.format_exc().splitlines()))
        console.show("This is a bug in layerslayer {}; please report it with the lines above.".format(__version__))
        return ExitCode.BUG


def _dispatch(options: argparse.Namespace, console: Console) -> ExitCode:
    if options.format != "layers" and not options.save_all:
        raise UsageError("--format says what --save-all writes, so it goes with that alone.")
    if options.demo and options.target_image:
        raise UsageError("--demo brings its own image, so -t does not go with it.")
    if not options.demo:
        return _perform(options, console, options.target_image)
    from .demo.image import REPOSITORY, TAG, demo_store
    from .demo.registry import DemoRegistry

    with DemoRegistry(demo_store()) as registry:
        target = "{}/{}:{}".format(registry.host, REPOSITORY, TAG)
        console.say("Demo: a registry inside this program serves {}.".format(target))
        return _perform(options, console, target)


def _perform(options: argparse.Namespace, console: Console, target: Optional[str]) -> ExitCode:
    # Waiting and loading overlap: the HTTP library loads while the first connections
    # come about, and the verb with all it needs while the registry answers.
    early = _connect(options, target) if target else None
    session = _session(options, console, target, early)
    if target:
        session.begin()
    return _verb(options)(session)


def _session(
    options: argparse.Namespace, console: Console, target: Optional[str], early: Optional[EarlyConnections]
) -> Session:
    from .commands.session import Options, Session

    return Session(
        Options(
            target=target,
            platform=options.platform,
            layers=tuple(options.layer or ()),
            output_dir=options.output_dir,
            jobs=options.jobs,
            token_file=options.token_file,
            plain_http=options.plain_http,
            timeout=options.timeout,
            verbose=options.verbose,
            format=options.format,
        ),
        console,
        early,
    )


def _connect(options: argparse.Namespace, target: str) -> Optional[EarlyConnections]:
    """Begin the first connections to the registry of ``target``; what is wrong with that is told later."""
    from .early import EarlyConnections, through_proxy
    from .origins import base_url, origin_of
    from .reference import LocalReference, parse_target

    try:
        reference = parse_target(target)
        if isinstance(reference, LocalReference):
            return None
        origin = origin_of(base_url(reference.api_host, options.plain_http))
    except LayerslayerError:
        return None
    if through_proxy():
        return None
    several = options.peek_all or options.save_all
    return EarlyConnections(origin.host, origin.port, min(options.jobs, _EARLY) if several else 1)


def _verb(options: argparse.Namespace) -> Callable[[Session], ExitCode]:
    if options.peek_all:
        from .commands.peek import peek_all

        return peek_all
    if options.save_all and options.format != "layers":
        from .commands.export import export_all

        return export_all
    if options.save_all:
        from .commands.save import save_all

        return save_all
    from .commands.interactive import interactive

    return interactive


def _forget_stdout() -> None:
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (OSError, ValueError, AttributeError):
        pass
