"""cache: what is kept between runs, shown and forgotten."""

from __future__ import annotations

import sqlite3

import pytest

from ...support.files import BASE, UPPER, digests_of, objects
from ...support.registry import Registry
from ...support.registry.faults import altered, flipped, single_image
from ...support.registry.running import Runner


def test_the_second_time_no_blob_is_asked_for(run: Runner) -> None:
    with Registry(single_image([BASE, UPPER])) as registry:
        first = run("tree", registry.target, "--json")
        asked = len(registry.asked("/blobs/"))
        second = run("tree", registry.target, "--json")
        found = run("find", registry.target, "passwd")
        assert len(registry.asked("/blobs/")) == asked
        fresh = run("tree", registry.target, "--json", "--no-cache")
        assert len(registry.asked("/blobs/")) == asked + 3
    assert objects(first, "entry") == objects(second, "entry") == objects(fresh, "entry")
    assert found.code == 0 and "known from earlier verified readings" in found.err
    assert objects(second, "summary")[0]["bytes_read"] == 0 and objects(second, "summary")[0]["verified"]


def test_the_cache_can_be_shown_and_cleared(run: Runner) -> None:
    with Registry(single_image([BASE, UPPER])) as registry:
        run("tree", registry.target)
        shown = run("cache")
        asked = len(registry.asked("/blobs/"))
        cleared = run("cache", "clear")
        run("tree", registry.target)
        assert len(registry.asked("/blobs/")) == asked + 3
    assert shown.out.count("sha256:") == 2 and "2 layers are known" in shown.err
    assert cleared.code == 0 and "Forgot" in cleared.err
    assert [item["type"] for item in objects(run("cache", "show", "--json"))] == ["known_layer"] * 2 + ["summary"]
    assert run("cache", "burn").code == 2
    assert run("cache", "--no-cache").code == 2


def test_a_corrupt_layer_is_not_remembered(run: Runner) -> None:
    content = single_image([BASE])
    with Registry(content) as registry:
        digest = digests_of(registry, "1.0")[0]
        registry.fault("/blobs/" + digest, altered(flipped), 2)
        bad = run("ls", registry.target)
        good = run("ls", registry.target)
    assert (bad.code, good.code) == (2, 0)


def test_a_cache_that_cannot_be_cleared_is_no_success(run: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    with Registry(single_image([BASE])) as registry:
        run("tree", registry.target)
    monkeypatch.setattr("layerslayer.cache.sqlite_file._BUSY", 0.01)
    with sqlite3.connect(str(run.cache / "layers.sqlite"), isolation_level=None) as other:
        other.execute("BEGIN EXCLUSIVE")
        ran = run("cache", "clear")
        other.execute("ROLLBACK")
    assert ran.code == 2 and "nothing was forgotten" in ran.err.lower()
