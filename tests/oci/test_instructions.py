from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from layerslayer.oci.instructions import Instruction, broken_at_ands, parse_created_by

SH = "/bin/sh -c"
STEPS = [
    ("/bin/sh -c make", ("RUN", "make", SH, "")),
    ("|1 A=b /bin/sh -c make", ("RUN", "make", SH, "A=b")),
    ("|2 A=b c D=e /bin/sh -c make", ("RUN", "make", SH, "A=b c D=e")),
    ("|2 A=b D=e make all", ("RUN", "make all", "", "A=b D=e")),
    ("RUN /bin/sh -c make # buildkit", ("RUN", "make", SH, "")),
    ("RUN |1 A=b /bin/sh -c make # buildkit", ("RUN", "make", SH, "A=b")),
    ("RUN make", ("RUN", "make", "", "")),
    ("RUN --mount=type=cache,target=/c /bin/sh -c make", ("RUN", "--mount=type=cache,target=/c make", SH, "")),
    (
        "RUN /bin/bash -o pipefail -c a | b # buildkit",
        ("RUN", "a | b", "/bin/bash -o pipefail -c", ""),
    ),
    ("/bin/bash -euo pipefail -c x", ("RUN", "x", "/bin/bash -euo pipefail -c", "")),
    ("cmd /S /C dir", ("RUN", "dir", "cmd /S /C", "")),
    ("/bin/sh -c echo # buildkit # buildkit", ("RUN", "echo # buildkit", SH, "")),
    ("/bin/sh -c #(nop)  ENV A=b", ("ENV", "A=b", "", "")),
    ('/bin/sh -c #(nop)  CMD ["nginx" "-g" "daemon off;"]', ("CMD", '["nginx", "-g", "daemon off;"]', "", "")),
    ('CMD ["a \\" b" "c"]', ("CMD", '["a \\" b", "c"]', "", "")),
    ('CMD ["a", "b"]', ("CMD", '["a", "b"]', "", "")),
    ("ENTRYPOINT []", ("ENTRYPOINT", "[]", "", "")),
    ("/bin/sh -c #(nop) ADD file:ab12 in / ", ("ADD", "file:ab12 /", "", "")),
    ("/bin/sh -c #(nop) COPY dir:ab in /x in y ", ("COPY", "dir:ab in /x y", "", "")),
    ("COPY in in /x # buildkit", ("COPY", "in in /x", "", "")),
    ("EXPOSE map[443/tcp:{} 80/tcp:{}]", ("EXPOSE", "443/tcp 80/tcp", "", "")),
    ("EXPOSE [80/tcp]", ("EXPOSE", "80/tcp", "", "")),
    ("EXPOSE 80", ("EXPOSE", "80", "", "")),
    ("VOLUME [/a /b]", ("VOLUME", '["/a", "/b"]', "", "")),
    ("SHELL [/bin/bash -c]", ("SHELL", '["/bin/bash", "-c"]', "", "")),
    (
        'HEALTHCHECK &{["CMD-SHELL" "curl \\"x\\""] "30s" "10s" "0s" "5s" \'\\x03\'}',
        ("HEALTHCHECK", '--interval=30s --timeout=10s --start-interval=5s --retries=3 CMD curl "x"', "", ""),
    ),
    (
        'HEALTHCHECK &{["CMD" "a" "b"] "0s" "0s" "0s" \'\\n\'}',
        ("HEALTHCHECK", '--retries=10 CMD ["a", "b"]', "", ""),
    ),
    ('HEALTHCHECK &{["NONE"] "0s" "0s" "0s" \'\\x00\'}', ("HEALTHCHECK", "NONE", "", "")),
    ("HEALTHCHECK &{odd}", ("HEALTHCHECK", "&{odd}", "", "")),
    ("bazel build //x", ("", "bazel build //x", "", "")),
    ("/bin/sh", ("", "/bin/sh", "", "")),
    ("/bin/sh -c #(nop) buildah says hello", ("", "buildah says hello", "", "")),
    ("run make", ("", "run make", "", "")),
    ("", ("", "", "", "")),
]


@pytest.mark.parametrize(("text", "parts"), STEPS, ids=[step[0] for step in STEPS])
def test_what_builders_write(text: str, parts: tuple[str, str, str, str]) -> None:
    assert parse_created_by(text) == Instruction(*parts)


@pytest.mark.parametrize(
    ("command", "parts"),
    [
        ("a", ["a"]),
        ("a &&  b   c&&d", ["a", "&& b c", "&&d"]),
        ("a 'x  && y' && b", ["a 'x  && y'", "&& b"]),
        ('a "x \\" && y" && b', ['a "x \\" && y"', "&& b"]),
        ("a \\&& b", ["a \\&& b"]),
        ("a & b", ["a & b"]),
        ("a 'open && b", ["a 'open && b"]),
        ("", []),
        ("&& a", ["&& a"]),
    ],
)
def test_commands_are_broken_where_a_reader_would(command: str, parts: list[str]) -> None:
    assert broken_at_ands(command) == parts


@given(st.text(alphabet="&'\"\\ ab\n", max_size=30))
def test_breaking_loses_only_white_space(command: str) -> None:
    kept = "".join("".join(broken_at_ands(command)).split())
    assert kept == "".join(command.split())


HOSTILE = ["/a", '"', "--a ", "|1 sh -a ", '["a" ', "a' ", "/bin/sh -a ", '"\\', " in ", '&{[]] "a" ', "&&", "["]


@pytest.mark.parametrize("word", HOSTILE)
@pytest.mark.parametrize("start", ["", "RUN ", "CMD ", "COPY ", "HEALTHCHECK ", "|1 ", "/bin/sh -c "])
def test_long_texts_are_read(start: str, word: str) -> None:
    text = start + word * 20000  # a pattern that backtracks would not end
    instruction = parse_created_by(text)
    assert broken_at_ands(instruction.text) is not None
    assert instruction.keyword in ("", "RUN", start.strip())
