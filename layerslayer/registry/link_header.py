"""The ``Link`` header of an answer: where a list goes on (RFC 8288). Pure.

    Link: </v2/a/tags/list?last=b>; rel="next", </v2/a/tags/list>; rel=first

Read in one pass, character by character, whatever it holds.
"""

from __future__ import annotations

from typing import Iterator, List, Tuple


def target_of(header: str, relation: str) -> str:
    """Return the target of the first link of that ``relation`` (lower case); nothing where there is none."""
    for target, parameters in _links(header):
        stated = [value for name, value in parameters if name == "rel"][:1]  # a later one does not count (3.3)
        if stated and relation in stated[0].lower().split():
            return target
    return ""


def _links(header: str) -> Iterator[Tuple[str, List[Tuple[str, str]]]]:
    """Yield the target of each link with its parameters, their names in lower case."""
    at = 0
    while True:
        end = header.find(">", at)
        begin = header.rfind("<", at, end)
        if end < 0:
            return
        if begin < 0:
            at = end + 1
            continue
        texts, at = _parameters(header, end + 1)
        pairs = [text.partition("=") for text in texts]
        yield header[begin + 1 : end].strip(" \t"), [(name.strip().lower(), value) for name, _, value in pairs]


def _parameters(header: str, at: int) -> Tuple[List[str], int]:
    """Return what stands between semicolons from ``at`` to the next link, quotes taken off, and where that is."""
    texts: List[str] = []
    text: List[str] = []
    quoted = False
    while at < len(header):
        sign = header[at]
        at += 1
        if sign == '"':
            quoted = not quoted
        elif quoted:
            if sign == "\\":
                sign = header[at : at + 1]
                at += 1
            text.append(sign)
        elif sign == ";":
            texts.append("".join(text))
            text = []
        elif sign in ",<":
            at -= sign == "<"
            break
        else:
            text.append(sign)
    return [*texts, "".join(text)], at
