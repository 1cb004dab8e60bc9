"""The conversation: image, platform, build steps, layers, then peek and download."""

from __future__ import annotations

import re
from typing import List, Sequence, Tuple

from ...errors import InvalidReference, LayerslayerError, UsageError
from ...escaping import human_size
from ...oci.image import Candidate, Candidates, Image, Layer
from ...oci.layer_selection import select_layers
from ...oci.platforms import best, normalise, parse_platform, this_machine
from ...oci.reference import Target
from ...oci.source import Source
from ...render.listing import layer_table
from ...render.summary import image_summary, platform_lines, step_lines
from ...sources.resolve import choose, find_candidates, open_image
from ..console import EndOfInput
from ..exit_codes import ExitCode, combined
from ..session import Session
from .peek import peek_layers
from .save import save_layers

DEFAULT_IMAGE = "moby/buildkit:latest"


def interactive(session: Session) -> ExitCode:
    """Ask for what the command line left open and walk through the image's layers.

    Raises EndOfInput when the input ends at a prompt.
    """
    session.take_password()
    reference, source, candidates = _found(session)
    try:
        codes: List[ExitCode] = []
        for candidate in _chosen(session, candidates):
            image = open_image(source, reference, candidate, session.wanted, without_config=session.without_config)
            codes.append(_walk(session, source, image))
        return combined(codes)
    finally:
        source.close()


def _found(session: Session) -> Tuple[Target, Source, Candidates]:
    """Return the image that is named or typed. Where a typed one cannot be opened, show why and ask for another."""
    failed = False
    while True:
        try:
            reference = session.reference() if session.options.target else _ask_image(session)
        except EndOfInput as end:
            end.code = ExitCode.FAILED if failed else end.code
            raise
        try:
            source = session.open_source(reference)
            try:
                return reference, source, find_candidates(source, reference)
            except BaseException:
                source.close()
                raise
        except LayerslayerError as error:
            if session.options.target or isinstance(error, EndOfInput):
                raise
            session.console.error(error)
            failed = True


def _ask_image(session: Session) -> Target:
    while True:
        answer = session.console.ask(f"Image reference [default: {DEFAULT_IMAGE}]: ")
        session.name([answer or DEFAULT_IMAGE])
        try:
            return session.target(answer or DEFAULT_IMAGE)
        except InvalidReference as error:
            session.console.error(error)


def _chosen(session: Session, candidates: Candidates) -> Sequence[Candidate]:
    items = candidates.items
    if session.all_platforms or not candidates.multi:
        return items
    if session.wanted:
        return [choose(candidates, session.wanted, strict=True)]
    return _ask_platform(session, items)


def _ask_platform(session: Session, items: Sequence[Candidate]) -> Sequence[Candidate]:
    console = session.console
    console.show("\nPlatforms:\n" + "\n".join(platform_lines(items)))
    default = best(this_machine(), [item.platform for item in items], False) or 0
    while True:
        answer = console.ask(f"Platform (INDEX, os/arch or ALL) [default: {default}]: ")
        if not answer:
            return [items[default]]
        if answer.lower() == "all":
            return items
        if re.fullmatch(r"[0-9]{1,5}", answer) and int(answer) < len(items):
            return [items[int(answer)]]
        try:
            wanted = normalise(parse_platform(answer))
            position = best(wanted, [item.platform for item in items], True)
            if position is not None:
                return [items[position]]
            console.error(UsageError(f"The image has no {wanted}."))
        except UsageError:
            console.error(UsageError(f"'{answer}' is no choice.", f"Give an INDEX from 0 to {len(items) - 1}, or ALL."))


def _walk(session: Session, source: Source, image: Image) -> ExitCode:
    console = session.console
    console.show("\n" + image_summary(image))
    console.show("\nBuild steps:\n" + "\n".join(step_lines(image)))
    if not image.layers:
        console.show("\nThe image has no layers.")
        return ExitCode.DONE
    console.show(f"\nLayers ({human_size(image.size)} in all):\n" + "\n".join(layer_table(image.layers)))
    codes: List[ExitCode] = []
    access = session.access(source, image)
    for layer in _ask_layers(session, image.layers):
        console.show("")
        codes.append(peek_layers(session, access, [layer]))
        answer = console.ask("Download this layer? (y/N) ")
        while answer.lower() not in ("", "y", "yes", "n", "no"):
            answer = console.ask("Please answer y or n. Download this layer? (y/N) ")
        if answer.lower() in ("y", "yes"):
            codes.append(save_layers(session, source, image, [layer]))
    return combined(codes)


def _ask_layers(session: Session, layers: Tuple[Layer, ...]) -> Sequence[Layer]:
    if session.options.layers:
        return select_layers(layers, session.options.layers)
    while True:
        answer = session.console.ask("\nLayers to peek (comma-separated INDEX or ALL) [default: ALL]: ")
        try:
            return select_layers(layers, [answer])
        except UsageError as error:
            session.console.error(error)
