"""--plan: what each layer would cost, from manifests and configs alone; and no more than that is fetched then."""

from __future__ import annotations

import json
from typing import Any, Dict, List

import pytest

from layerslayer.demo.image import Store, add_manifest, gzip_of, tar_of

from ...scenarios.test_budget import ALL, CACHING, IGNORED, LAYERS, LEAPING, SIZES, UPPER, VERBS, Images
from ...support import estargz_writer
from ...support.estargz_writer import estargz
from ...support.files import objects
from ...support.registry import NAME, Registry, store
from ...support.registry.faults import artifact, blobs_image, layer_digests, single_image
from ...support.registry.running import Ran, Runner
from ...support.registry.schema1 import schema1_image
from ...support.registry.sent import Wire, layers_of

ROW = "    {}  sha256:{}  {:>8}  {:>8}  {:>13}"


def rows(ran: Ran) -> List[Dict[str, Any]]:
    return objects(ran, "plan")


def total(ran: Ran) -> Dict[str, Any]:
    (item,) = objects(ran, "plan_total")
    return item


@pytest.mark.parametrize("verb", VERBS)
def test_no_verb_fetches_a_layer(run: Runner, verb: str) -> None:
    with Images() as images:
        ran = run(*images.words(verb), "--plan")
        as_json = run(*images.words(verb), "--plan", "--json")
        assert images.sent == 0
    assert (ran.code, as_json.code) == (0, 0)
    assert "Warning" not in ran.err
    items = rows(as_json)
    several = verb == "diff"
    assert len(items) == len(ran.out.splitlines()) - 2 - (verb in ("cat", "get")) == (5 if several else 3)
    costs = [item["at_most"] for item in items]
    assert costs == sorted(costs) and sum(costs) == total(as_json)["at_most"]
    assert [item["running_total"] for item in items] == [sum(costs[: n + 1]) for n in range(len(costs))]
    assert [item["fits"] for item in items] == [None] * len(items)
    assert json.loads(as_json.out.splitlines()[-1])["type"] == "summary"
    assert not (run.folder / "downloads").exists() and not (run.folder / "carved").exists()


@pytest.mark.parametrize("fast", [[], ["--fast"]])
@pytest.mark.parametrize("verb", VERBS)
def test_what_a_verb_fetches_then_is_no_more_than_that(run: Runner, verb: str, fast: List[str]) -> None:
    if fast and (verb == "diff" or "save" in verb):
        return
    with Images() as images:
        cache = ["--no-cache"] if verb in CACHING else []
        planned = total(run(*images.words(verb), *fast, *cache, "--plan", "--json"))
        run(*images.words(verb), *fast, *cache)
        # For several files a layer may be read again, as the plan says.
        assert 0 < images.sent <= planned["at_most"] * (2 if verb == "get" else 1)
        before, budget = images.sent, planned["at_most"] * (2 if verb == "get" else 1)
        elsewhere = ["-o", "elsewhere"] if "save" in verb else []
        ran = run(*images.words(verb), *fast, *cache, *elsewhere, "--budget", str(budget))
        assert ran.code in (0, 1) and images.sent - before <= budget


def test_the_table(run: Runner) -> None:
    with Registry(single_image(LAYERS)) as registry:
        ran = run("peek", registry.target, "--plan", "--budget", str(SIZES[1] + SIZES[2]))
        digests = [layer["digest"][7:19] for layer in layers_of(registry)]
    lines = ran.out.splitlines()
    assert lines[0].split() == ["Layer", "Digest", "Size", "At", "most", "Running", "total"]
    said = ["{:.1f} KB".format(size / 1000) for size in (*SIZES, SIZES[1] + SIZES[2], ALL)]
    assert lines[1] == ROW.format(2, digests[2], said[2], said[2], said[2])
    assert lines[2] == ROW.format(1, digests[1], said[1], said[1], said[3])
    assert lines[3] == ROW.format(0, digests[0], said[0], said[0], said[4]) + "  beyond the budget"
    assert lines[4] == "At most {0}, of {0} in 3 layers.".format(said[4])
    assert lines[5] == (
        "A budget of {} does for 2 of 3 layers in this order (--layer 1,2). "
        "In the image's order it may end in layer 1.".format(said[3])
    )


WITHIN = {
    "peek": (SIZES[0] + 1, "In the image's order it may end in layer 1."),
    "cat": (SIZES[1] + SIZES[2], "From the top down it may end in layer 0."),
    "save": (SIZES[0] + 1, "In the image's order layer 1 is the first that does not fit whole; it is not begun, "),
    "save as oci": (ALL - 1, "does not do, and the image is written whole or not at all."),
    "tree": (ALL, "does for all of it."),
}


@pytest.mark.parametrize("verb", WITHIN)
def test_what_a_budget_does_for(run: Runner, verb: str) -> None:
    budget, told = WITHIN[verb]
    with Images() as images:
        ran = run(*images.words(verb), "--plan", "--budget", str(budget))
        as_json = run(*images.words(verb), "--plan", "--budget", str(budget), "--json")
        really = run(*images.words(verb), "--budget", str(budget))
    assert told in ran.out.splitlines()[-1]
    assert (total(as_json)["ends_in"] is None) == (really.code == 0) == (verb == "tree")
    assert total(as_json)["budget"] == budget


def test_get_and_cat_say_that_they_may_stop_early(run: Runner) -> None:
    with Images() as images:
        for verb in ("get", "cat"):
            assert "reading stops at the file" in run(*images.words(verb), "--plan").out
        assert "reading stops" not in run(*images.words("tree"), "--plan").out


def test_what_is_known_costs_nothing_where_the_store_is_used(run: Runner) -> None:
    with Images() as images:
        run("tree", images.registry.target, "--layer", "0")
        for verb in VERBS:
            costs = {item["layer"]: item for item in rows(run(*images.words(verb), "--plan", "--json"))
                     if item["image"] == images.registry.target}  # fmt: skip
            free = verb in ("peek", "ls", "tree", "find", "deleted", "diff")
            assert costs[0]["at_most"] == (0 if free else SIZES[0]), verb
            assert bool(costs[0]["note"]) == (verb in CACHING)
        ran = run("tree", images.registry.target, "--plan", "--no-cache")
    assert "known" not in ran.out


def test_what_is_saved_already_costs_nothing(run: Runner) -> None:
    with Registry(single_image([UPPER, LAYERS[0], UPPER])) as registry:
        run("save", registry.target, "--layer", "1")
        ran = run("save", registry.target, "--plan", "--json")
    assert [(item["layer"], item["at_most"], item["note"]) for item in rows(ran)] == [
        (1, 0, "already there"),
        (2, 0, "the same as one before"),
        (0, SIZES[2], None),
    ]


def test_diff_does_not_count_what_both_begin_with(run: Runner) -> None:
    with Registry(single_image(LAYERS)) as old, Registry(single_image(LAYERS[:2])) as new:
        ran = run("diff", old.target, new.target, "--plan")
        full = run("diff", old.target, new.target, "--plan", "--full", "--json")
    assert ran.out.count("the same in both, not read") == 4
    assert "At most {:.1f} KB".format(SIZES[2] / 1000) in ran.out
    assert ran.out.count(old.target) == 3 and ran.out.count(new.target) == 2  # each row says of which image it is
    assert total(full)["at_most"] == ALL + SIZES[0] + SIZES[1]


def test_fast_says_what_leaps_and_indexes_may_spare(run: Runner) -> None:
    chunked = estargz([estargz_writer.File("x", bytes(100_000))], chunk=100_000)
    leaping = gzip_of(tar_of(LEAPING))
    content = blobs_image([chunked.blob, leaping])
    manifest = json.loads(content.manifests[content.tags[(NAME, "1.0")]].body.decode())
    manifest["layers"][0]["annotations"] = {"containerd.io/snapshot/stargz/toc.digest": chunked.toc_digest}
    content.tags[(NAME, "1.0")] = add_manifest(content, manifest)["digest"]
    with Registry(content) as registry:
        ran = run("peek", registry.target, "--plan", "--fast", "--json")
        wire = Wire(registry)
        assert run("peek", registry.target, "--fast").code == 0
        assert wire.layers < len(leaping)
        full = run("cat", registry.target, "x", "--plan", "--fast", "--verify", "--json")
    small, large = rows(ran)
    assert small["index"] == "eStargz" and "a few requests" in small["note"]
    assert len(chunked.blob) < small["at_most"] < len(chunked.blob) + 100
    assert large["index"] is None and large["note"] == "probably less, by leaps"
    assert large["at_most"] == len(leaping) * 105 // 100
    assert [item["at_most"] for item in rows(full)] == [len(chunked.blob), len(leaping)]


SPECIAL: Dict[str, Store] = {
    "unknown sizes": schema1_image([[LAYERS[2][1]], [LAYERS[2][1]]]),
    "encrypted": blobs_image([b"x" * 100], "application/vnd.oci.image.layer.v1.tar+gzip+encrypted"),
    "no tar": artifact(),
    "no layers": single_image([]),
}


@pytest.mark.parametrize("kind", SPECIAL)
def test_odd_images(run: Runner, kind: str) -> None:
    with Registry(SPECIAL[kind]) as registry:
        ran = run("peek", registry.target, "--plan", "--budget", "1K", "--fast")
        as_json = run("peek", registry.target, "--plan", "--budget", "1K", "--json")
    assert (ran.code, as_json.code) == (0, 0)
    costs = [item["at_most"] for item in rows(as_json)]
    assert costs == {"unknown sizes": [None, None], "encrypted": [0], "no tar": [18], "no layers": []}[kind]
    if kind == "unknown sizes":
        assert "Not all sizes are stated" in ran.out and "may end in layer 0" in ran.out
        assert [item["fits"] for item in rows(as_json)] == [False, False]
    else:
        assert "does for all of it" in ran.out


def test_many_platforms_and_many_images(run: Runner) -> None:
    with Registry() as registry:
        several = run("peek", registry.target, "--platform", "all", "--plan")
        (run.folder / "list").write_text("{0}\n{0}\n".format(registry.target))
        batch = run("tree", "--batch", "list", "--plan")
        asked = registry.asked("/blobs/(?:{})".format("|".join(layer_digests(store()))))
    assert several.code == batch.code == 0 and asked == []
    assert "linux/amd64" in several.out and "linux/arm64" in several.out
    assert batch.out.count("\nAt most") == 2


def test_a_failure_is_one_in_json_too(run: Runner) -> None:
    with Registry() as registry:
        ran = run("cat", registry.host + "/no/such", "x", "--plan", "--json")
    assert ran.code == 2 and json.loads(ran.out)["type"] == "error"


WRONG = {
    "no mode": ["--plan", "-t", "x"],
    "nothing to plan": ["find", "--everywhere", "x", "--plan"],
    "a verb that reads no layers": ["history", "x", "--plan"],
    "layers of an export": ["save", "127.0.0.1:1/x", "--plan", "--format", "oci", "--layer", "0"],
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_usage(run: Runner, case: str) -> None:
    ran = run(*WRONG[case])
    assert (ran.code, ran.out) == (2, "") and ran.err.startswith("Error: ")


def test_the_demo_has_a_plan(run: Runner) -> None:
    ran = run("--demo", "--peek-all", "--plan")
    assert ran.code == 0 and IGNORED.sub("", ran.out).splitlines()[-1] == "At most 124.9 KB, of 124.9 KB in 4 layers."
