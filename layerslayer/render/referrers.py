"""What accompanies an image, as text and as objects."""

from __future__ import annotations

import json
from typing import Iterator

from ..analysis.referrers import Payload, Referrer
from ..escaping import human_size, one_line, printable, slices
from .json_lines import Object, joined, line, line_pieces


def referrer_text(referrer: Referrer, payloads: bool, image: str) -> Iterator[str]:
    """Yield, in pieces, a line for a referrer of ``image`` (a digest), or of its index, and one for each payload.

    ``payloads`` shows those in full, too.
    """
    kind = one_line(referrer.artifact_type) or "no artifact type"
    of_index = "" if referrer.subject == image else ", of the index " + referrer.subject
    yield f"{referrer.digest}  {kind}  ({one_line(referrer.found)}{of_index})\n"
    if referrer.problem:
        yield f"    not read: {one_line(referrer.problem)}\n"
    for payload in referrer.payloads:
        gist = "  " + one_line(payload.told) if payload.told else ""
        problem = (
            "  " + ("" if payload.document else "not read: ") + one_line(payload.problem) if payload.problem else ""
        )
        yield f"    {one_line(payload.kind)}  {human_size(payload.descriptor.size)}{gist}{problem}\n"
        if payloads and payload.document is not None:
            yield from joined(_document_text(payload.document))
        del payload  # before the next one is fetched


def _document_text(document: Object) -> Iterator[str]:
    """Yield a document, indented, in pieces: as one text it would take ten times its memory."""
    yield "      "
    for piece in json.JSONEncoder(indent=2, ensure_ascii=False).iterencode(document):
        if "\n" in piece:  # none is within a text, where it would be escaped
            yield piece.replace("\n", "\n      ")
        else:
            yield from map(printable, slices(piece))
    yield "\n"


def referrer_pieces(referrer: Referrer) -> Iterator[str]:
    """Yield a referrer with its payloads, taken out of their envelopes, as one line of JSON in pieces."""
    item = {
        "type": "referrer",
        "found": referrer.found,
        "digest": referrer.digest,
        "subject": referrer.subject,
        "artifact_type": referrer.artifact_type,
        "problem": referrer.problem or None,
    }
    yield line(item)[:-2] + ',"payloads":['
    between = ""
    for payload in referrer.payloads:
        yield between
        yield from line_pieces(_payload_object(payload))
        between = ","
        del payload  # before the next one is fetched
    yield "]}\n"


def _payload_object(payload: Payload) -> Object:
    return {
        "digest": payload.descriptor.digest,
        "media_type": payload.descriptor.media_type,
        "kind": payload.kind,
        "size": payload.descriptor.size,
        "document": payload.document,
        "problem": payload.problem or None,
    }
