"""The command line's words: the classic flags, and the verbs with flags of their own.

The only room that imports ``argparse``: ``verbs`` lists the verbs, ``flags`` the
flags, ``parsers`` makes parsers of both. Here is what words and flags go together.
"""

from __future__ import annotations

from argparse import Namespace

from ...errors import UsageError
from ...user_input import without_login
from .parsers import build_parser, verb_parser
from .verbs import NO_IMAGE, VERBS

TYPE_CHECKING = False  # as type checkers read it; importing typing for --help would cost a tenth of it
if TYPE_CHECKING:
    from typing import List

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
            raise UsageError("The verb comes first.", "Write: layerslayer {} IMAGE ...".format(verbs[0]))
        raise UsageError(
            "'{}' is no verb.".format(without_login(options.words[0])),
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


def _parse_verb(verb: str, argv: List[str]) -> Namespace:
    parser = verb_parser(verb)
    options = parser.parse_intermixed_args(argv)
    options.verb = verb
    words, (_, least, most, _) = list(options.words), VERBS[verb]
    brings_image = (
        verb in NO_IMAGE or getattr(options, "everywhere", False) or options.demo or options.batch is not None
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


def _check_needs_fast(options: Namespace) -> None:
    if options.verify and not (options.fast and options.verb == "peek"):
        raise UsageError(
            "--verify holds publishers' indexes against the layers they are about.",
            "It goes with {}--fast; without that layers are read and verified anyway.".format(
                "" if options.verb == "peek" else "--peek-all and "
            ),
        )


def _wanted(verb: str) -> str:
    return VERBS[verb][0].partition(" ")[0].rstrip(".").lower()
