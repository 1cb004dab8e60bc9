"""tags and referrers: what else a repository has, and what accompanies an image."""

from __future__ import annotations

from ...analysis.referrers import find_referrers
from ...escaping import printable
from ...render import json_lines
from ...render.referrers import referrer_pieces, referrer_text
from ..exit_codes import ExitCode
from ..merged_view import finish, single_image
from ..session import Session


def tags(session: Session) -> ExitCode:
    """``tags REPOSITORY``: its tags, one a line. NO when there are none."""
    source = session.open_source(session.reference())
    count = 0
    try:
        for tag in source.tags():
            count += 1
            if session.options.json:
                item: json_lines.Object = {"type": "tag"}
                json_lines.put_text(item, "tag", tag)
                session.console.out(json_lines.line(item))
            else:
                session.console.out(printable(tag) + "\n")
        code = ExitCode.DONE if count else ExitCode.NO
        if not count:
            session.console.say("There are no tags.")
        return finish(session, source, "tags", [], code) if session.options.json else code
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
            if session.options.json:
                for piece in referrer_pieces(referrer):
                    session.console.out(piece)
            else:
                for piece in referrer_text(referrer, session.options.payloads, image.document.digest):
                    session.console.out(piece)
        code = ExitCode.DONE if count else ExitCode.NO
        if not count:
            session.console.say("Nothing refers to {}.".format(image.document.digest))
        return finish(session, source, "referrers", [], code) if session.options.json else code
    finally:
        source.close()
