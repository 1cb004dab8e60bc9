"""history, config and manifest: what an image's documents say, without reading a layer."""

from __future__ import annotations

from typing import Callable, Iterable, Iterator

from ...escaping import ContentText
from ...oci.image import Image
from ...oci.source import Document, Source
from ...render import json_lines
from ...render.config import config_lines
from ...render.dockerfile import dockerfile_lines
from ...render.history import history_lines
from ...render.json_documents import config_object, document_object, step_objects
from ...render.summary import image_summary
from ...sources.resolve import choose, find_candidates
from ..exit_codes import ExitCode
from ..merged_view import finish
from ..session import Session


def history(session: Session) -> ExitCode:
    """``history IMAGE``: build steps with the layers they made, or as a Dockerfile."""
    view = dockerfile_lines if session.options.dockerfile else history_lines
    return _show(session, "history", view, step_objects)


def config(session: Session) -> ExitCode:
    """``config IMAGE``: how the image is run."""
    return _show(session, "config", config_lines, lambda image: iter([config_object(image)]))


def _show(
    session: Session,
    verb: str,
    lines: Callable[[Image], Iterable[str]],
    objects: Callable[[Image], Iterator[json_lines.Object]],
) -> ExitCode:
    source = session.open_remembering()
    try:
        for image in session.images(source, session.reference()):
            if session.options.json:
                session.console.out(json_lines.line(json_lines.image_object(image)))
                session.console.out("".join(json_lines.line(item) for item in objects(image)))
            else:
                session.console.say(image_summary(image))
                session.console.lines(lines(image))
        return _end(session, source, verb)
    finally:
        source.close()


def manifest(session: Session) -> ExitCode:
    """``manifest IMAGE``: the raw, verified document; with ``--platform`` that image's rather than the index."""
    source = session.open_remembering()
    try:
        reference = session.reference()
        document = _document(session, source)
        if session.options.json:
            parts = (document.digest, document.media_type, document.body)
            item = document_object(str(reference), *parts, limits=session.options.limits)
            session.console.out(json_lines.line(item))
        else:
            session.console.raw(document.body, ContentText())
            session.console.say("")  # documents end without a newline, as a rule
            session.console.say("{}  {} bytes".format(document.digest, len(document.body)))
        return _end(session, source, "manifest")
    finally:
        source.close()


def _document(session: Session, source: Source) -> Document:
    reference = session.reference()
    if session.wanted is None:
        return source.manifest(reference.wanted)
    candidate = choose(find_candidates(source, reference), session.wanted, strict=True)
    if candidate.document is not None:
        return candidate.document
    assert candidate.descriptor is not None
    return source.manifest(candidate.descriptor.digest, candidate.descriptor)


def _end(session: Session, source: Source, verb: str) -> ExitCode:
    return finish(session, source, verb, [], ExitCode.DONE) if session.options.json else ExitCode.DONE
