"""The command line's words: the classic flags, and the verbs with flags of their own.

The only room that imports ``argparse``. A verb's parser is made when that verb
is called: making all of them would double the time that ``--help`` takes.
"""

from __future__ import annotations

import argparse
import os

from . import __version__
from .errors import UsageError

TYPE_CHECKING = False  # as type checkers read it; importing typing for --help would cost a tenth of it
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, List, NoReturn, Tuple

_DESCRIPTION = "See inside any container image, in the fewest bytes, without pulling it."
_EPILOG = (
    "Without a mode or verb the program asks for everything. "
    "Exit codes: 0 done, 1 nothing found or images differ, 2 failed, 3 done in part, 70 a bug, 130 interrupted."
)
Namespace = argparse.Namespace
_ANY = 1000  # words

# Verb: what follows the image, how many such words at least and at most, what it does.
VERBS: Dict[str, Tuple[str, int, int, str]] = {
    "peek": ("", 0, 0, "list what is in each layer, as --peek-all"),
    "save": ("", 0, 0, "download the layers, as --save-all"),
    "ls": ("[PATH]", 0, 1, "list one directory of the file system that the layers make"),
    "tree": ("[PATH]", 0, 1, "show that file system as a tree, with sizes summed"),
    "find": ("GLOB...", 0, _ANY, "find paths, and the layers that have them, live or deleted"),
    "get": ("PATH...", 1, _ANY, "write files, globs or directories to this machine's disk"),
    "cat": ("PATH", 1, 1, "write one file to standard output"),
    "deleted": ("", 0, 0, "list what later layers removed and can still be had"),
    "diff": ("IMAGE2 [PATH]", 1, 2, "compare two images' file systems"),
    "history": ("", 0, 0, "list the build steps, with the layers they made"),
    "config": ("", 0, 0, "show how the image is run: user, command, environment, ports, labels"),
    "manifest": ("", 0, 0, "print the manifest or index as the registry has it"),
    "tags": ("", 0, 0, "list a repository's tags"),
    "referrers": ("", 0, 0, "show attestations, SBOMs and signatures attached to the image"),
    "cache": ("[show|clear]", 0, 1, "show or clear what is remembered of layers read before"),
}
_NO_IMAGE = ("cache",)
_FAST = ("peek", "ls", "tree", "find", "get", "cat", "deleted")
_REMEMBERING = ("ls", "tree", "find", "get", "cat", "deleted", "diff")
_COSTLY = ("peek", "save", "ls", "tree", "find", "get", "cat", "deleted", "diff")  # which read layers
_NO_PLATFORM_ALL = ("ls", "tree", "find", "get", "cat", "deleted", "diff", "manifest", "referrers")


class _Formatter(argparse.HelpFormatter):
    def __init__(self, prog: str) -> None:
        # Given a width it need not import shutil, with its compressors, to ask for one.
        super().__init__(prog, width=_columns() - 2)


def _columns() -> int:
    try:
        return max(int(os.environ["COLUMNS"]), 40)
    except (KeyError, ValueError):
        pass
    try:
        return os.get_terminal_size(1).columns or 80
    except (OSError, ValueError):
        return 80


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(message[:1].upper() + message[1:] + ".", "See {} --help.".format(self.prog))


def parse(argv: List[str]) -> argparse.Namespace:
    """Parse a command line; ``verb`` is empty for the interactive mode. Raises UsageError, and SystemExit for help."""
    options = _parse_verb(argv[0], argv[1:]) if argv and argv[0] in VERBS else _parse_modes(argv)
    if getattr(options, "password_stdin", False) and not options.username:
        raise UsageError("--password-stdin brings the password of a user.", "Say which with --username NAME.")
    return options


def _parse_modes(argv: List[str]) -> argparse.Namespace:
    options = build_parser().parse_args(argv)
    if options.words:
        verbs = [word for word in options.words if word in VERBS]
        if verbs:
            raise UsageError("The verb comes first.", "Write: layerslayer {} IMAGE ...".format(verbs[0]))
        raise UsageError(
            "'{}' is no verb.".format(options.words[0]),
            "An image is named with -t; the verbs are {}.".format(", ".join(VERBS)),
        )
    options.verb = "peek" if options.peek_all else "save" if options.save_all else ""
    if options.format != "layers" and not options.save_all:
        raise UsageError("--format says what --save-all writes.", "Add --save-all, or leave it out.")
    _check_needs_fast(options)
    if options.plan and not options.verb:
        raise UsageError("--plan says what a mode would cost.", "Add --peek-all or --save-all.")
    if options.demo and options.target:
        raise UsageError("--demo brings its own image, so -t does not go with it.")
    return options


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the classic modes; the README's table of flags is checked against it."""
    parser = _Parser(
        prog="layerslayer",
        usage="layerslayer [-t REF] [flags]\n       layerslayer VERB IMAGE ...",
        description=_DESCRIPTION + "\n\nverbs (each has a --help of its own):\n" + _verb_lines(),
        epilog=_EPILOG,
        add_help=False,
        allow_abbrev=False,
        formatter_class=_Raw,
    )
    parser.add_argument("words", nargs="*", help=argparse.SUPPRESS)
    modes = parser.add_argument_group("modes").add_mutually_exclusive_group()
    modes.add_argument("--peek-all", action="store_true", help="list every layer's contents, no prompts")
    modes.add_argument("--save-all", action="store_true", help="download every layer, no file listings")
    peek = parser.add_argument_group("peek")
    _fast_flag(peek)
    _check(peek)
    image = parser.add_argument_group("image")
    image.add_argument(
        "-t",
        "--target-image",
        dest="target",
        metavar="REF",
        help="the image: [HOST/]PATH[:TAG][@DIGEST], or oci:DIR[:TAG] and others",
    )
    _image_flags(image, "OS/ARCH[/VARIANT], or all")
    _folder_flag(image, "downloads")
    _format_flag(image)
    _cost_flags(parser)
    _network_flags(parser)
    _output_flags(parser)
    return parser


class _Raw(_Formatter, argparse.RawDescriptionHelpFormatter):
    pass


def _verb_lines() -> str:
    return "\n".join("  {:<9} {}".format(name, gist) for name, (_, _, _, gist) in VERBS.items())


def _parse_verb(verb: str, argv: List[str]) -> argparse.Namespace:
    parser = verb_parser(verb)
    options = parser.parse_intermixed_args(argv)
    options.verb = verb
    words, (_, least, most, _) = list(options.words), VERBS[verb]
    brings_image = (
        verb in _NO_IMAGE or getattr(options, "everywhere", False) or options.demo or options.batch is not None
    )
    options.target = None if brings_image else words.pop(0) if words else None
    if not brings_image and options.target is None:
        raise UsageError("No image is named.", "See {} --help.".format(parser.prog))
    if not least <= len(words) <= most:
        problem = "No {} is named.".format(_wanted(verb)) if len(words) < least else "These are too many words."
        raise UsageError(problem, parser.format_usage().strip().replace("usage:", "Usage:", 1) + ".")
    if options.plan and getattr(options, "everywhere", False):
        raise UsageError("--everywhere fetches nothing, so there is nothing to plan.")
    if verb == "find" and not words and options.kinds is None and options.larger < 0:
        raise UsageError("No glob is named.", "Name one, or say what is sought with --type or --larger.")
    options.words = tuple(words)
    if verb == "peek":
        _check_needs_fast(options)
    return options


def _check_needs_fast(options: argparse.Namespace) -> None:
    if options.verify and not (options.fast and options.verb == "peek"):
        raise UsageError(
            "--verify holds publishers' indexes against the layers they are about.",
            "It goes with {}--fast; without that layers are read and verified anyway.".format(
                "" if options.verb == "peek" else "--peek-all and "
            ),
        )


def _wanted(verb: str) -> str:
    return VERBS[verb][0].partition(" ")[0].rstrip(".").lower()


def verb_parser(verb: str) -> argparse.ArgumentParser:
    """Return the parser of one verb."""
    words, _, _, gist = VERBS[verb]
    parser = _Parser(
        prog="layerslayer " + verb,
        usage="layerslayer {} {}{}[flags]".format(
            verb, "" if verb in _NO_IMAGE else "IMAGE ", words + " " if words else ""
        ),
        description=gist[:1].upper() + gist[1:] + ".",
        add_help=False,
        allow_abbrev=False,
        formatter_class=_Formatter,
    )
    parser.add_argument("words", nargs="*", help=argparse.SUPPRESS)
    parser.set_defaults(plan=False)
    own = parser.add_argument_group("flags of this verb")
    _OWN_FLAGS.get(verb, lambda group: None)(own)
    if verb in _FAST:
        _fast_flag(own)
    if verb in _NO_IMAGE:
        parser.set_defaults(demo=False, batch=None, layers=None)
        _cache_flags(parser)
        _output_flags(parser)
        return parser
    image = parser.add_argument_group("image")
    _image_flags(image, "OS/ARCH[/VARIANT]" + ("" if verb in _NO_PLATFORM_ALL else ", or all"))
    image.add_argument("--batch", metavar="FILE", help="many images in place of IMAGE: one a line, - for stdin")
    if verb in _COSTLY:
        _cost_flags(parser)
    _network_flags(parser)
    if verb in _REMEMBERING:
        _cache_flags(parser)
    _output_flags(parser)
    return parser


# -- flags that several share ---------------------------------------------


def _image_flags(group: Any, platforms: str) -> None:
    group.add_argument("--demo", action="store_true", help="use a small image that the program serves to itself")
    group.add_argument(
        "--platform", metavar="PLATFORM", help=platforms + " of a multi-arch image (default: linux on this machine)"
    )
    group.add_argument(
        "--layer",
        dest="layers",
        action="append",
        metavar="INDEX|DIGEST",
        help="only this layer, or a range like 2-5 (repeatable)",
    )


def _folder_flag(group: Any, default: str) -> None:
    group.add_argument(
        "-o", "--output-dir", metavar="DIR", default=default, help="where files go (default: {})".format(default)
    )


def _fast_flag(group: Any) -> None:
    group.add_argument("--fast", action="store_true", help="believe the publisher's index of a layer, if it has one")


def _cost_flags(parser: argparse.ArgumentParser) -> None:
    cost = parser.add_argument_group("cost")
    cost.add_argument(
        "--budget",
        metavar="SIZE",
        type=_size,
        default=-1,
        help="fetch no more than SIZE of layers: 500, 64K, 10M, 1G (K is 1024)",
    )
    cost.add_argument("--plan", action="store_true", help="fetch no layers: show what each would cost at most")


def _format_flag(group: Any) -> None:
    group.add_argument(
        "--format",
        choices=("layers", "oci", "oci-archive", "docker-archive"),
        default="layers",
        help="what is written (default: layers, one file each)",
    )


def _network_flags(parser: argparse.ArgumentParser) -> None:
    network = parser.add_argument_group("network")
    network.add_argument(
        "--token-file", metavar="FILE", help="bearer token for the image's registry (default: token.txt, if there)"
    )
    network.add_argument("--username", metavar="NAME", help="log in as NAME; the password with --password-stdin")
    network.add_argument("--password-stdin", action="store_true", help="read the password from standard input")
    network.add_argument(
        "--trust-realm",
        metavar="HOST",
        action="append",
        default=[],
        dest="trusted_realms",
        help="show logins to the auth service HOST too",
    )
    network.add_argument("--ca-file", metavar="FILE", help="certificate authority to trust besides the usual ones")
    network.add_argument("--client-cert", metavar="FILE", help="certificate to show the registry")
    network.add_argument("--client-key", metavar="FILE", help="its key (default: in the same file)")
    network.add_argument(
        "--insecure", metavar="HOST", action="append", default=[], help="do not check the certificate of HOST"
    )
    network.add_argument("--mirror", metavar="HOST", help="ask this mirror for Docker Hub's images first")
    network.add_argument(
        "--limit",
        metavar="NAME=N",
        action="append",
        default=[],
        dest="limits",
        help="raise or lower a bound on what an image may cost: size, ratio, entries, layers, document, "
        "extension, window, path",
    )
    network.add_argument(
        "--allow-private", action="store_true", help="let a public registry lead into private networks"
    )
    network.add_argument("--plain-http", action="store_true", help="allow http to other hosts than this machine")
    network.add_argument(
        "--timeout",
        metavar="SECONDS",
        type=_seconds,
        default=30.0,
        help="give up after so long without data (default: 30)",
    )
    network.add_argument(
        "--retries",
        metavar="N",
        type=_retries,
        default=5,
        help="try again what may pass, N times (default: 5)",
    )
    network.add_argument("-j", "--jobs", metavar="N", type=_jobs, default=8, help="layers fetched at once (default: 8)")


def _cache_flags(parser: argparse.ArgumentParser) -> None:
    cache = parser.add_argument_group("cache")
    cache.add_argument("--no-cache", action="store_true", help="neither use nor keep what is known of layers")
    cache.add_argument("--cache-dir", metavar="DIR", help="where that is kept (default: the user's cache folder)")


def _output_flags(parser: argparse.ArgumentParser) -> None:
    output = parser.add_argument_group("output")
    output.add_argument("--json", action="store_true", help="results as JSON Lines (docs/json.md)")
    output.add_argument("-l", "--log-file", metavar="FILE", help="write all that is shown and typed to FILE too")
    output.add_argument("-q", "--quiet", action="store_true", help="only results, prompts, warnings and errors")
    output.add_argument("-v", "--verbose", action="store_true", help="show every HTTP request, without secrets")
    output.add_argument("--no-color", action="store_true", help="no colours (also: NO_COLOR=1)")
    about = parser.add_argument_group("about")
    about.add_argument("--version", action="version", version="layerslayer " + __version__)
    about.add_argument("-h", "--help", action="help", help="show this help")


# -- flags of single verbs ------------------------------------------------


def _check(group: Any) -> None:
    group.add_argument(
        "--verify", action="store_true", help="with --fast: read the layers too, and show how their indexes differ"
    )


def _save(group: Any) -> None:
    _folder_flag(group, "downloads")
    _format_flag(group)


def _tree(group: Any) -> None:
    group.add_argument("--depth", metavar="N", type=_depth, help="show so many levels (sums count all)")


def _find(group: Any) -> None:
    group.add_argument("--everywhere", action="store_true", help="no IMAGE: search every layer read before")
    group.add_argument("--regex", action="store_true", help="the patterns are regular expressions on /PATH")
    group.add_argument("--type", dest="kinds", metavar="f|d|l", type=_kinds, help="files, directories or links only")
    group.add_argument("--larger", metavar="SIZE", type=_size, default=-1, help="larger than SIZE: 500, 64K, 10M, 1G")


def _get(group: Any) -> None:
    _folder_flag(group, "carved")
    _verify(group)


def _history(group: Any) -> None:
    group.add_argument("--dockerfile", action="store_true", help="as a readable Dockerfile")


def _referrers(group: Any) -> None:
    group.add_argument("--payloads", action="store_true", help="show statements and SBOMs in full")


def _verify(group: Any) -> None:
    group.add_argument("--verify", action="store_true", help="read the layer to its end, to verify its digest")


def _diff(group: Any) -> None:
    group.add_argument("--full", action="store_true", help="read the layers that both images begin with too")


_OWN_FLAGS: Dict[str, Callable[[Any], None]] = {
    "peek": _check,
    "save": _save,
    "tree": _tree,
    "find": _find,
    "get": _get,
    "cat": _verify,
    "diff": _diff,
    "history": _history,
    "referrers": _referrers,
}


# -- values ---------------------------------------------------------------


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


def _retries(text: str) -> int:
    value = int(text)
    if not 0 <= value <= 100:
        raise ValueError
    return value


def _depth(text: str) -> int:
    value = int(text)
    if not 0 <= value <= 4096:
        raise ValueError
    return value


def _kinds(text: str) -> str:
    kinds = "".join({"f": "-h", "d": "d", "l": "l"}.get(letter, "?") for letter in text if letter != ",")
    if not kinds or "?" in kinds:
        raise ValueError
    return kinds


def _size(text: str) -> int:
    number, unit = text.rstrip("bB"), 1
    if number[-1:].upper() in ("K", "M", "G", "T"):
        unit = 1024 ** ("KMGT".index(number[-1].upper()) + 1)
        number = number[:-1]
    value = float(number) * unit
    if not 0 <= value < 2**63:  # nor infinite, nor no number
        raise ValueError
    return int(value)


# argparse names them in its errors
_seconds.__name__, _jobs.__name__, _retries.__name__ = "number of seconds", "number from 1 to 64", "number up to 100"
_depth.__name__, _kinds.__name__, _size.__name__ = "depth", "type", "size"
