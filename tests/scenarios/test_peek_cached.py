"""Listings of layers that were read before, by whichever verb; and what the first listing leaves behind."""

from __future__ import annotations

import json
from typing import List

import pytest

from layerslayer.demo.image import Member

from ..support.registry import Registry
from ..support.registry.faults import altered, flipped, single_image
from ..support.registry.running import Ran, Runner

LAYERS = [
    [Member("etc/passwd", body=b"root\n"), Member("etc/caf\udce9", body=b"x" * 70_000), Member("dev/")],
    [Member("opt/{}".format(number), body=b"%d" % number) for number in range(3000)],
]


IMAGE = single_image(LAYERS)
(MANIFEST,) = IMAGE.manifests.values()
DIGESTS = [layer["digest"] for layer in json.loads(MANIFEST.body.decode())["layers"]]


def listed(ran: Ran) -> List[str]:
    """All lines but the last of each layer."""
    return [line for line in ran.out.splitlines() if not line.startswith("= ")]


@pytest.mark.parametrize("words", [["--peek-all", "-t"], ["peek"]])
def test_a_second_listing_asks_for_no_blob(run: Runner, words: List[str]) -> None:
    with Registry(IMAGE) as registry:
        first = run(*words, registry.target)
        assert len(registry.asked("/blobs/")) == 3
        registry.requests.clear()
        second = run(*words, registry.target)
        assert len(registry.requests) == 1 and not registry.asked("/blobs/")
    assert first.code == second.code == 0
    assert listed(first) == listed(second) and len(listed(first)) > 3000
    assert first.out.count("digest verified; complete.") == 2
    ends = [line for line in second.out.splitlines() if line.startswith("= ")]
    assert all(
        "; read 0 of " in end and end.endswith("known from an earlier verified reading; complete.") for end in ends
    )


def test_what_peek_learnt_serves_other_verbs_and_theirs_serves_peek(run: Runner) -> None:
    with Registry(IMAGE) as registry:
        run("peek", registry.target, "--layer", "0")
        run("tree", registry.target)
        assert len(registry.asked("/blobs/")) == 3  # the config, and each layer once
        registry.requests.clear()
        shown = run("peek", registry.target, "--json")
        got = run("get", registry.target, "etc/passwd", "--json")
        assert len(registry.asked("/blobs/")) == 1
    ends = [json.loads(line) for line in shown.out.splitlines() if '"layer_end"' in line]
    assert [(end["bytes_read"], end["verified"], end["complete"]) for end in ends] == [(0, True, True)] * 2
    assert json.loads(got.out.splitlines()[-1])["checked"] == 1


def test_without_the_cache_all_is_read_each_time(run: Runner) -> None:
    with Registry(IMAGE) as registry:
        first, second = (run("peek", registry.target, "--no-cache") for _ in "12")
        assert len(registry.asked("/blobs/")) == 6
    assert first.out == second.out and not run.cache.exists()


def test_the_cache_may_be_elsewhere(run: Runner) -> None:
    with Registry(IMAGE) as registry:
        for _ in "12":
            run("--peek-all", "-t", registry.target, "--cache-dir", "elsewhere")
        assert len(registry.asked("/blobs/")) == 3
    assert (run.folder / "elsewhere").is_dir() and not run.cache.exists()


def test_a_conversation_uses_the_cache(run: Runner) -> None:
    with Registry(IMAGE) as registry:
        for _ in "12":
            assert run("-t", registry.target, "--layer", "0", typed="n\n").code == 0
        assert len([item for item in registry.asked("/blobs/") if DIGESTS[0] in item.path]) == 1


def test_a_layer_that_is_not_right_is_not_kept(run: Runner) -> None:
    with Registry(IMAGE) as registry:
        registry.fault(DIGESTS[0], altered(flipped), times=2)
        assert run("peek", registry.target).code == 3
        second = run("peek", registry.target)
    assert second.code == 0
    assert second.out.count("digest verified") == 1 and second.out.count("known from an earlier") == 1


def test_what_arrives_damaged_once_is_kept_as_it_is(run: Runner) -> None:
    with Registry(IMAGE) as registry:
        registry.fault(DIGESTS[1], altered(flipped), times=1)
        first = run("peek", registry.target)
        second = run("peek", registry.target)
    assert "it arrived damaged and was read twice" in first.out and "twice" not in second.out
    assert first.code == second.code == 0 and listed(first) == listed(second)


@pytest.mark.parametrize("verb", ["save", "history", "config", "manifest", "tags", "referrers", "peek", "ls"])
def test_every_verb_takes_the_flags_of_the_cache(run: Runner, verb: str) -> None:
    with Registry(IMAGE) as registry:
        assert run(verb, registry.target, "--no-cache", "--cache-dir", "nowhere").code in (0, 1)
    assert not (run.folder / "nowhere").exists()
