"""The command line's words: the classic flags, and the verbs with flags of their own.

The only room that imports ``argparse``: ``verbs`` lists the verbs, ``flags`` the
flags, ``parsers`` makes parsers of both. Here is what words and flags go together.
"""

from __future__ import annotations

from argparse import Namespace

from ...errors import UsageError
from ...user_input import without_login
from .parsers import build_parser, verb_parser
from .verbs import VERBS

TYPE_CHECKING = False  # as type checkers read it; importing typing for --help would cost a tenth of it
if TYPE_CHECKING:
    from typing import List

    from .verbs import Verb

__all__ = ["Namespace", "parse"]


def parse(argv: List[str]) -> Namespace:
    """Parse a command line; ``verb`` is empty for the interactive mode. Raises UsageError, and SystemExit for help."""
    options = _parse_verb(argv[0], argv[1:]) if argv and argv[0] in VERBS else _parse_modes(argv)
    _check_login(options)
    return options


def _check_login(options: Namespace) -> None:
    username, piped = getattr(options, "username", None), getattr(options, "password_stdin", False)
    if piped and not username:
        raise UsageError("--password-stdin brings the password of a user.", "Say which with --username NAME.")
    if username and ":" in username:  # RFC 7617, 2
        raise UsageError("A user name holds no colon.", "Give it alone, and its password with --password-stdin.")
    if piped and getattr(options, "batch", None) == "-":
        raise UsageError(
            "--batch - and --password-stdin would both read standard input.",
            "Put the images into a file, or the password into LAYERSLAYER_PASSWORD.",
        )


def _parse_modes(argv: List[str]) -> Namespace:
    options = build_parser().parse_args(argv)
    if options.words:
        verbs = [word for word in options.words if word in VERBS]
        if verbs:
            raise UsageError("The verb comes first.", f"Write: layerslayer {verbs[0]} IMAGE ...")
        raise UsageError(
            f"'{without_login(options.words[0])}' is no verb.",
            f"An image is named with -t; the verbs are {', '.join(VERBS)}.",
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


def _parse_verb(name: str, argv: List[str]) -> Namespace:
    parser, verb = verb_parser(name), VERBS[name]
    options = parser.parse_intermixed_args(argv)
    options.verb = name
    words = list(options.words)
    in_place_of_image = options.demo or options.batch is not None or getattr(options, "everywhere", False)
    names_image = verb.needs_image and not in_place_of_image
    options.target = words.pop(0) if names_image and words else None
    if names_image and options.target is None:
        raise UsageError("No image is named.", f"See {parser.prog} --help.")
    if not verb.least <= len(words) <= verb.most:
        problem = f"No {_wanted(verb)} is named." if len(words) < verb.least else "These are too many words."
        raise UsageError(problem, parser.format_usage().strip().replace("usage:", "Usage:", 1) + ".")
    if options.plan and getattr(options, "everywhere", False):
        raise UsageError("--everywhere fetches nothing, so there is nothing to plan.")
    if name == "find" and not words and options.kinds is None and options.larger < 0:
        raise UsageError("No glob is named.", "Name one, or say what is sought with --type or --larger.")
    options.words = tuple(words)
    if name == "peek":
        _check_needs_fast(options)
    return options


def _check_needs_fast(options: Namespace) -> None:
    if options.verify and not (options.fast and options.verb == "peek"):
        mode = "" if options.verb == "peek" else "--peek-all and "
        raise UsageError(
            "--verify holds publishers' indexes against the layers they are about.",
            f"It goes with {mode}--fast; without that layers are read and verified anyway.",
        )


def _wanted(verb: Verb) -> str:
    return str(verb.words).partition(" ")[0].rstrip(".").lower()
