"""Every regular expression of the package on texts that would make it go back and forth, and what is built on them.

The expressions are found where they stand (``expressions``), the texts are made
of what each looks for (``pumps``), so a new one is tried without being named
here. Time is that of the processor; a text that costs the square of its length
takes seconds where a twentieth of one is allowed.
"""

from __future__ import annotations

import re
from itertools import islice
from typing import Any, Callable, Dict, List

import pytest

from layerslayer.errors import LayerslayerError
from layerslayer.escaping import ContentText, one_line, original, printable
from layerslayer.export.extracted_file import local_name
from layerslayer.filesystem.glob import matcher
from layerslayer.formats.magic import is_tar_type
from layerslayer.formats.tar.pax import Overrides, parse_records
from layerslayer.oci.config import parse_config
from layerslayer.oci.digest import digest_problem
from layerslayer.oci.instructions import broken_at_ands, parse_created_by
from layerslayer.oci.platforms import best, parse_platform
from layerslayer.oci.reference import parse_reference
from layerslayer.registry.auth.challenges import parse_challenges
from layerslayer.render.times import utc

from .cpu import seconds
from .expressions import Expression, expressions, unaccounted, used
from .pumps import texts

ALLOWED = 0.05  # seconds for a text of LENGTH, which no name, header or line of a document is longer than, as a rule
LENGTH = 64 * 1024
GLANCE = 8 * 1024  # all texts are tried in this length first, and those that take long in eight times as much
SUSPECT = 0.0007  # seconds: the square of eight times that is below what is allowed
FOUND: List[Expression] = expressions()
# What meets fields and lines of a bounded length only, where going back and forth costs nothing: their lengths.
FIELDS = {"formats.tar.fields:_OCTAL": 12, "registry.http.chunked_body:_SIZE": 4096}


@pytest.mark.parametrize("expression", FOUND, ids=lambda item: item.key)
def test_no_expression_goes_back_and_forth(expression: Expression) -> None:
    pattern = expression.pattern
    short = FIELDS.get(expression.key, GLANCE)
    long = FIELDS.get(expression.key, LENGTH)
    for number, text in enumerate(texts(pattern, short)):
        for how in expression.uses:
            taken = seconds(lambda how=how, text=text: used(pattern, how, text), SUSPECT)  # type: ignore[misc]
            if taken < SUSPECT:
                continue
            longer = next(islice(texts(pattern, long), number, None))
            taken = seconds(lambda how=how, text=longer: used(pattern, how, text), ALLOWED, 5)  # type: ignore[misc]
            assert taken < ALLOWED, (how, text[:80])


def test_they_are_all_found() -> None:
    keys = {item.key for item in FOUND}
    assert len(keys) > 60
    assert {"escaping:_UNSAFE", "oci.instructions:_SHELL_FORM", "formats.tar.pax:_TIME"} <= keys
    # Those made of what a user types (globs, --regex), and those of a block's first bytes, one for each.
    assert {place.partition(":")[0] for place in unaccounted()} == {"filesystem.glob", "formats.gzip.block_finder"}


def test_the_texts_find_out_expressions_that_do() -> None:
    for text, how in [
        (r"(a+)+b", "match"),
        (r"\\*x", "search"),
        (r';\s*rel\s*=\s*"\s*(?:[^"]*\s)?next"', "search"),
        (r"(?:[a-z]+\.)?[a-z]*[0-9]*[a-z]*!", "match"),
        (r'"(?:[^"\\]|\\.)*"', "findall"),
        (r"x/(?:.*\.)(?:erofs)(?:[.+].*)?", "fullmatch"),
    ]:
        expression = Expression("made up", re.compile(text), (how,))
        worst = 0.0
        for made in texts(expression.pattern, 24 if text.startswith("(a") else GLANCE):
            worst = max(worst, seconds(lambda made=made: used(expression.pattern, how, made), SUSPECT, 1))  # type: ignore[misc]
            if worst > 20 * SUSPECT:
                break
        assert worst > 20 * SUSPECT, text


MEGABYTE = 1 << 20
HOSTILE: Dict[str, str] = {
    "backslashes": "\\" * MEGABYTE,
    "backslashes and x": "\\x" * (MEGABYTE // 2),
    "backslashes before each control": "\\\\\\\x1b" * (LENGTH // 4),
    "controls": "\x1b" * LENGTH,
    "escapes in words": "\\x1b" * (LENGTH // 4),
    "white space": " \t\n\u2028" * (LENGTH // 4),
    "surrogates": "\udcff" * LENGTH,
    "quotes": "'\"" * (LENGTH // 2),
    "escaped quotes": '"' + '\\"' * (LENGTH // 2) + "\\",
    "ands": "a && " * (LENGTH // 5),
    "ampersands": "&" * LENGTH,
}
TEXTS: Dict[str, Callable[[str], Any]] = {
    "printable": printable,
    "original": lambda text: original(printable(text)),
    "one_line": lambda text: one_line(text, 100),
    "content": lambda text: ContentText().take(text.encode("utf-8", "surrogateescape"), ends=True),
    "broken_at_ands": lambda text: broken_at_ands(text[:LENGTH]),
    "local_name": lambda text: local_name(text[:LENGTH]),
    "utc": utc,
}


@pytest.mark.parametrize("name", sorted(HOSTILE))
@pytest.mark.parametrize("what", sorted(TEXTS))
def test_texts_of_a_megabyte(what: str, name: str) -> None:
    allowed = ALLOWED * max(1, len(HOSTILE[name]) // LENGTH) * 2
    assert seconds(lambda: TEXTS[what](HOSTILE[name]), allowed, 5) < allowed


RUN = "/bin/sh -c "
STEPS = [
    RUN + "#(nop) CMD [" + '"a" ' * (LENGTH // 4),
    RUN + '#(nop) CMD ["' + '\\"' * (LENGTH // 2),
    "CMD [" + '"' * LENGTH + "]",
    "HEALTHCHECK &{[" + '] "w" "w" "w"' * (LENGTH // 13),
    'HEALTHCHECK &{["CMD-SHELL" "' + "\\" * LENGTH + '"] "1s" "1s" "1s" \'\\x03\'}',
    "|1 " + "/a" * (LENGTH // 2) + "/sh -x",
    "|1 " + " /bin/sh -e" * (LENGTH // 11),
    "|9999 " + "/sh -" + "c" * LENGTH,
    "--a " * (LENGTH // 4) + "/bin/sh",
    "RUN |1 " + "a=" + " " * LENGTH,
    "COPY file:" + " in " * (LENGTH // 4),
    "EXPOSE map[" + "80/tcp:{} " * (LENGTH // 10),
    "RUN " + " # buildkit" * (LENGTH // 11),
    RUN + "#(nop)" + " \n" * LENGTH,
]


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step[:30])
def test_build_steps(step: str) -> None:
    assert seconds(lambda: parse_created_by(step), ALLOWED, 5) < ALLOWED
    assert seconds(lambda: broken_at_ands(parse_created_by(step).text), 2 * ALLOWED, 5) < 2 * ALLOWED


def _quietly(work: Callable[[], object]) -> Callable[[], None]:
    def done() -> None:
        try:
            work()
        except LayerslayerError:
            pass

    return done


RECORD = b"65536 mtime=1."
OTHERS: Dict[str, Callable[[], object]] = {
    "challenge of spaces": lambda: parse_challenges('Bearer a="' + " " * LENGTH),
    "challenge of equals": lambda: parse_challenges('Bearer a="b", ' + "a=" * LENGTH),
    "challenge of quotes": lambda: parse_challenges('a="\\"' * LENGTH),
    "challenge of tokens": lambda: parse_challenges("a/" * LENGTH),
    "digest": lambda: digest_problem("a." * LENGTH + ":"),
    "digest of digits": lambda: digest_problem("sha256:" + "a" * MEGABYTE),
    "reference": lambda: parse_reference("a" * LENGTH + "-" * LENGTH),
    "reference of dots": lambda: parse_reference("a.b/" + "a__" * LENGTH),
    "reference of a host": lambda: parse_reference("a-" * LENGTH + ".b:1/x"),
    "reference of a port": lambda: parse_reference("h.x:" + "1" * LENGTH + "/x"),
    "variant of digits": lambda: best(
        parse_platform("linux/arm64"), [parse_platform("linux/arm64/v" + "9" * 9000)], False
    ),
    "media type": lambda: is_tar_type("application/" + ".erofs." * LENGTH),
    "config": lambda: parse_config(b'{"history": [' + b'{"created_by": "\\\\\\\\"},' * 5000 + b"{}]}", 1),
    "pax time": lambda: Overrides(parse_records(RECORD + b"1" * (65535 - len(RECORD)) + b"\n", 0)).time("mtime", 0),
    "pax records": lambda: parse_records(b"6 a=b\n" * (MEGABYTE // 48), 0),
    "globs": lambda: [matcher(["*-*-*-*.json", "**/a/**/a/**/p.json", "**a*b**c*d"])(path) for path in PATHS],
}
PATHS = ["-" * LENGTH, "a/" * (LENGTH // 2), "a" * LENGTH, "ab" * (LENGTH // 2) + "cd" * (LENGTH // 2), "/a" * LENGTH]


@pytest.mark.parametrize("name", sorted(OTHERS))
def test_what_is_built_on_them(name: str) -> None:
    assert seconds(_quietly(OTHERS[name]), 2 * ALLOWED, 5) < 2 * ALLOWED


GLOBS = [
    "*-*-*-*.json",
    "**/a/**/a/**/p.json",
    "**a*a*a*b",
    "**a**a**a**b",
    "*a*a*a*b/**/c*c*c*d",
    "**/*?*?*/**/x",
    "*[a-]*[a-]*[!b]x",
]
LONG_PATHS = ["-" * 4095, "a/" * 2047 + "x", "a" * 4095, ("a" * 60 + "/") * 67 + "p", "a-" * 2047, "c" * 4095]


@pytest.mark.parametrize("glob", GLOBS)
def test_globs_on_the_longest_paths(glob: str) -> None:
    matches = matcher([glob])
    for path in LONG_PATHS:
        assert seconds(lambda path=path: matches(path), ALLOWED) < ALLOWED  # type: ignore[misc]
