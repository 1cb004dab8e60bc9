"""history, config and manifest: what an image's documents say, without reading a layer."""

from __future__ import annotations

from typing import Callable, Iterator

from ...escaping import ContentText
from ...oci.image import Image
from ...oci.source import Document, Source
from ...sources.resolve import choose, find_candidates
from ..exit_codes import ExitCode
from ..results import summarize
from ..session import Session


def history(session: Session) -> ExitCode:
    """``history IMAGE``: build steps with the layers they made, or as a Dockerfile."""
    as_dockerfile = session.options.dockerfile
    return _show(session, lambda image: session.renderer.history(image, as_dockerfile))


def config(session: Session) -> ExitCode:
    """``config IMAGE``: how the image is run."""
    return _show(session, session.renderer.config)


def _show(session: Session, pieces: Callable[[Image], Iterator[str]]) -> ExitCode:
    console, renderer = session.console, session.renderer
    source = session.open_remembering()
    try:
        for image in session.images(source, session.reference()):
            heading = renderer.heading(image)
            if heading:
                console.say(heading)
            console.out(renderer.image(image))
            console.pieces(pieces(image))
        return summarize(session, source.requests_made(), (), ExitCode.DONE)
    finally:
        source.close()


def manifest(session: Session) -> ExitCode:
    """``manifest IMAGE``: the raw, verified document; with ``--platform`` that image's rather than the index."""
    source = session.open_remembering()
    try:
        document = _document(session, source)
        text = session.renderer.document(str(session.reference()), document)
        if text is None:
            session.console.raw(document.body, ContentText())
            session.console.say("")  # documents end without a newline, as a rule
            session.console.say(f"{document.digest}  {len(document.body)} bytes")
        else:
            session.console.out(text)
        return summarize(session, source.requests_made(), (), ExitCode.DONE)
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
