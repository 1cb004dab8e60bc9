"""bytes -> a JSON object from a stranger: bounded, unambiguous, wrong types as if absent."""

from __future__ import annotations

import json
import math
from typing import Any, Dict, List, Optional, Tuple

from ..errors import InvalidDocument, Remedy
from ..limits import DEFAULT, Limits, raising

_DENSITY = 12  # times a document's own bytes (as many as are allowed) that may be taken in memory; most take 4
_DENSITY_OF_LISTS = 6  # likewise of what may be larger
# Bytes of memory for the value that each sign begins, at most, and nearly twice that while a very large object is made.
_WEIGHTS = ((b"{", 256), (b"[", 96), (b",", 100))
_NARROW = bytes(range(0xC4))  # UTF-8 of characters that CPython keeps in one byte
_MIDDLE = bytes(range(0xF0))  # ... in two
_MAX_NESTING = 100  # levels; Python reads a thousand and more, but does not write or walk through as many
_MAX_DIGITS = 400  # of an integer; int() of millions takes minutes before Python 3.11
_DECISIVE = (
    "mediaType",
    "schemaVersion",
    "manifests",
    "config",
    "layers",
    "fsLayers",
    "digest",
    "size",
    "rootfs",
    "history",
)


def _no_duplicates(pairs: List[Tuple[str, Any]]) -> Dict[str, Any]:
    seen = dict(pairs)
    if len(seen) != len(pairs):
        names = [name for name, _ in pairs]
        for key in _DECISIVE:
            if names.count(key) > 1:
                raise InvalidDocument(f"the document holds the key '{key}' twice, which readers understand differently")
    return seen


def _integer(digits: str) -> int:
    if len(digits) > _MAX_DIGITS:
        raise ValueError(f"a number of {len(digits)} digits")
    return int(digits)


def _fraction(text: str) -> float:
    value = float(text)
    if math.isinf(value):  # which would be written as no JSON
        raise ValueError("a number that is too large")
    return value


def _constant(name: str) -> None:
    """Refuse NaN and the infinities, which Python reads and JSON does not have."""
    raise ValueError(f"{name} is no number of JSON's")


def memory_for(body: bytes) -> int:
    """Return about how many bytes of memory the values in a JSON text take, from above; ``body`` itself is not counted.

    By its signs alone, also those within its texts: nothing is parsed or kept.
    """
    width = 4 if body.translate(None, _MIDDLE) else 2 if body.translate(None, _NARROW) else 1
    # Its characters are there twice for a moment: as the text, and as what is cut out of it.
    return 2 * width * len(body) + sum(body.count(sign) * weight for sign, weight in _WEIGHTS)


def load_object(body: bytes, what: str, limits: Limits = DEFAULT) -> Dict[str, Any]:
    """Parse a JSON object of a document's size at most. Raises InvalidDocument."""
    return _object(_load(body, what, limits.document, limits.document * _DENSITY, raising("document")), what)


def load_bounded(body: bytes, what: str, most: int) -> Dict[str, Any]:
    """Parse a JSON object of at most ``most`` bytes, which is no matter of a user's limits. Raises InvalidDocument."""
    return _object(_load(body, what, most, most * _DENSITY_OF_LISTS, None), what)


def load_list(body: bytes, what: str, limits: Limits = DEFAULT) -> List[Any]:
    """Parse a JSON list of a document's size at most. Raises InvalidDocument."""
    document = _load(body, what, limits.document, limits.document * _DENSITY, raising("document"))
    if not isinstance(document, list):
        raise InvalidDocument(f"the {what} is not a JSON list")
    return document


def _object(document: Any, what: str) -> Dict[str, Any]:
    if not isinstance(document, dict):
        raise InvalidDocument(f"the {what} is not a JSON object")
    return document


def _load(body: bytes, what: str, most: int, memory: int, remedy: Optional[Remedy]) -> Any:
    """Parse JSON of at most ``most`` bytes that takes so many of ``memory``; ``remedy`` is for what is larger."""
    hint = remedy or ""
    if len(body) > most:
        raise InvalidDocument(f"the {what} is larger than {most} bytes", hint)
    if memory_for(body) > memory:
        raise InvalidDocument(
            f"the {what} is made to cost memory: its {len(body)} bytes would take more than {memory}", hint
        )
    try:
        document = json.loads(
            body.decode("utf-8"),
            object_pairs_hook=_no_duplicates,
            parse_int=_integer,
            parse_float=_fraction,
            parse_constant=_constant,
        )
    except RecursionError:
        raise _too_deep(what) from None
    except ValueError as error:
        raise InvalidDocument(f"the {what} is not valid JSON ({error})", _about(body)) from None
    if not _is_shallow(document):
        raise _too_deep(what)
    return document


def _too_deep(what: str) -> InvalidDocument:
    return InvalidDocument(f"the {what} is nested too deeply")


def _is_shallow(document: Any) -> bool:
    """Whether nothing is nested deeper than _MAX_NESTING, so that whoever walks through it need not mind."""
    level: List[Any] = [document] if isinstance(document, (dict, list)) else []
    for _ in range(_MAX_NESTING):
        held = (item.values() if isinstance(item, dict) else item for item in level)
        level = [value for values in held for value in values if isinstance(value, (dict, list))]
    return not level


def _about(body: bytes) -> str:
    """Return the hint for what is no JSON; most often it is the page of a portal or proxy on the way."""
    page = body.lstrip()[:1] == b"<"
    return "It is a web page: check the address, and whether a proxy or login page stands in between." if page else ""


def text_at(document: Dict[str, Any], key: str) -> str:
    """Return the string at ``key``, or an empty one."""
    value = document.get(key)
    return value if isinstance(value, str) else ""


def texts_of(value: Any) -> Tuple[str, ...]:
    """Return the strings of a list, or nothing."""
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list) else ()


def texts_by_key(value: Any) -> Dict[str, str]:
    """Return the strings of an object by their keys, or nothing."""
    if not isinstance(value, dict):
        return {}
    return {key: text for key, text in value.items() if isinstance(text, str)}
