"""get and cat of layers that were read before."""

from __future__ import annotations

import json
import random
import sqlite3
from typing import Any, Dict

import pytest

from layerslayer.demo.registry import Request, Response

from ..support.cached_layers import archive, deflated, noise, words
from ..support.registry import Normal, Registry
from ..support.registry.faults import altered, blobs_image, flipped
from ..support.registry.running import Ran, Runner

_CHANCE = random.Random(11)
FILES = {"srv/{:03d}.txt".format(number): words(_CHANCE, 20_000) for number in range(150)}
FILES.update({"lib/{:03d}.so".format(number): noise(_CHANCE, 10_000) for number in range(300)})
FILES["etc/empty"] = b""
FILES["var/late"] = b"late\n"
LAYER = deflated(archive([*FILES.items(), ("var/hard", "var/late")]), 6)
SIZE = len(LAYER)


def summary(ran: Ran) -> Dict[str, Any]:
    return dict(json.loads(ran.out.splitlines()[-1]))


def known(run: Runner, registry: Registry) -> Registry:
    assert run("tree", registry.target).code == 0
    registry.requests.clear()
    return registry


def partly(change: Any) -> Any:
    """Another answer for parts of a blob only."""

    def answer(request: Request, normal: Normal) -> Response:
        return change(request, normal) if "range" in request.headers else normal()  # type: ignore[no-any-return]

    return answer


def without_ranges(request: Request, normal: Normal) -> Response:
    request.headers.pop("range", None)
    return normal()


def test_a_file_of_a_known_layer_costs_two_requests(run: Runner) -> None:
    with Registry(blobs_image([LAYER])) as registry:
        known(run, registry)
        ran = run("cat", registry.target, "var/late")
        assert [(item.path.split("/")[-2], "range" in item.headers) for item in registry.requests] == [
            ("manifests", False),
            ("blobs", True),
        ]
        linked = run("cat", registry.target, "/var/hard")
        text = run("cat", registry.target, "srv/149.txt")
    assert (ran.code, ran.out, linked.out) == (0, "late\n", "late\n")
    assert text.out.encode() == FILES["srv/149.txt"]
    assert "known from an earlier verified reading, its checksum holds." in ran.err
    assert "in 2 requests" in ran.err


def test_what_it_cost_and_that_it_holds_is_in_the_summary(run: Runner) -> None:
    with Registry(blobs_image([LAYER])) as registry:
        known(run, registry)
        ran = run("get", registry.target, "lib/299.so", "etc/empty", "--json")
        several = run("get", registry.target, "lib/29*", "--json", "-o", "several")
    told = summary(ran)
    assert told["checked"] == 2 and told["verified"] and told["complete"] and told["exit_code"] == 0
    assert 0 < told["bytes_read"] < SIZE / 3
    assert (run.folder / "carved/lib/299.so").read_bytes() == FILES["lib/299.so"]
    assert (run.folder / "carved/etc/empty").read_bytes() == b""
    assert summary(several)["checked"] == 10 and summary(several)["bytes_read"] < SIZE / 2
    assert all((run.folder / "several" / name).read_bytes() == FILES[name] for name in FILES if "lib/29" in name)


def test_several_paths_share_a_range_and_those_that_are_not_there_are_told(run: Runner) -> None:
    with Registry(blobs_image([LAYER])) as registry:
        known(run, registry)
        ran = run("get", registry.target, "lib/297.so", "nope", "lib/298.so", "/lib/299.so")
        assert len(registry.asked("/blobs/")) == 1
        printed = run("get", registry.target, "var/late", "srv/149.txt", "var/late", "-o", "-")
    assert ran.code == 3 and "'nope' was not got: no layer has it." in ran.err
    assert len(ran.out.splitlines()) == 3
    assert (run.folder / "carved/lib/298.so").read_bytes() == FILES["lib/298.so"]
    assert printed.out.encode() == b"late\n" + FILES["srv/149.txt"] + b"late\n"


def test_a_get_of_many_reads_no_layer_twice(run: Runner) -> None:
    with Registry(blobs_image([LAYER])) as registry:
        ran = run("get", registry.target, "lib/29*", "--json", "-o", "first")
        fresh = run("get", registry.target, "lib/29*", "--json", "--no-cache", "-o", "second")
        known = run("get", registry.target, "lib/29*", "--json", "-o", "third")
    assert summary(ran)["bytes_read"] == summary(fresh)["bytes_read"] == SIZE  # no layer is read twice
    assert summary(ran)["verified"] and summary(fresh)["verified"]
    assert summary(known)["bytes_read"] < SIZE / 3 and summary(known)["checked"] == 10
    wanted = {name: body for name, body in FILES.items() if "lib/29" in name}
    for folder in ("first", "second", "third"):
        assert {name: (run.folder / folder / name).read_bytes() for name in wanted} == wanted


def test_a_file_in_the_last_eighth_is_a_reason_to_read_on(run: Runner) -> None:
    with Registry(blobs_image([LAYER])) as registry:
        early = run("get", registry.target, "srv/020.txt", "--json")
        assert summary(early)["bytes_read"] < SIZE and not summary(early)["verified"]
        alone = run("get", registry.target, "lib/262.so", "--json", "--no-cache")
        assert summary(alone)["bytes_read"] < SIZE
        first = run("get", registry.target, "lib/262.so", "--json")
        assert summary(first)["bytes_read"] == SIZE and summary(first)["verified"]
        second = run("get", registry.target, "lib/262.so", "--json")
    assert summary(second)["bytes_read"] < SIZE / 3 and summary(second)["checked"] == 1


def test_damage_after_the_file_is_not_kept_back(run: Runner) -> None:
    with Registry(blobs_image([LAYER])) as registry:
        registry.fault("/blobs/", altered(lambda body: body[:-4] + flipped(body[-4:]) if len(body) == SIZE else body))
        ran = run("get", registry.target, "lib/262.so")
        again = run("get", registry.target, "lib/262.so", "--no-cache")
    assert ran.code == 2 and "the layer is not what its digest says" in ran.err
    assert again.code == 0  # the file had passed
    assert not sqlite3.connect(str(run.cache / "layers.sqlite")).execute("SELECT * FROM layers").fetchall()


@pytest.mark.parametrize("fault", [without_ranges, partly(altered(flipped)), partly(altered(lambda body: body[::-1]))])
def test_parts_that_are_not_right_cost_a_note_and_the_layer(run: Runner, fault: Any) -> None:
    with Registry(blobs_image([LAYER])) as registry:
        known(run, registry)
        registry.fault("/blobs/", fault)
        ran = run("cat", registry.target, "srv/120.txt")
        assert run("get", registry.target, "srv/120.txt", "lib/23*").code == 0
    assert ran.code == 0 and ran.out.encode() == FILES["srv/120.txt"]
    assert "its parts could not be used, so it was read from its beginning" in ran.err
    assert (run.folder / "carved/srv/120.txt").read_bytes() == FILES["srv/120.txt"]
    assert (run.folder / "carved/lib/235.so").read_bytes() == FILES["lib/235.so"]


def riddled(body: bytes) -> bytes:
    """``body`` with a byte changed in every 4 KiB."""
    changed = bytearray(body)
    for at in range(3000, len(body), 4096):
        changed[at] ^= 0x55
    return bytes(changed)


@pytest.mark.parametrize("verb", ["cat", "get"])
def test_other_bytes_are_printed_by_nobody(run: Runner, verb: str) -> None:
    with Registry(blobs_image([LAYER])) as registry:
        known(run, registry)
        registry.fault("/blobs/", altered(riddled))
        ran = run(verb, registry.target, "lib/299.so")
        several = run("get", registry.target, "lib/29*", "-o", "several")
    assert (ran.code, ran.out) == (2, "")
    assert "lib/299.so' was not got" in ran.err
    assert several.code in (2, 3) and not (run.folder / "carved").exists()
    for path in (run.folder / "several").rglob("*.so"):
        assert path.read_bytes() == FILES[str(path.relative_to(run.folder / "several"))]


def test_verify_reads_all_of_it(run: Runner) -> None:
    with Registry(blobs_image([LAYER])) as registry:
        known(run, registry)
        ran = run("get", registry.target, "lib/262.so", "--verify", "--json")
    assert summary(ran)["bytes_read"] == SIZE and summary(ran)["checked"] == 0 and summary(ran)["verified"]


def test_damaged_points_cost_a_warning_and_the_layer(run: Runner) -> None:
    with Registry(blobs_image([LAYER])) as registry:
        known(run, registry)
        with sqlite3.connect(str(run.cache / "layers.sqlite")) as db:
            db.execute("UPDATE points SET body = ?", (b"damage",))
        ran = run("cat", registry.target, "var/late")
        again = run("cat", registry.target, "var/late")
    assert (ran.out, again.out) == ("late\n", "late\n") and ran.code == 0
    assert "damaged" in ran.err and "damaged" not in again.err
    assert "its checksum holds" in again.err
