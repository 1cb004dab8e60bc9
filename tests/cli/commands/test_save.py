"""``--save-all``: what is on the disk afterwards, and what was fetched for it."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Dict, List

import pytest

from layerslayer.demo.image import Member, gzip_of, tar_of
from layerslayer.demo.registry import Response

from ...support.registry import Registry, store
from ...support.registry.faults import altered, any_of, artifact, blobs_image, cut, flipped, layer_digests
from ...support.registry.running import Ran, Runner

AMD64 = ("--platform", "linux/amd64")


def files_of(folder: Path) -> Dict[str, bytes]:
    """Return every file below ``folder`` by its relative path."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()
    }


def saved(run: Runner, registry: Registry, *more: str) -> Ran:
    return run("--save-all", "-t", registry.target, *more)


def folder_of(registry: Registry) -> str:
    return "downloads/{}_demo_shop/1.0".format(registry.host.replace(":", "_"))


def layer_requests(registry: Registry) -> List[str]:
    return [item.path for item in registry.asked(any_of(layer_digests(store())))]


def test_the_files_are_the_blobs(run: Runner) -> None:
    with Registry(challenge=True) as registry:
        ran = saved(run, registry, *AMD64)
    assert ran.code == 0
    files = files_of(run.folder)
    digests = layer_digests(store())
    base = folder_of(registry)
    names = ["{}/{}_{}.tar.gz".format(base, number, digest[7:]) for number, digest in enumerate(digests)]
    assert sorted(files) == sorted([*names, base + "/manifest.json", base + "/config.json"])
    for name, digest in zip(names, digests):
        assert "sha256:" + hashlib.sha256(files[name]).hexdigest() == digest
    manifest = json.loads(files[base + "/manifest.json"].decode())
    assert [layer["digest"] for layer in manifest["layers"]] == digests
    assert manifest["config"]["digest"] == "sha256:" + hashlib.sha256(files[base + "/config.json"]).hexdigest()
    assert [line[:6] for line in ran.out.splitlines()] == ["saved "] * 4
    assert ran.out.count("digest verified") == 4
    assert [name in line for name, line in zip(names, ran.out.replace("\\", "/").splitlines())] == [True] * 4


def test_a_second_run_keeps_all_and_fetches_no_layer(run: Runner) -> None:
    with Registry() as registry:
        saved(run, registry, *AMD64)
        before, asked = files_of(run.folder), len(layer_requests(registry))
        ran = saved(run, registry, *AMD64)
        assert len(layer_requests(registry)) == asked == 4
    assert ran.code == 0
    assert [line[:6] for line in ran.out.splitlines()] == ["kept  "] * 4
    assert files_of(run.folder) == before


@pytest.mark.parametrize("change", [flipped, lambda body: body[:-1], lambda body: b""], ids=["bytes", "short", "empty"])
def test_a_wrong_file_is_replaced(run: Runner, change: object) -> None:
    with Registry() as registry:
        saved(run, registry, *AMD64)
        before = files_of(run.folder)
        victim = next(name for name in before if "/2_" in name)
        (run.folder / victim).write_bytes(change(before[victim]))  # type: ignore[operator]
        ran = saved(run, registry, *AMD64)
    assert ran.code == 0
    assert [line[:5] for line in ran.out.splitlines()] == ["kept ", "kept ", "saved", "kept "]
    assert files_of(run.folder) == before


@pytest.mark.parametrize(
    ("fault", "is_kept"),  # what arrived, for the next run
    [(altered(flipped), 0), (altered(lambda body: body + b"x"), 0), (cut(60), 1), (Response(500, {}, b""), 0)],
    ids=["other bytes", "longer", "cut", "server error"],
)
def test_a_broken_layer_leaves_nothing_under_a_final_name(run: Runner, fault: object, is_kept: int) -> None:
    digests = layer_digests(store())
    with Registry() as registry:
        registry.fault(any_of(digests[3:]), fault)  # type: ignore[arg-type]
        ran = saved(run, registry, *AMD64)
    assert ran.code == 3
    names = [name.rpartition("/")[2] for name in files_of(run.folder)]
    begun = [name for name in names if name.endswith(".part")]
    assert len(names) - len(begun) == 5 and not [name for name in names if digests[3][7:] in name]
    assert len(begun) == is_kept
    assert ran.err.count("Warning: Layer 3 was not saved: ") == 1
    assert len(ran.out.splitlines()) == 3


def test_nothing_but_broken_layers(run: Runner) -> None:
    with Registry() as registry:
        registry.fault(any_of(layer_digests(store())), altered(flipped))
        ran = saved(run, registry, *AMD64)
    assert (ran.code, ran.out) == (2, "")
    assert sorted(name.rpartition("/")[2] for name in files_of(run.folder)) == ["config.json", "manifest.json"]


def test_a_digest_that_recurs_is_fetched_and_saved_once(run: Runner) -> None:
    one, two = gzip_of(tar_of([Member("one")])), gzip_of(tar_of([Member("two")]))
    with Registry(blobs_image([one, two, one, one])) as registry:
        ran = saved(run, registry)
        assert len(registry.asked("/blobs/")) == 3  # and the config
    assert ran.code == 0
    names = [name.rpartition("/")[2] for name in files_of(run.folder)]
    assert sorted(name[:2] for name in names if name[0].isdigit()) == ["0_", "1_"]


def test_what_is_no_tar_becomes_a_blob(run: Runner) -> None:
    with Registry(artifact(b"plain text")) as registry:
        ran = saved(run, registry)
    assert ran.code == 0
    files = {name.rpartition("/")[2]: body for name, body in files_of(run.folder).items()}
    digest = hashlib.sha256(b"plain text").hexdigest()
    assert files["0_{}.blob".format(digest)] == b"plain text"
    assert files["config.json"] == b"{}"


def test_an_uncompressed_layer_is_called_a_tar_whatever_its_media_type_says(run: Runner) -> None:
    with Registry(blobs_image([tar_of([Member("a")])])) as registry:
        assert saved(run, registry).code == 0
    assert [name.rpartition(".")[2] for name in files_of(run.folder) if "/0_" in name] == ["tar"]


def test_each_platform_has_its_folder(run: Runner) -> None:
    with Registry() as registry:
        assert saved(run, registry, "--platform", "ALL").code == 0
    folders = {name.split("/")[-2] for name in files_of(run.folder)}
    assert folders == {"linux_amd64", "linux_arm64"}
    assert len(files_of(run.folder)) == 12


def test_output_dir_and_layer(run: Runner) -> None:
    with Registry() as registry:
        ran = saved(run, registry, *AMD64, "--layer", "1", "-o", "here/and there")
    assert ran.code == 0
    names = list(files_of(run.folder))
    assert len(names) == 3 and all(name.startswith("here/and there/") for name in names)
    assert re.fullmatch(r"saved here.*1_[0-9a-f]{64}\.tar\.gz  [\d.]+ KB, digest verified\n", ran.out)


def test_a_folder_that_cannot_be_made(run: Runner) -> None:
    (run.folder / "file").write_text("in the way")
    with Registry() as registry:
        ran = saved(run, registry, *AMD64, "-o", "file")
        assert layer_requests(registry) == []
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.count("Error: The folder ") == 1 and "-o" in ran.err
    assert (run.folder / "file").read_text() == "in the way"


def test_a_folder_in_place_of_a_file(run: Runner) -> None:
    with Registry() as registry:
        name = "{}/0_{}.tar.gz".format(folder_of(registry), layer_digests(store())[0][7:])
        (run.folder / name / "sub").mkdir(parents=True)
        ran = saved(run, registry, *AMD64)
    assert ran.code == 3
    assert ran.err.count("Warning: Layer 0 was not saved: ") == 1
    assert not [found for found in files_of(run.folder) if found.endswith(".part")]


def test_by_digest_the_folder_is_named_by_it(run: Runner) -> None:
    with Registry() as registry:
        digest = registry.store.tags[("demo/shop", "1.0")]
        ran = run("--save-all", "-t", "{}/demo/shop@{}".format(registry.host, digest), *AMD64, "--layer", "3")
    assert ran.code == 0
    assert {name.split("/")[-2] for name in files_of(run.folder)} == {digest.replace(":", "-")}


def test_what_broke_off_is_gone_on_with(run: Runner) -> None:
    layer = layer_digests(store())[0]
    with Registry() as registry:
        registry.fault(any_of([layer]), cut(40000), times=6)
        assert saved(run, registry, *AMD64).code == 3
        before = len(registry.asked(any_of([layer])))
        ran = saved(run, registry, *AMD64)
        asked = registry.asked(any_of([layer]))[before:]
    assert ran.code == 0
    assert [item.headers.get("range", "").partition("-")[0] for item in asked] == ["bytes=40000"]
    assert not [name for name in files_of(run.folder) if name.endswith(".part")]


def test_a_layer_damaged_on_its_way_is_fetched_once_more(run: Runner) -> None:
    layer = layer_digests(store())[0]
    with Registry() as registry:
        registry.fault(any_of([layer]), altered(flipped), times=1)
        ran = saved(run, registry, *AMD64)
        assert (ran.code, len(registry.asked(any_of([layer])))) == (0, 2)
