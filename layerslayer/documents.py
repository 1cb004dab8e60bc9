"""bytes -> a JSON object from a stranger: bounded, unambiguous, wrong types as if absent."""

from __future__ import annotations

import json
from typing import Any, Dict, List, Tuple

from .errors import InvalidDocument
from .limits import bound, raising

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
                raise InvalidDocument(
                    "the document holds the key '{}' twice, which readers understand differently".format(key)
                )
    return seen


def _integer(digits: str) -> int:
    if len(digits) > _MAX_DIGITS:
        raise ValueError("a number of {} digits".format(len(digits)))
    return int(digits)


def _constant(name: str) -> None:
    """Refuse NaN and the infinities, which Python reads and JSON does not have."""
    raise ValueError("{} is no number of JSON's".format(name))


def load_object(body: bytes, what: str, limit: int = 0) -> Dict[str, Any]:
    """Parse a JSON object of at most ``limit`` bytes (0: of a document). Raises InvalidDocument."""
    document = _load(body, what, limit)
    if not isinstance(document, dict):
        raise InvalidDocument("the {} is not a JSON object".format(what))
    return document


def load_list(body: bytes, what: str) -> List[Any]:
    """Parse a JSON list of a document's size at most. Raises InvalidDocument."""
    document = _load(body, what)
    if not isinstance(document, list):
        raise InvalidDocument("the {} is not a JSON list".format(what))
    return document


def _load(body: bytes, what: str, limit: int = 0) -> Any:
    if len(body) > (limit or bound("document")):
        hint = "" if limit else raising("document")
        raise InvalidDocument("the {} is larger than {} bytes".format(what, limit or bound("document")), hint)
    try:
        return json.loads(
            body.decode("utf-8"), object_pairs_hook=_no_duplicates, parse_int=_integer, parse_constant=_constant
        )
    except RecursionError:
        raise InvalidDocument("the {} is nested too deeply".format(what)) from None
    except ValueError as error:
        raise InvalidDocument("the {} is not valid JSON ({})".format(what, error), _about(body)) from None


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
