"""tags and referrers: what else a repository has, and what accompanies an image."""

from __future__ import annotations

from ...analysis.referrers import find_referrers
from ..exit_codes import ExitCode
from ..merged_view import single_image
from ..results import summarize
from ..session import Session


def tags(session: Session) -> ExitCode:
    """``tags REPOSITORY``: its tags, one a line. NO when there are none."""
    source = session.open_source(session.reference())
    count = 0
    try:
        for tag in source.tags():
            count += 1
            session.console.out(session.renderer.tag(tag))
        code = ExitCode.DONE if count else ExitCode.NO
        if not count:
            session.console.say("There are no tags.")
        return summarize(session, source.requests_made(), (), code)
    finally:
        source.close()


def referrers(session: Session) -> ExitCode:
    """``referrers IMAGE``: attestations, SBOMs and signatures of an image. NO when there are none."""
    source = session.open_source(session.reference())
    count = 0
    try:
        image = single_image(session, source, soon=False)
        for referrer in find_referrers(source, image):
            count += 1
            for piece in session.renderer.referrer(referrer, image, session.options.payloads):
                session.console.out(piece)
        code = ExitCode.DONE if count else ExitCode.NO
        if not count:
            session.console.say(f"Nothing refers to {image.document.digest}.")
        return summarize(session, source.requests_made(), (), code)
    finally:
        source.close()
