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
from .verbs import VERBS, verify_toc_flag

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
        raise UsageError(message[:1].upper() + message[1:] + ".", f"See {self.prog} --help.")


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
    verify_toc_flag(peek)
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
    return "\n".join(f"  {name:<9} {verb.gist}" for name, verb in VERBS.items())


def verb_parser(name: str) -> argparse.ArgumentParser:
    """Return the parser of one verb."""
    verb = VERBS[name]
    words = ["layerslayer", name, "IMAGE" if verb.needs_image else "", verb.words, "[flags]"]
    parser = _Parser(
        prog="layerslayer " + name,
        usage=" ".join(filter(None, words)),
        description=verb.gist[:1].upper() + verb.gist[1:] + ".",
        add_help=False,
        allow_abbrev=False,
        formatter_class=_Formatter,
    )
    parser.add_argument("words", nargs="*", help=argparse.SUPPRESS)
    parser.set_defaults(plan=False, demo=False, batch=None, layers=None)
    own = parser.add_argument_group("flags of this verb")
    for add_flags in verb.flags:
        add_flags(own)
    if verb.needs_image:
        image = parser.add_argument_group("image")
        image_flags(image, "OS/ARCH[/VARIANT]" + (", or all" if verb.all_platforms else ""))
        image.add_argument("--batch", metavar="FILE", help="many images in place of IMAGE: one a line, - for stdin")
    if verb.reads_layers:
        cost_flags(parser)
    if verb.needs_image:
        network_flags(parser)
    cache_flags(parser)
    output_flags(parser)
    return parser
