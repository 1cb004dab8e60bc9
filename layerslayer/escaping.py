r"""Remote text made safe for a terminal, without loss, and sizes for people.

Everything that a registry or an image says may hold escape sequences. What is
shown as ``\xHH`` or ``\uHHHH`` (``\UHHHHHHHH`` past the BMP) is:

* C0, DEL and C1 control characters, newline and tab included;
* bidirectional controls, zero-width and other invisible format characters,
  U+2028, U+2029, tag characters, noncharacters;
* bytes that were not UTF-8 (lone surrogates of ``surrogateescape``): ``\xHH``.

Ordinary text stays as it is. A backslash in it is doubled only where it would
read as one of these escapes, so the form can be turned back exactly.
"""

from __future__ import annotations

import codecs
import re
from typing import Dict, Iterator, Match

_INVISIBLE = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e"
    "\u2060-\u206f\u3164\ufdd0-\ufdef\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
) + "".join(chr(plane << 16 | 0xFFFE) + chr(plane << 16 | 0xFFFF) for plane in range(1, 17))
_LONGEST = 10  # characters of the longest escape
_SLICE = 64 * 1024  # characters escaped at a time
_UNSAFE_CLASS = "\x00-\x1f\x7f-\x9f\ud800-\udfff" + _INVISIBLE
_LOOKALIKE = r"x(?:[01][0-9a-f]|7f|[89a-f][0-9a-f])|u[0-9a-f]{4}|U[0-9a-f]{8}"
# A run of backslashes matters only where an escape, real or literal, follows. It is looked at from its
# first one alone: from each of them in turn, a run that nothing follows would cost the square of its length.
_RUN = r"(?<!\\)(?P<run>\\"
_UNSAFE = re.compile(_RUN + r"*)(?:(?P<chars>[" + _UNSAFE_CLASS + r"]+)|(?P<literal>(?<=\\)(?:" + _LOOKALIKE + r")))")
_UNSAFE_CONTENT = re.compile("(?:(?![\n\t])[" + _UNSAFE_CLASS + "])+")
_ESCAPED = re.compile(_RUN + r"+)(?P<body>" + _LOOKALIKE + r")")


def _escape(match: Match[str]) -> str:
    run, chars = match.group("run") * 2, match.group("chars")
    return run + match.group("literal") if chars is None else run + "".join(map(_ESCAPES.__getitem__, chars))


def _escaped(char: str) -> str:
    code = ord(char)
    if 0xDC80 <= code <= 0xDCFF:  # surrogateescape: the byte itself
        return "\\x{:02x}".format(code - 0xDC00)
    if code < 0x20 or code == 0x7F:
        return "\\x{:02x}".format(code)
    return "\\U{:08x}".format(code) if code > 0xFFFF else "\\u{:04x}".format(code)


class _Escapes(Dict[str, str]):
    """How characters are escaped; each is thought of once."""

    def __missing__(self, char: str) -> str:
        found = self[char] = _escaped(char)
        return found


_ESCAPES = _Escapes()


def _unescape(match: Match[str]) -> str:
    run, body = match.group("run"), match.group("body")
    kept = "\\" * (len(run) // 2)
    if len(run) % 2 == 0:
        return kept + body
    code = int(body[1:], 16)
    if body[0] == "x" and code >= 0x80:
        code += 0xDC00
    return kept + chr(code)


def printable(text: str) -> str:
    """Return ``text`` safe to print on one line of a terminal."""
    # The fast way for nearly every name. Beyond ASCII, isprintable() lets invisible letters pass.
    if text.isascii() and text.isprintable() and "\\" not in text:
        return text
    if len(text) > _SLICE:  # of a megabyte of escapes, each is an object until all are joined
        return "".join(_UNSAFE.sub(_escape, part) for part in slices(text))
    return _UNSAFE.sub(_escape, text)


def original(shown: str) -> str:
    """The inverse of :func:`printable`."""
    return _ESCAPED.sub(_unescape, shown)


class ContentText:
    """A file's bytes, piece by piece, as text that is safe for a terminal: for reading, not to be turned back.

    Newlines, tabs and backslashes stay as they are; all else that ``printable``
    escapes is escaped, and so are bytes that are not UTF-8.
    """

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")

    def take(self, data: bytes, ends: bool = False) -> str:
        """Return the text of the next bytes; a character that they break off in comes with those that follow."""
        return _UNSAFE_CONTENT.sub(_content, self.decoded(data, ends))

    def decoded(self, data: bytes, ends: bool = False) -> str:
        """Return the same with nothing escaped, and lone surrogates for bytes that are not UTF-8."""
        return self._decoder.decode(data, ends)


def _content(match: Match[str]) -> str:
    return "".join(map(_escaped, match.group()))


def one_line(text: str, limit: int = 0) -> str:
    """Return ``text`` with white space folded and escaped; ``…`` marks a cut.

    ``limit`` is the greatest number of characters kept; 0 keeps all.
    """
    folded = " ".join(text.split())
    if limit and len(folded) > limit:
        folded = folded[: limit - 1] + "…"
    return printable(folded)


def slices(text: str, size: int = _SLICE) -> Iterator[str]:
    """Yield ``text`` in slices of about ``size`` characters, each ``printable`` by itself as it is within the whole."""
    at = 0
    while at < len(text):
        end = at + size
        last = text.rfind("\\", at, end)
        if end < len(text) and last >= max(at, end - _LONGEST):
            # An escape may begin with these backslashes, so they go with what follows.
            while last > at and text[last - 1] == "\\":
                last -= 1
            end = last if last > at else end + size
            if last == at and "\\" in text[max(end - _LONGEST, at) : end]:
                size *= 2  # nothing but backslashes: look further
                continue
        yield text[at:end]
        at = end


def human_size(count: int) -> str:
    """Return a byte count in decimal units, three digits or so: ``29.7 MB``; "?" for an unknown one."""
    if count < 0:
        return "?"
    if count < 1000:
        return "{} B".format(count)
    value = float(count)
    for unit in ("KB", "MB", "GB", "TB", "PB"):
        value /= 1000
        if value < 999.95 or unit == "PB":
            break
    return "{:.1f} {}".format(value, unit)


def raw_name(name: str) -> bytes:
    """Return a name's bytes: those that were not UTF-8 as they were; surrogates that a JSON document held, as WTF-8."""
    try:
        return name.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return b"".join(
            letter.encode("utf-8", "surrogateescape" if "\udc80" <= letter <= "\udcff" else "surrogatepass")
            for letter in name
        )
