"""--fast: a publisher's index is believed, said so, and never kept."""

from __future__ import annotations

import json
import os
import tarfile

import pytest

from layerslayer.demo.registry import Response

from ..support import estargz_writer
from ..support.estargz_writer import File, estargz
from ..support.registry import Registry
from ..support.registry.faults import blobs_image, single_image
from ..support.registry.running import Ran, Runner

NOISE = os.urandom(400_000)
LAYER = estargz([
    File("etc/", kind=tarfile.DIRTYPE, mode=0o755), File("etc/passwd", b"root\n"), File("noise", NOISE),
    File("etc/link", kind=tarfile.SYMTYPE, target="passwd"),
], chunk=100_000)  # fmt: skip


def entries(ran: Ran) -> list[str]:
    own = ("stargz.index.json", ".no.prefetch.landmark")
    return [line for line in ran.out.splitlines() if line[:1] in "-dlh" and not line.endswith(own)]


def test_a_fast_listing_equals_the_full_one_and_reads_little(run: Runner) -> None:
    with Registry(blobs_image([LAYER.blob])) as registry:
        full = run("-t", registry.target, "--peek-all", "--no-cache")
        fast = run("-t", registry.target, "--peek-all", "--fast")
        as_json = run("peek", registry.target, "--fast", "--json")
    assert entries(fast) == entries(full) != []
    assert "digest NOT verified; as the publisher's index claims (eStargz)." in fast.out
    summary = json.loads(as_json.out.splitlines()[-1])
    assert summary["bytes_read"] < len(LAYER.blob) * 0.03 and not summary["verified"] and summary["complete"]


def test_files_come_from_their_chunks(run: Runner) -> None:
    with Registry(blobs_image([LAYER.blob])) as registry:
        assert run("cat", registry.target, "/etc/link", "--fast").out == "root\n"
        assert run("get", registry.target, "noise", "/etc", "--fast", "-o", "out").code == 0
    assert (run.folder / "out/noise").read_bytes() == NOISE
    assert (run.folder / "out/etc/passwd").read_bytes() == b"root\n"


def test_what_an_index_claims_is_not_kept(run: Runner) -> None:
    with Registry(blobs_image([LAYER.blob])) as registry:
        fast = run("tree", registry.target, "--fast")
        assert "claims (eStargz)" in fast.err
        assert "known from earlier" not in run("tree", registry.target).err
        assert "known from earlier" in run("tree", registry.target, "--fast").err


def test_layers_without_an_index_are_read_in_full(run: Runner) -> None:
    from ..support.files import BASE

    with Registry(single_image([BASE])) as registry:
        ran = run("ls", registry.target, "--fast")
    assert ran.code == 0 and "digests verified" in ran.err


def test_a_registry_without_ranges_is_read_in_full(run: Runner) -> None:
    with Registry(blobs_image([LAYER.blob])) as registry:

        def whole(request: object, normal: object) -> Response:
            getattr(request, "headers", {}).pop("range", None)
            return normal()  # type: ignore[operator,no-any-return]

        registry.fault("/blobs/", whole)
        ran = run("-t", registry.target, "--peek-all", "--fast")
    assert ran.code == 0
    assert "digest verified; complete; NOTE: its index is not used" in ran.out


def test_a_name_that_no_bytes_make_is_carried_all_the_same(run: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    dumps = json.dumps
    with monkeypatch.context() as patched:
        patched.setattr(estargz_writer.json, "dumps", lambda toc: dumps(toc).replace("SURROGATE", "\\ud800"))
        blob = estargz([File("SURROGATE", b"hello"), File("noise", NOISE)]).blob
    with Registry(blobs_image([blob])) as registry:
        listed = run("tree", registry.target, "--fast", "--json", "--cache-dir", "c")
        peeked = run("peek", registry.target, "--fast", "--json")
        got = run("get", registry.target, "**", "--fast", "-o", "out", "--cache-dir", "c")
    assert [listed.code, peeked.code, got.code] == [0, 0, 0]
    items = [json.loads(line) for line in listed.out.splitlines()]
    assert [item["path_base64"] for item in items if "path_base64" in item] == ["7aCA"]
    assert (run.folder / "out/%ED%A0%80").read_bytes() == b"hello"
