"""What accompanies an image, as text and as objects."""

from __future__ import annotations

import json
from typing import Iterator

from ..escaping import human_size, one_line, printable
from ..referrers import Referrer
from .json_lines import Object


def referrer_lines(referrer: Referrer, payloads: bool, image: str) -> Iterator[str]:
    """Yield a line for a referrer of ``image`` (a digest), or of its index, and one for each of its payloads.

    ``payloads`` shows those in full, too.
    """
    yield "{}  {}  ({}{})".format(
        referrer.digest,
        one_line(referrer.artifact_type) or "no artifact type",
        one_line(referrer.found),
        "" if referrer.subject == image else ", of the index " + referrer.subject,
    )
    if referrer.problem:
        yield "    not read: {}".format(one_line(referrer.problem))
    for payload in referrer.payloads:
        told = "  " + one_line(payload.told) if payload.told else ""
        problem = (
            "  " + ("" if payload.document else "not read: ") + one_line(payload.problem) if payload.problem else ""
        )
        yield "    {}  {}{}{}".format(one_line(payload.kind), human_size(payload.descriptor.size), told, problem)
        if payloads and payload.document is not None:
            for text in json.dumps(payload.document, indent=2, ensure_ascii=False).splitlines():
                yield "      " + printable(text)


def referrer_object(referrer: Referrer) -> Object:
    """Return a referrer with its payloads, those that are JSON taken out of their envelopes."""
    return {
        "type": "referrer",
        "found": referrer.found,
        "digest": referrer.digest,
        "subject": referrer.subject,
        "artifact_type": referrer.artifact_type,
        "problem": referrer.problem or None,
        "payloads": [
            {
                "digest": payload.descriptor.digest,
                "media_type": payload.descriptor.media_type,
                "kind": payload.kind,
                "size": payload.descriptor.size,
                "document": payload.document,
                "problem": payload.problem or None,
            }
            for payload in referrer.payloads
        ],
    }
