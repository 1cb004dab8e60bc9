"""--fast on zstd layers of several frames: the same lines, from fewer bytes, and what they are worth."""

from __future__ import annotations

import json
import random
import re
import shutil
from typing import Tuple

import pytest

from ..support.frames_writer import cut, frame, framed, seekable
from ..support.leap_layers import noise
from ..support.registry import Registry
from ..support.registry.faults import blobs_image
from ..support.registry.running import Ran, Runner
from ..support.tars import END, header, member
from .test_peek_leap import shown

pytest.importorskip("zstandard")

TAR = (
    header(b"usr/", kind=b"5") + member(b"usr/hosts", b"127.0.0.1 localhost\n" * 40)
    + member(b"usr/model.bin", noise(random.Random(1), 3_000_000)) + header(b"usr/link", kind=b"2", target=b"hosts")
    + member(b"usr/lib.so", noise(random.Random(2), 3_000_000)) + member(b"usr/last", b"words " * 90) + END
)  # fmt: skip
LAYERS = {
    "table": seekable(TAR, 300_000),
    "no table": framed(cut(TAR, 300_000))[0],
    "one frame": frame(TAR),
}


def asked(run: Runner, kind: str, *arguments: str) -> Tuple[Ran, int]:
    """Run a command on an image of one layer; return also how many bytes of it were asked for."""
    layer = LAYERS[kind]
    with Registry(blobs_image([layer])) as registry:
        ran = run(*[registry.target if argument == "TARGET" else argument for argument in arguments])
        total = 0
        for request in registry.asked("/blobs/"):
            part = re.fullmatch(r"bytes=(\d+)-(\d+)", request.headers.get("range", ""))
            if registry.store.blobs[request.path.rsplit("/", 1)[1]] == layer:
                total += int(part.group(2)) - int(part.group(1)) + 1 if part else len(layer)
        return ran, total


@pytest.mark.parametrize("kind", LAYERS)
@pytest.mark.parametrize(
    "command", ["-t TARGET --peek-all", "ls TARGET /usr", "find TARGET **/l*", "tree TARGET --json"]
)
def test_the_same_lines_from_fewer_bytes(run: Runner, command: str, kind: str) -> None:
    full, _ = asked(run, kind, *command.split())
    shutil.rmtree(str(run.cache), ignore_errors=True)
    fast, part = asked(run, kind, *command.split(), "--fast")
    assert [full.code, fast.code] == [0, 0]
    assert shown(fast) == shown(full) != []
    if kind == "table":
        assert part < 0.3 * len(LAYERS[kind])
    else:  # how much depends on the time an answer takes
        assert part <= len(LAYERS[kind]) + 200


def test_a_listing_says_what_it_is_worth(run: Runner) -> None:
    fast, part = asked(run, "table", "-t", "TARGET", "--peek-all", "--fast")
    last = [line for line in fast.out.splitlines() if line.startswith("= ")]
    match = re.fullmatch(
        r"= 6 entries; listed from ([\d.]+) % of 6\.\d MB \u00b7 lengths add up \u00b7 digest not verified\.", last[0]
    )
    assert match and float(match.group(1)) == pytest.approx(100 * part / len(LAYERS["table"]), abs=1)


def test_json_says_what_it_is_worth(run: Runner) -> None:
    for kind, leapt in (("table", True), ("one frame", False)):
        fast, part = asked(run, kind, "peek", "TARGET", "--fast", "--json")
        (end,) = [item for item in map(json.loads, fast.out.splitlines()) if item["type"] == "layer_end"]
        assert (end["lengths_add_up"], end["verified"]) == ((True, False) if leapt else (None, True))
        assert end["complete"] and end["compression"] == "zstd" and end["bytes_read"] == pytest.approx(part, abs=200)
