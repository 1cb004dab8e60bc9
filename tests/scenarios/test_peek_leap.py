"""--fast on ordinary gzip layers: the same lines, from fewer bytes, and what they are worth."""

from __future__ import annotations

import json
import random
import re
import shutil
from typing import List, Tuple

import pytest

from layerslayer.demo.registry import Request, Response

from ..support.leap_layers import COMPRESSORS, noise
from ..support.leap_walks import program
from ..support.registry import Registry
from ..support.registry.faults import Normal, blobs_image
from ..support.registry.running import Ran, Runner
from ..support.tars import END, header, member

TAR = (
    header(b"usr/", kind=b"5") + member(b"usr/hosts", b"127.0.0.1 localhost\n" * 40)
    + member(b"usr/model.bin", noise(random.Random(1), 3_000_000)) + header(b"usr/link", kind=b"2", target=b"hosts")
    + member(b"usr/lib.so", program(1, 3_000_000)) + member(b"usr/last", b"words " * 90) + END
)  # fmt: skip
LAYER = COMPRESSORS["level 6"](TAR)
SMALL = COMPRESSORS["level 6"](member(b"etc/motd", b"hello\n") + END)


def served() -> Registry:
    return Registry(blobs_image([LAYER, SMALL]))


def sent(registry: Registry) -> int:
    """Return how many bytes of layers were asked for."""
    total = 0
    for request in registry.asked("/blobs/"):
        part = re.fullmatch(r"bytes=(\d+)-(\d+)", request.headers.get("range", ""))
        body = registry.store.blobs[request.path.rsplit("/", 1)[1]]
        if body in (LAYER, SMALL):
            total += int(part.group(2)) - int(part.group(1)) + 1 if part else len(body)
    return total


def asked(run: Runner, *arguments: str) -> Tuple[Ran, int]:
    """Run a command on an image of two layers; return also how many bytes of its blobs were asked for."""
    with served() as registry:
        ran = run(*[registry.target if argument == "TARGET" else argument for argument in arguments])
        return ran, sent(registry)


def shown(ran: Ran) -> List[str]:
    """What was printed, but for a layer's last line and what tells of the run."""
    items = [line for line in ran.out.splitlines() if not line.startswith("= ")]
    return [re.sub(',"sha256":"[0-9a-f]+"', "", line) for line in items if '"type":"summary"' not in line]


VERBS = ["tree TARGET", "find TARGET **/l*", "find TARGET --larger 1M", "ls TARGET /usr", "tree TARGET --json"]


@pytest.mark.parametrize("command", ["-t TARGET --peek-all", *VERBS])
def test_the_same_lines_from_fewer_bytes(run: Runner, command: str) -> None:
    full, whole = asked(run, *command.split())
    shutil.rmtree(str(run.cache), ignore_errors=True)
    fast, part = asked(run, *command.split(), "--fast")
    assert [full.code, fast.code] == [0, 0]
    assert shown(fast) == shown(full) != []
    assert whole >= len(LAYER) and part < 0.7 * len(LAYER)


def test_a_listing_says_what_it_is_worth(run: Runner) -> None:
    fast, part = asked(run, "-t", "TARGET", "--peek-all", "--fast")
    last = [line for line in fast.out.splitlines() if line.startswith("= ")]
    match = re.fullmatch(
        r"= 6 entries; listed from (\d+) % of 5\.\d MB \u00b7 lengths add up \u00b7 digest not verified\.", last[0]
    )
    assert match and int(match.group(1)) == pytest.approx(100 * part / len(LAYER), abs=1)
    assert last[1] == "= 1 entry; read {} bytes; digest verified; complete.".format(len(SMALL))


def test_json_says_what_it_is_worth(run: Runner) -> None:
    fast, part = asked(run, "peek", "TARGET", "--fast", "--json")
    items = [json.loads(line) for line in fast.out.splitlines()]
    ends = [item for item in items if item["type"] == "layer_end"]
    assert [(item["lengths_add_up"], item["verified"], item["complete"]) for item in ends] == [
        (True, False, True), (None, True, True),
    ]  # fmt: skip
    assert sum(item["bytes_read"] for item in ends) == pytest.approx(part, abs=200) and fast.code == 0
    assert items[-1]["complete"] and not items[-1]["verified"]


@pytest.mark.parametrize("command", VERBS)
def test_a_merged_view_says_what_it_is_worth(run: Runner, command: str) -> None:
    fast, part = asked(run, *command.split(), "--fast")
    if "--json" in command:
        summary = json.loads(fast.out.splitlines()[-1])
        assert summary["complete"] and not summary["verified"] and summary["bytes_read"] == pytest.approx(part, abs=200)
    else:
        assert "digests NOT all verified" in fast.err


def test_what_was_leapt_through_is_not_kept(run: Runner) -> None:
    """The next reading is a full one."""
    with served() as registry:
        run("tree", registry.target, "--fast")
        before = sent(registry)
        assert "digests verified" in run("tree", registry.target).err
        assert sent(registry) - before >= len(LAYER)
        known = sent(registry)
        assert "known from earlier" in run("ls", registry.target, "/usr", "--fast").err
        assert sent(registry) == known


def test_without_fast_nothing_is_leapt_over(run: Runner) -> None:
    full, whole = asked(run, "-t", "TARGET", "--peek-all")
    assert whole == len(LAYER) + len(SMALL)
    assert full.out.count("digest verified; complete.") == 2 and "add up" not in full.out


def whole_only(request: Request, normal: Normal) -> Response:
    request.headers.pop("range", None)
    return normal()


def test_a_registry_without_ranges(run: Runner) -> None:
    with served() as registry:
        full = run("-t", registry.target, "--peek-all", "--no-cache")
        registry.fault("/blobs/", whole_only)
        fast = run("-t", registry.target, "--peek-all", "--fast")
    assert fast.code == 0 and shown(fast) == shown(full)
    assert "digest verified; complete; NOTE: " in fast.out
    assert fast.out.count("NOTE: read in full after all: the server does not serve parts of it.") == 1


def test_a_registry_that_stops_serving_parts(run: Runner) -> None:
    parts: List[str] = []

    def fewer(request: Request, normal: Normal) -> Response:
        parts.append(request.headers.get("range", ""))
        return whole_only(request, normal) if len(parts) > 4 else normal()

    with served() as registry:
        full = run("-t", registry.target, "--peek-all", "--no-cache")
        registry.fault("/blobs/", fewer)
        fast = run("-t", registry.target, "--peek-all", "--fast")
    assert fast.code == 0 and shown(fast) == shown(full)
    assert "digest verified; complete; NOTE: read in full after all" in fast.out


def test_a_view_says_what_it_is_worth(run: Runner) -> None:
    fast, _ = asked(run, "tree", "TARGET", "--fast")
    assert fast.err.splitlines()[-1].endswith("; 1 layer listed by leaping, lengths add up; digests NOT all verified.")
