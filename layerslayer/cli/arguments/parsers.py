"""The parsers, of the classic flags and of each verb.

A verb's is made when that verb is called: making all of them would double the
time that ``--help`` takes.
"""

from __future__ import annotations

import argparse
import os

from ...errors import UsageError
from ...user_input import without_secrets
from .flags import (
    cache_flags,
    cost_flags,
    fast_flag,
    folder_flag,
    format_flag,
    image_flags,
    network_flags,
    output_flags,
)
from .verbs import COSTLY, FAST, NO_IMAGE, NO_PLATFORM_ALL, OWN_FLAGS, VERBS, check_flag

TYPE_CHECKING = False  # as type checkers read it; importing typing for --help would cost a tenth of it
if TYPE_CHECKING:
    from typing import NoReturn

_DESCRIPTION = "See inside any container image, in the fewest bytes, without pulling it."
_EPILOG = (
    "Without a mode or verb the program asks for everything. "
    "Exit codes: 0 done, 1 nothing found or images differ, 2 failed, 3 done in part, 70 a bug, 130 interrupted."
)


class _Formatter(argparse.HelpFormatter):
    def __init__(self, prog: str) -> None:
        # Given a width it need not import shutil, with its compressors, to ask for one.
        super().__init__(prog, width=_columns() - 2)


class _Raw(_Formatter, argparse.RawDescriptionHelpFormatter):
    pass


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
        message = without_secrets(message)
        raise UsageError(message[:1].upper() + message[1:] + ".", "See {} --help.".format(self.prog))


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
    fast_flag(peek)
    check_flag(peek)
    image = parser.add_argument_group("image")
    image.add_argument(
        "-t",
        "--target-image",
        dest="target",
        metavar="REF",
        help="the image: [HOST/]PATH[:TAG][@DIGEST], or oci:DIR[:TAG] and others",
    )
    image_flags(image, "OS/ARCH[/VARIANT], or all")
    folder_flag(image, "downloads")
    format_flag(image)
    cost_flags(parser)
    network_flags(parser)
    cache_flags(parser)
    output_flags(parser)
    return parser


def _verb_lines() -> str:
    return "\n".join("  {:<9} {}".format(name, gist) for name, (_, _, _, gist) in VERBS.items())


def verb_parser(verb: str) -> argparse.ArgumentParser:
    """Return the parser of one verb."""
    words, _, _, gist = VERBS[verb]
    parser = _Parser(
        prog="layerslayer " + verb,
        usage="layerslayer {} {}{}[flags]".format(
            verb, "" if verb in NO_IMAGE else "IMAGE ", words + " " if words else ""
        ),
        description=gist[:1].upper() + gist[1:] + ".",
        add_help=False,
        allow_abbrev=False,
        formatter_class=_Formatter,
    )
    parser.add_argument("words", nargs="*", help=argparse.SUPPRESS)
    parser.set_defaults(plan=False)
    own = parser.add_argument_group("flags of this verb")
    OWN_FLAGS.get(verb, lambda group: None)(own)
    if verb in FAST:
        fast_flag(own)
    if verb in NO_IMAGE:
        parser.set_defaults(demo=False, batch=None, layers=None)
        cache_flags(parser)
        output_flags(parser)
        return parser
    image = parser.add_argument_group("image")
    image_flags(image, "OS/ARCH[/VARIANT]" + ("" if verb in NO_PLATFORM_ALL else ", or all"))
    image.add_argument("--batch", metavar="FILE", help="many images in place of IMAGE: one a line, - for stdin")
    if verb in COSTLY:
        cost_flags(parser)
    network_flags(parser)
    cache_flags(parser)
    output_flags(parser)
    return parser
