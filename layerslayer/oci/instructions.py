r"""The ``created_by`` of a build step -> the Dockerfile instruction that it was.

Builders write it in their own ways; all of these are ``RUN make``::

    /bin/sh -c make                           Docker's classic builder
    |1 A=b /bin/sh -c make                    the same with build arguments
    RUN /bin/sh -c make # buildkit            BuildKit
    RUN |1 A=b /bin/sh -c make # buildkit
    RUN make                                  kaniko

and ``/bin/sh -c #(nop)  CMD ["sh"]`` is ``CMD ["sh"]``. Go prints lists without
commas (``["a" "b"]``) and maps as ``map[80/tcp:{}]``.
"""

from __future__ import annotations

import re
from typing import List, NamedTuple, Tuple

_KEYWORDS = frozenset(
    (
        *("ADD", "ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "FROM", "HEALTHCHECK", "LABEL", "MAINTAINER"),
        *("ONBUILD", "RUN", "SHELL", "STOPSIGNAL", "USER", "VOLUME", "WORKDIR"),
    )
)
_SHELL = (
    r"(?:(?:/[A-Za-z0-9_.-]+){0,8}/)?(?:ba|da|a|k|z)?sh(?: -[A-Za-z]+(?: (?:pipefail|errexit|nounset|xtrace))?){0,8}?"
    r" -[A-Za-z]*c|cmd /S /C|(?:powershell|pwsh)(?:\.exe)? -Command"
)
_SHELL_FORM = re.compile(r"(?P<options>(?:--[^\s]+ )*)(?P<shell>" + _SHELL + r")(?:\s+|\Z)(?P<text>.*)", re.DOTALL)
_WITH_ARGUMENTS = re.compile(r"\|(?P<count>\d{1,4}) (?P<rest>.*)", re.DOTALL)
_SHELL_BEGINS = re.compile(r"(?:\A| )(?=(?:" + _SHELL + r")\s)")
_NOP = re.compile(r"#\(nop\)\s*")
_BUILDKIT = " # buildkit"
_QUOTED = r'"(?:[^"\\]|\\.)*"'
_GO_STRINGS = re.compile(rf"\[(?:{_QUOTED}(?: {_QUOTED})*)?\]", re.DOTALL)
_STRING = re.compile(r'"(?:[^"\\]|\\.)*(?:"|\\?\Z)', re.DOTALL)  # an open one is all the rest: no quote is tried twice
_GO_WORDS = re.compile(r'\[([^\[\]"]*)\]')
_GO_MAP = re.compile(r"map\[([^\[\]]*)\]")
_GO_HEALTHCHECK = re.compile(
    r"&\{(?P<test>\[[^\n]*\]) \"(?P<interval>\w+)\" \"(?P<timeout>\w+)\" \"(?P<start>\w+)\""
    r"(?: \"(?P<every>\w+)\")? '(?P<retries>[^']{1,6})'\}"
)
_RUNES = {"\\a": 7, "\\b": 8, "\\t": 9, "\\n": 10, "\\v": 11, "\\f": 12, "\\r": 13}


class Instruction(NamedTuple):
    """A Dockerfile instruction. ``keyword`` is empty when the text is none."""

    keyword: str  # RUN, COPY ...
    text: str  # what follows it
    shell: str = ""  # of a RUN that went through a shell: "/bin/sh -c"
    arguments: str = ""  # the build arguments it was run with: "A=b C=d"


def parse_created_by(created_by: str) -> Instruction:
    """Return the instruction behind a history entry's ``created_by``."""
    text = created_by.strip()
    built = text.endswith(_BUILDKIT)
    text = text[: -len(_BUILDKIT)].rstrip() if built else text
    word, _, rest = text.partition(" ")
    if word in _KEYWORDS and word != "RUN":
        return Instruction(word, _readable(word, rest.strip()))
    explicit = word == "RUN"
    text, arguments = _split_arguments(rest.strip() if explicit else text)
    match = _SHELL_FORM.fullmatch(text)
    if not match:
        return Instruction("RUN" if explicit or arguments else "", text, "", arguments)
    command = match.group("text")
    nop = _NOP.match(command)
    if nop:
        return _inner(command[nop.end() :].strip())
    return Instruction("RUN", match.group("options") + command.strip(), match.group("shell"), arguments)


def _inner(text: str) -> Instruction:
    word, _, rest = text.partition(" ")
    if word in _KEYWORDS:
        return Instruction(word, _readable(word, rest.strip()))
    return Instruction("", text)


def _split_arguments(text: str) -> Tuple[str, str]:
    """Return a command and the build arguments before it (``|2 A=b C=d command``)."""
    match = _WITH_ARGUMENTS.match(text)
    if not match:
        return text, ""
    rest = match.group("rest")
    # A value may hold spaces, so where a shell begins says more than the count does.
    shell = _SHELL_BEGINS.search(rest)
    if shell:
        return rest[shell.end() :], rest[: shell.start()]
    words = rest.split(" ")
    count = int(match.group("count"))
    return " ".join(words[count:]), " ".join(words[:count])


def _readable(keyword: str, text: str) -> str:
    """Turn what Go printed into what a Dockerfile holds."""
    if keyword in ("CMD", "ENTRYPOINT", "SHELL", "VOLUME"):
        return _list(text)
    if keyword == "EXPOSE":
        inside = _GO_MAP.fullmatch(text) or _GO_WORDS.fullmatch(text)
        return " ".join(item.partition(":")[0] for item in inside.group(1).split()) if inside else text
    if keyword in ("ADD", "COPY"):
        source, found, target = text.rpartition(" in ")
        return f"{source} {target}" if found and source.startswith(("file:", "dir:", "multi:")) else text
    return _healthcheck(text) if keyword == "HEALTHCHECK" else text


def _list(text: str) -> str:
    if _GO_STRINGS.fullmatch(text):
        return "[" + ", ".join(_STRING.findall(text)) + "]"
    words = _GO_WORDS.fullmatch(text)
    return "[" + ", ".join(f'"{word}"' for word in words.group(1).split()) + "]" if words else text


def _healthcheck(text: str) -> str:
    match = _GO_HEALTHCHECK.fullmatch(text)
    if not match or not _GO_STRINGS.fullmatch(match.group("test")):
        return text
    names = (("interval", "interval"), ("timeout", "timeout"), ("start", "start-period"), ("every", "start-interval"))
    options: List[str] = []
    for group, name in names:
        if match.group(group) not in (None, "0s"):
            options.append(f"--{name}={match.group(group)}")
    retries = _rune(match.group("retries"))
    options += [f"--retries={retries}"] if retries else []
    test = _STRING.findall(match.group("test"))
    if test[:1] == ['"NONE"']:
        return "NONE"
    if test[:1] == ['"CMD-SHELL"'] and len(test) == 2:
        command = test[1][1:-1].replace('\\"', '"')
    else:
        command = "[" + ", ".join(test[1:]) + "]"
    return " ".join([*options, "CMD", command])


def _rune(text: str) -> int:
    """Return the number that Go printed as a character literal."""
    if text.startswith("\\x"):
        return int(text[2:], 16) if re.fullmatch("[0-9a-f]{2}", text[2:]) else 0
    return _RUNES.get(text, ord(text) if len(text) == 1 else 0)


# Quoted texts and escapes pass as they are; an open quote runs to the end.
_PIECES = re.compile(
    r"""'[^']*(?:'|\Z)|"(?:[^"\\]|\\.)*(?:"|\\?\Z)|\\.?|(?P<and>&&)|(?P<space>[ \t]+)|[^'"\\& \t]+|&""", re.DOTALL
)


def broken_at_ands(command: str) -> List[str]:
    """Split a shell command before each ``&&`` outside of quotes; white space between words is folded."""
    parts: List[str] = []
    part: List[str] = []  # joined as soon as it ends: there may be a million
    for match in _PIECES.finditer(command):
        if match.lastgroup == "and":
            parts.append("".join(part).strip())
            part = []
        part.append(" " if match.lastgroup == "space" else match.group())
    parts.append("".join(part).strip())
    return [text for text in parts if text]
