"""--fast --verify: how a publisher's index differs from the layer it is about, for every kind of index."""

from __future__ import annotations

import json
import os
import struct
import tarfile
from typing import Any, Callable, Dict, List

import pytest

from layerslayer.demo.image import Member, Store, gzip_of, tar_of
from layerslayer.demo.registry import error
from layerslayer.oci.descriptor import digest_of

from ..render.test_json_schema import check
from ..support import ztoc_writer as writer
from ..support.estargz_writer import File, estargz
from ..support.registry import Registry
from ..support.registry.faults import altered, blobs_image
from ..support.registry.running import Ran, Runner
from ..support.registry.soci_images import soci_image

NOISE = os.urandom(300_000)
FILES = [
    File("etc/", kind=tarfile.DIRTYPE, mode=0o755), File("./etc/passwd", b"root\n"), File("noise", NOISE),
    File("su", b"#!/bin/sh\n", mode=0o755), File("link", kind=tarfile.SYMTYPE, target="etc/passwd"),
    File("hard", kind=tarfile.LNKTYPE, target="su"), File("twice", b"1"), File("twice", b"22"), File("empty"),
]  # fmt: skip
Lie = Callable[[List[Dict[str, Any]]], None]


def honest(entries: List[Dict[str, Any]]) -> None:
    """The table as it should be."""


def lying(entries: List[Dict[str, Any]]) -> None:
    """Another name, another mode, other contents."""
    by_name = {str(entry["name"]): entry for entry in reversed(entries)}  # of a file in chunks its first
    by_name["./etc/passwd"]["name"] = "etc/\x1b[31mshadow"
    by_name["su"]["mode"] = 0o4755
    key = "digest" if "digest" in by_name["noise"] else "offset"
    by_name["noise"][key] = "sha256:" + "0" * 64 if key == "digest" else by_name["noise"][key] + 512


def estargz_store(lie: Lie) -> Store:
    return blobs_image([estargz(FILES, 100_000, lie=lie).blob])


def chunked_store(lie: Lie) -> Store:
    """zstd:chunked: here a single frame, and a table that names places in it."""
    zstandard = pytest.importorskip("zstandard")
    pack = zstandard.ZstdCompressor().compress
    toc = estargz(FILES, lie=lie).toc
    for entry in toc["entries"]:
        entry.pop("offset", None)
        entry.pop("modtime", None)  # of the members there is another
    packed = pack(json.dumps(toc).encode())
    data = pack(tar_of(MEMBERS))
    footer = struct.pack("<QQQQ", len(data) + 8, len(packed), len(json.dumps(toc)), 1) + bytes(24) + b"GNUlInUx"
    blob = data + b"".join(b"\x50\x2a\x4d\x18" + struct.pack("<I", len(body)) + body for body in (packed, footer))
    return blobs_image([blob], "application/vnd.oci.image.layer.v1.tar+zstd")


MEMBERS = [
    Member(file.name, file.kind, file.mode, body=file.body, target=file.target)
    for file in [*FILES, File(".no.prefetch.landmark", b"\x0f")]
]


def soci_store(lie: Lie) -> Store:
    tar = tar_of(MEMBERS[:-1])
    layer = gzip_of(tar)
    found = writer.checkpoints(layer, 1 << 17)
    files = writer.metadata(tar)
    lie(files)
    blob = writer.checkpoints_blob(found)
    ztoc = writer.ztoc(files, (len(layer), len(tar)), writer.span_digests(layer, found), blob)
    return soci_image([(layer, ztoc)])


STORES = {"eStargz": estargz_store, "zstd:chunked": chunked_store, "SOCI v2": soci_store}
ASIDE = {"SOCI v2": ", but for its checkpoints, which were not compared"}


def listed(ran: Ran) -> List[str]:
    return [line for line in ran.out.splitlines() if line[:1] in "-dlh"]


def last_line(ran: Ran) -> str:
    return next(line for line in ran.out.splitlines() if line.startswith("="))


@pytest.mark.parametrize("kind", STORES)
def test_an_honest_index_agrees(kind: str, run: Runner) -> None:
    with Registry(STORES[kind](honest)) as registry:
        full = run("-t", registry.target, "--peek-all")
        ran = run("-t", registry.target, "--peek-all", "--fast", "--verify")
    assert listed(ran) == listed(full) != []
    assert last_line(ran) == "{}; the publisher's index ({}) agrees{}.".format(
        last_line(full)[:-1], kind, ASIDE.get(kind, "")
    )
    assert "digest verified; complete; " in last_line(ran)
    assert ran.code == 0


@pytest.mark.parametrize("kind", STORES)
def test_what_differs_is_shown(kind: str, run: Runner) -> None:
    with Registry(STORES[kind](lying)) as registry:
        full = run("peek", registry.target)
        ran = run("peek", registry.target, "--fast", "--verify")
    assert listed(ran) == listed(full)  # what the layer holds, not what is claimed
    assert "the publisher's index ({}) differs in 4 entries".format(kind) in last_line(ran)
    marked = [line for line in ran.out.splitlines() if line[:2] in ("! ", "  ")]
    assert [line[:14].strip() for line in marked] == [
        "! index only", "! layer only", "! differs", "claimed", "! differs", "claimed",
    ]  # fmt: skip
    assert marked[0].endswith("etc/\\x1b[31mshadow") and "\x1b" not in ran.out
    assert marked[1].endswith("./etc/passwd")
    assert marked[2].endswith("noise  [content]")
    assert "-rwxr-xr-x" in marked[4] and marked[4].endswith("su  [mode]")
    assert "-rwsr-xr-x" in marked[5]
    assert ran.code == 1


@pytest.mark.parametrize("kind", STORES)
def test_as_json(kind: str, run: Runner) -> None:
    with Registry(STORES[kind](lying)) as registry:
        ran = run("peek", registry.target, "--fast", "--verify", "--json")
    items = [check(line) for line in ran.out.splitlines()]
    found = {item["path"]: item for item in items if item["type"] == "index_difference"}
    assert [(item["change"], item["fields"]) for item in found.values()] == [
        ("claimed", []), ("unclaimed", []), ("changed", ["content"]), ("changed", ["mode"]),
    ]  # fmt: skip
    assert found["su"]["claimed"]["mode"] == "4755" and found["su"]["actual"]["mode"] == "0755"
    assert found["etc/passwd"]["claimed"] is None and found["etc/passwd"]["actual"]["path"] == "./etc/passwd"
    if kind != "SOCI v2":
        assert found["noise"]["claimed"]["sha256"] == "0" * 64
        assert found["noise"]["actual"]["sha256"] == digest_of(NOISE)[7:]
    end, summary = items[-2:]
    check_result = end["index_check"]
    assert (check_result["index"], check_result["agrees"], check_result["differences"]) == (kind, False, 4)
    assert end["verified"] and end["complete"] and end["index"] is None
    assert summary["exit_code"] == 1 and summary["complete"] and summary["verified"]
    assert summary["bytes_read"] == end["bytes_read"] + check_result["bytes_read"]


def test_lines_are_bounded(run: Runner) -> None:
    def many(entries: List[Dict[str, Any]]) -> None:
        entries += [{"name": "made/up/{}".format(number), "type": "fifo"} for number in range(150)]

    with Registry(estargz_store(many)) as registry:
        ran = run("peek", registry.target, "--fast", "--verify")
        as_json = run("peek", registry.target, "--fast", "--verify", "--json")
    assert ran.out.count("! index only") == 100
    assert "\n! 50 more paths differ (--json tells all).\n" in ran.out
    assert "differs in 150 entries" in last_line(ran)
    assert as_json.out.count('"index_difference"') == 150


def test_contents_that_are_not_claimed_are_told(run: Runner) -> None:
    def silent(entries: List[Dict[str, Any]]) -> None:
        for entry in entries:
            if entry["name"] == "su":
                entry.pop("digest")
                entry.pop("chunkDigest")
            if entry["name"] == "noise":
                entry.pop("digest", None)  # of several chunks, each has its own

    with Registry(estargz_store(silent)) as registry:
        ran = run("peek", registry.target, "--fast", "--verify")
    assert ran.code == 0
    assert last_line(ran).endswith("(eStargz) agrees; of the contents of 2 files it says nothing.")


def test_a_layer_without_an_index_is_listed_and_that_is_said(run: Runner) -> None:
    with Registry(blobs_image([gzip_of(tar_of(MEMBERS))])) as registry:
        ran = run("peek", registry.target, "--fast", "--verify")
        as_json = run("peek", registry.target, "--fast", "--verify", "--json")
    assert ran.code == 0 and last_line(ran).endswith("complete; no publisher's index.")
    assert json.loads(as_json.out.splitlines()[-2])["index_check"]["agrees"] is None


def test_an_index_that_cannot_be_used_is_not_agreed_to(run: Runner) -> None:
    with Registry(blobs_image([gzip_of(tar_of(MEMBERS))])) as registry:
        registry.fault("/referrers/", error(403, "DENIED", "not for you"))
        ran = run("peek", registry.target, "--fast", "--verify")
    assert "the publisher's index was NOT compared; NOTE: its index is not used: " in last_line(ran)
    assert ran.code == 3


def test_a_layer_that_cannot_be_read_whole_is_not_compared(run: Runner) -> None:
    layer = gzip_of(tar_of(MEMBERS[:-1]))
    store = soci_image([(layer, writer.ztoc_of(layer, 1 << 17))])
    store.blobs[digest_of(layer)] = layer[:-4] + bytes(4)
    with Registry(store) as registry:
        ran = run("peek", registry.target, "--fast", "--verify")
    assert "INCOMPLETE" in last_line(ran) and "the publisher's index (SOCI v2) was NOT compared" in last_line(ran)
    assert ran.code == 2


def test_a_layer_that_arrives_damaged_is_compared_by_its_second_reading(run: Runner) -> None:
    layer = gzip_of(tar_of(MEMBERS[:-1]))
    with Registry(soci_image([(layer, writer.ztoc_of(layer, 1 << 17))])) as registry:
        registry.fault("/blobs/" + digest_of(layer), altered(lambda body: body[:-4] + bytes(4)), 1)
        ran = run("peek", registry.target, "--fast", "--verify")
    assert "(SOCI v2) agrees" in last_line(ran) and "was read twice" in last_line(ran)
    assert ran.code == 0


def test_in_a_batch_one_that_differs_is_the_answer(run: Runner) -> None:
    with Registry(estargz_store(honest)) as good, Registry(estargz_store(lying)) as bad:
        (run.folder / "list").write_text("{}\n{}\n".format(good.target, bad.target))
        assert run("peek", "--batch", "list", "--fast", "--verify").code == 1


@pytest.mark.parametrize(
    "words",
    [["--peek-all", "--verify"], ["--verify"], ["--save-all", "--fast", "--verify"], ["--fast", "--verify"]],
    ids=" ".join,
)
def test_it_goes_with_fast_listings_only(words: List[str], run: Runner) -> None:
    ran = run("-t", "localhost:1/x", *words)
    assert ran.code == 2 and "--fast" in ran.err
    assert run("peek", "localhost:1/x", "--verify").code == 2
