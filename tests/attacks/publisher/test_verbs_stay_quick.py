"""Every verb over images whose names, links, steps and frames were made to keep the processor busy."""

from __future__ import annotations

from typing import Callable, Dict, List, Tuple

import pytest

from layerslayer.demo.image import Store, add_image, gzip_of

from ...support.registry import NAME, Registry
from ...support.registry.faults import blobs_image
from ...support.registry.running import Runner
from ...support.tars import END, header, octal, pax, record
from .cpu import seconds
from .test_tiny_parts import frame

LONGEST = 10.0  # seconds of the processor, which nothing comes near
VERBS: List[Tuple[str, ...]] = [
    ("ls", "IMAGE"), ("ls", "IMAGE", "l38/x"), ("tree", "IMAGE"), ("find", "IMAGE", "*-*-*-*.json"),
    ("find", "IMAGE", "**/a/**/a/**/p.json", "--json"), ("cat", "IMAGE", "l38/x"), ("get", "IMAGE", "**/*\\*\\*x"),
    ("deleted", "IMAGE"), ("deleted", "IMAGE", "--json"), ("history", "IMAGE"), ("history", "IMAGE", "--dockerfile"),
    ("config", "IMAGE"), ("--peek-all", "-t", "IMAGE"), ("diff", "IMAGE", "IMAGE"),
    ("--peek-all", "--fast", "-t", "IMAGE"), ("find", "--everywhere", "**/a/**/a/**/p.json"),
]  # fmt: skip


def long_name(name: str, kind: bytes = b"0", target: str = "") -> bytes:
    extended = record("path", name) + (record("linkpath", target) if target else b"")
    return pax(extended) + header(b"n", octal(0, 12), kind)


def names() -> Store:
    """Names of backslashes, dashes, quotes and deep paths, all of which the layer above deletes."""
    flat = ["\\" * 16_000, "-" * 4000, "'\\\x1b" * 1300, "\\" * 4000 + "\x1b"]
    deep = "a/" * 2000
    lower = [name + str(number) for number in range(40) for name in (*flat, deep + "x")]
    upper = [deep + ".wh.x" + str(number) for number in range(40)]
    upper += [".wh." + name + str(number) for number in range(40) for name in flat]
    tars = [b"".join(map(long_name, names)) + END for names in (lower, upper)]
    return blobs_image([gzip_of(tar) for tar in tars])


def links() -> Store:
    """Targets of tens of thousands of characters, each through the link before."""
    body = b"".join(
        long_name("l{}".format(number), b"2", ("l{}/../".format(number - 1) if number else "./") * 8_000 + "a")
        for number in range(39)
    )
    return blobs_image([gzip_of(header(b"a/", kind=b"5") + body + header(b"l38/x") + END)])


def steps() -> Store:
    """Build steps of backslashes, white space and quotes, and very many files that one of them deletes."""
    texts = ["/bin/sh -c " + "\\" * 300_000, "RUN " + " \t" * 200_000, '/bin/sh -c #(nop) CMD ["' + '\\"' * 100_000]
    history = [{"created_by": text} for text in texts[:2]] + [{"created_by": texts[2], "empty_layer": True}]
    lower = b"".join(header("f{}".format(number).encode()) for number in range(3000))
    upper = b"".join(header(".wh.f{}".format(number).encode()) for number in range(3000))
    execution = {"Env": ["\\" * 300_000], "Labels": {"\\" * 9000: "x"}, "Cmd": ["\\x" * 9000]}
    made = Store({}, {}, {})
    config = {"os": "linux", "architecture": "amd64", "history": history, "config": execution}
    made.tags[(NAME, "1.0")] = add_image(made, [lower + END, upper + END], config)["digest"]
    return made


def frames() -> Store:
    """A long name of which each zstd frame holds a byte."""
    pytest.importorskip("zstandard")
    tar = header(b"././@LongLink", octal(59_904, 12), b"L") + b"n" * 59_904 + bytes(-59_904 % 512) + header(b"x") + END
    return blobs_image([b"".join(frame(tar[at : at + 1]) for at in range(len(tar)))], ZSTD)


ZSTD = "application/vnd.oci.image.layer.v1.tar+zstd"


IMAGES: Dict[str, Callable[[], Store]] = {make.__name__: make for make in (names, links, steps, frames)}


@pytest.mark.parametrize("name", sorted(IMAGES))
def test_no_verb_takes_long(run: Runner, name: str) -> None:
    with Registry(IMAGES[name]()) as registry:
        for words in VERBS:
            asked = [registry.target if word == "IMAGE" else word for word in words]
            codes: List[int] = []
            taken = seconds(lambda: codes.append(run(*asked, "--retries", "0").code), LONGEST, 1)
            assert taken < LONGEST, words
            assert codes[-1] in (0, 1, 2, 3), words


@pytest.mark.parametrize("target", ["l", "./" * 3000 + "a", "a/../" * 12_000 + "a"])
def test_what_stands_behind_a_link_that_leads_nowhere_no_verb_gives(run: Runner, target: str) -> None:
    body = header(b"a/", kind=b"5") + long_name("l", b"2", target) + header(b"l/x") + END
    with Registry(blobs_image([gzip_of(body)])) as registry:
        codes = [run(verb, registry.target, "l/x").code for verb in ("ls", "cat", "get", "find")]
        assert codes == [1] * 4
