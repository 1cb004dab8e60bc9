"""A JSON document ``{"version": 1, "entries": [...]}`` read as it comes: one entry at a time is held. Pure.

A table of contents of two megabytes inflates to objects of gigabytes, if all
of it is taken at once. Here no more is held than a piece of text and one entry.
"""

from __future__ import annotations

import codecs
import json
import re
import sys
from typing import Any, Callable, Dict, List, Set, Tuple

MOST = 512 * 1024  # characters of an entry, or of what else the document says
_NESTED = 64  # objects within an entry
_SPACES = re.compile(r"[ \t\n\r]*")
_MOST_DIGITS = 400
_OWN_BOUND = hasattr(sys, "get_int_max_str_digits")  # without it int() of millions of digits takes minutes
_LIST = "entries"


def _integer(digits: str) -> int:
    if len(digits) > _MOST_DIGITS:
        raise ValueError("a number of {} digits".format(len(digits)))
    return int(digits)


class JsonEntries:
    """``feed`` the bytes in pieces, then ``close``; each entry, which must be an object, goes to ``take``.

    ``others`` are the document's other members. Raises ValueError for what is no
    such document, and what ``take`` raises.
    """

    def __init__(self, take: Callable[[Dict[str, Any]], None]) -> None:
        self.others: Dict[str, Any] = {}
        self._take = take
        self._utf8 = codecs.getincrementaldecoder("utf-8")()
        self._json = json.JSONDecoder(object_hook=self._object, parse_int=None if _OWN_BOUND else _integer)
        self._text = ""
        self._waiting: List[str] = []  # what came since the text was looked at
        self._enough = 0  # characters of it that make another look worthwhile: pieces may be a character long
        self._state = self._begin
        self._keys: Set[str] = set()
        self._key = ""
        self._objects = 0  # within the value at hand
        self._last = False  # nothing more comes

    def feed(self, data: bytes) -> None:
        """Take the next bytes."""
        self._go_on(self._utf8.decode(data))

    def close(self) -> None:
        """Take the end of the document."""
        self._last = True
        self._go_on(self._utf8.decode(b"", True))
        if self._state != self._end:
            raise ValueError("it breaks off")

    def _go_on(self, text: str) -> None:
        self._waiting.append(text)
        self._enough -= len(text)
        if self._enough > 0 and not self._last:
            return
        self._text += "".join(self._waiting)
        self._waiting = []
        at = 0
        while True:
            at = _SPACES.match(self._text, at).end()  # type: ignore[union-attr]
            if at == len(self._text):
                break
            reached = self._state(at)
            if reached < 0:
                if len(self._text) - at > MOST:
                    raise ValueError("more than {} characters of one thing".format(MOST))
                break
            at = reached
        self._text = self._text[at:]
        self._enough = len(self._text) // 4

    # -- what may stand at a place; each returns where it ends, -1 where more must come first --

    def _begin(self, at: int) -> int:
        self._expect(at, "{")
        self._state = self._first_key
        return at + 1

    def _first_key(self, at: int) -> int:
        if self._text[at] == "}":
            self._state = self._end
            return at + 1
        return self._next_key(at)

    def _next_key(self, at: int) -> int:
        self._expect(at, '"')
        key, end = self._value_at(at)
        if end < 0:
            return -1
        if key in self._keys or len(self._keys) > _NESTED:
            raise ValueError("it says the same thing twice")
        self._keys.add(key)
        self._key, self._state = key, self._colon
        return end

    def _colon(self, at: int) -> int:
        self._expect(at, ":")
        self._state = self._value
        return at + 1

    def _value(self, at: int) -> int:
        if self._key == _LIST:
            if self._text[at] != "[":
                raise ValueError("it lists no entries")
            self.others[_LIST] = None
            self._state = self._first_entry
            return at + 1
        value, end = self._value_at(at)
        if end == len(self._text) and not self._last:  # a number may go on
            return -1
        if end >= 0:
            self.others[self._key] = value
            self._state = self._after_value
        return end

    def _after_value(self, at: int) -> int:
        self._state = self._end if self._text[at] == "}" else self._next_key
        return at + 1 if self._text[at] == "}" else self._expect(at, ",")

    def _first_entry(self, at: int) -> int:
        if self._text[at] == "]":
            self._state = self._after_value
            return at + 1
        return self._entry(at)

    def _entry(self, at: int) -> int:
        if self._text[at] != "{":
            raise ValueError("it lists no entries")
        item, end = self._value_at(at)
        if end >= 0:
            self._take(item)
            self._state = self._after_entry
        return end

    def _after_entry(self, at: int) -> int:
        if self._text[at] == "]":
            self._state = self._after_value
            return at + 1
        self._state = self._entry
        return self._expect(at, ",")

    def _end(self, at: int) -> int:
        raise ValueError("something follows it")

    def _expect(self, at: int, character: str) -> int:
        if self._text[at] != character:
            raise ValueError("no {} where one must be".format(character))
        return at + 1

    def _value_at(self, at: int) -> Tuple[Any, int]:
        """Return a whole value and where it ends; -1 where more must come first."""
        self._objects = 0
        try:
            value, end = self._json.raw_decode(self._text, at)
        except json.JSONDecodeError:
            if self._last or len(self._text) - at > MOST:
                raise
            return None, -1
        if end - at > MOST:
            raise ValueError("more than {} characters of one thing".format(MOST))
        return value, end

    def _object(self, item: Dict[str, Any]) -> Dict[str, Any]:
        self._objects += 1
        if self._objects > _NESTED:
            raise ValueError("objects within objects, more than {}".format(_NESTED))
        return item
