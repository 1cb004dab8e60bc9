"""What all verbs have in common: usage, help, failures, JSON Lines."""

from __future__ import annotations

import json
from typing import List

import pytest

from layerslayer.demo.image import Member

from ..support.files import BASE, UPPER, file, objects
from ..support.registry import Registry, store
from ..support.registry.faults import blobs_image, layer_digests, single_image
from ..support.registry.running import Runner


def test_peek_all_json_is_a_full_inventory(run: Runner) -> None:
    odd = [Member("caf\udce9", body=b"x"), file("a")]
    with Registry(single_image([odd, UPPER])) as registry:
        ran = run("peek", registry.target, "--json", "--no-cache")
        classic = run("-t", registry.target, "--peek-all", "--json", "--no-cache")
    assert ran.out == classic.out
    assert [item["type"] for item in objects(ran)] == [
        "image", "layer", "entry", "entry", "layer_end", "layer", "entry", "entry", "entry", "layer_end", "summary",
    ]  # fmt: skip
    first = objects(ran, "entry")[0]
    assert first["path"] == "caf\ufffd" and first["path_base64"] == "Y2Fm6Q=="
    assert objects(ran, "entry")[2]["deletes"] == "etc/motd"
    assert objects(ran, "summary")[0]["complete"] is True


@pytest.mark.parametrize(
    "words, told",
    [
        (["ls"], "No image is named"),
        (["find", "x"], "No glob is named"),
        (["cat", "x"], "No path is named"),
        (["diff", "x"], "No image2 is named"),
        (["deleted", "x", "y"], "too many words"),
        (["find", "x", "y", "--type", "q"], "type"),
        (["find", "x", "y", "--larger", "many"], "size"),
        (["-q", "ls", "x"], "The verb comes first"),
        (["frobnicate"], "is no verb"),
        (["ls", "x", "--platform", "all"], "one platform at a time"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_wrong_usage_is_one_sentence(run: Runner, words: List[str], told: str) -> None:
    with Registry(single_image([BASE])) as registry:
        ran = run(*[registry.target if word == "x" and words[0] != "find" else word for word in words])
    assert (ran.code, ran.out) == (2, "")
    assert told in ran.err and "Traceback" not in ran.err


def test_every_verb_has_a_help_of_its_own(run: Runner) -> None:
    for verb in ("peek", "save", "ls", "tree", "find", "get", "cat", "deleted", "diff"):
        ran = run(verb, "--help")
        assert ran.code == 0 and ran.out.startswith("usage: layerslayer {} IMAGE".format(verb))


def test_history_config_and_manifest_read_no_layer(run: Runner) -> None:
    content = store()
    with Registry(content) as registry:
        platform = ["--platform", "linux/amd64"]
        history = run("history", registry.target, *platform)
        dockerfile = run("history", registry.target, "--dockerfile", *platform)
        config = run("config", registry.target, *platform)
        index = run("manifest", registry.target)
        own = run("manifest", registry.target, *platform)
        assert all(registry.asked(digest) == [] for digest in layer_digests(content))
    assert [ran.code for ran in (history, dockerfile, config, index, own)] == [0] * 5
    assert "rm /etc/motd" in history.out and "RUN" in dockerfile.out
    assert "SHOP_ENV=production" in config.out
    assert index.out.encode() == content.manifests[content.tags[("demo/shop", "1.0")]].body
    assert "layers" in json.loads(own.out)
    assert "\\x0a" not in own.err and own.err.rstrip().endswith(" bytes")


def test_with_json_a_failure_is_an_object_too(run: Runner) -> None:
    failed = run("ls", "oci:nowhere", "--json")
    to_stdout = run("cat", "oci:nowhere", "x", "--json")
    (told,) = objects(failed)
    assert (failed.code, told["type"], told["image"]) == (2, "error", "oci:nowhere")
    assert "does not exist" in told["message"]
    assert (to_stdout.code, to_stdout.out) == (2, "")


def test_a_layer_that_is_no_tar_is_missed_by_no_view_in_silence(run: Runner) -> None:
    with Registry(blobs_image([b"\0asm" + bytes(600)], media_type="application/wasm")) as registry:
        ran = run("tree", registry.target)
    assert ran.code == 0 and "Layer 0 is no tar (application/wasm) and not in the view." in ran.err
