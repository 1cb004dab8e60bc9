"""A listing whose layer arrived damaged, made once more: shown lines stay, the others follow."""

from __future__ import annotations

import hashlib
from typing import Callable, Iterator

from ..errors import CorruptLayer, DigestMismatch
from .outcome import Report

Texts = Callable[[Report], Iterator[str]]  # reads the layer anew, fills the report


def is_damage(report: Report) -> bool:
    """Whether the bytes that came were not the layer's, or could not be read as such."""
    return isinstance(report.problem, (DigestMismatch, CorruptLayer))


def with_a_second_try(texts: Texts, report: Report) -> Iterator[str]:
    """Yield the listing that ``texts`` makes; where the layer turns out damaged, read it once more.

    The second reading goes on behind what was shown, when it begins with just
    that and is right; otherwise the first one's problem stands in ``report``.
    """
    shown, length = hashlib.sha256(), 0
    for text in texts(report):
        shown.update(text.encode("utf-8", "surrogatepass"))
        length += len(text)
        yield text
    if not is_damage(report):
        return
    second = Report(report.descriptor)
    begins, left = hashlib.sha256(), length
    for text in texts(second):
        known, text = text[:left], text[left:]
        left -= len(known)
        begins.update(known.encode("utf-8", "surrogatepass"))
        if left:
            continue
        if begins.digest() != shown.digest():
            return
        yield text
    if second.complete and not left and begins.digest() == shown.digest():
        second.notes.append("it arrived damaged and was read twice")
        report.__dict__.update(second.__dict__)
