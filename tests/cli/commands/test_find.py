"""find: live and deleted paths, by globs, types and sizes, here or in every layer ever read."""

from __future__ import annotations

from ...support.files import BASE, UPPER, objects
from ...support.registry import Registry
from ...support.registry.faults import single_image
from ...support.registry.running import Runner


def test_find_tells_live_from_deleted(run: Runner) -> None:
    with Registry(single_image([BASE, UPPER])) as registry:
        ran = run("find", registry.target, "motd", "/srv/**")
        nothing = run("find", registry.target, "nope")
        larger = run("find", registry.target, "*", "--larger", "1M", "--type", "f")
        pattern = run("find", registry.target, "--regex", "^/etc/p", "--json")
    assert ["etc/motd  [deleted by L1]" in line or "srv/new" in line for line in ran.out.splitlines()] == [True, True]
    assert (nothing.code, nothing.out) == (1, "")
    assert [line.split()[6] for line in larger.out.splitlines()] == ["big"]
    assert [(item["path"], item["layer"], item["state"]) for item in objects(pattern, "entry")] == [
        ("etc/passwd", 1, "live"),
        ("etc/passwd", 0, "replaced"),
    ]


def test_find_everywhere_searches_all_layers_ever_read(run: Runner) -> None:
    with Registry(single_image([BASE, UPPER])) as registry:
        run("tree", registry.target)
    ran = run("find", "--everywhere", "motd")
    assert ran.code == 0 and "etc/motd" in ran.out and "Searched 2 layers" in ran.err
    assert run("find", "--everywhere", "nope").code == 1
    assert objects(run("find", "--everywhere", "passwd", "--json"), "entry")[0]["layer_digest"].startswith("sha256:")
    assert run("find", "--everywhere", "x", "--no-cache").code == 2


def test_find_needs_no_glob_where_types_or_sizes_are_asked_for(run: Runner) -> None:
    with Registry(single_image([BASE])) as registry:
        ran = run("find", registry.target, "--larger", "1M", "--type", "f")
    none = run("find", "x")
    everywhere = run("find", "--everywhere", "--type", "d")
    assert [line.split()[6] for line in ran.out.splitlines()] == ["big"]
    assert none.code == 2 and "--type or --larger" in none.err
    assert [line.split()[6] for line in everywhere.out.splitlines()] == ["etc/", "usr/bin/"]
