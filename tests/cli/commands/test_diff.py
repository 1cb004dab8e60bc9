"""diff: two images, and nothing fetched of what they share."""

from __future__ import annotations

from ...support.files import BASE, UPPER, digests_of, file, objects, two_images
from ...support.registry import Registry
from ...support.registry.running import Runner


def test_diff_of_images_that_share_a_base_fetches_nothing_of_it(run: Runner) -> None:
    with Registry(
        two_images([BASE, UPPER], [BASE, [file("etc/passwd", b"root\nyou\n"), file("etc/.wh.hard")]])
    ) as registry:
        old, new = registry.host + "/demo/shop:1.0", registry.host + "/demo/shop:2.0"
        ran = run("diff", old, new)
        base = digests_of(registry, "1.0")[0]
        assert registry.asked(base) == []
        full = run("diff", old, new, "--full", "--json", "--no-cache")
        same = run("diff", old, old)
        below = run("diff", old, new, "/srv", "--no-cache")
        assert len(registry.asked(base)) == 2  # by --full, for each of the two
        run("ls", old)
        known = run("diff", old, new, "--json")
    assert ran.code == 1
    assert [(line[0], line.split()[-1] if line[-1] != "]" else line.split()[-2]) for line in ran.out.splitlines()] == [
        ("-", "etc/hard"), ("+", "etc/motd"), ("~", "etc/passwd"), ("!", "srv/new"),
    ]  # fmt: skip
    changes = {item["path"]: (item["change"], item["fields"]) for item in objects(full, "difference")}
    assert changes == {
        "etc/hard": ("removed", []),
        "etc/motd": ("added", []),
        "etc/passwd": ("changed", ["size"]),
        "srv": ("removed", []),
        "srv/new": ("removed", []),
    }
    assert same.code == 0 and same.out == ""
    assert objects(known, "difference") == objects(full, "difference")  # the base is known by now
    assert len(below.out.splitlines()) == 1


def test_same_size_and_other_content_differs(run: Runner) -> None:
    with Registry(two_images([[file("a", b"one")]], [[file("a", b"two")]])) as registry:
        ran = run("diff", registry.host + "/demo/shop:1.0", registry.host + "/demo/shop:2.0")
    assert ran.out.endswith("a  [content]\n")


def test_diff_follows_its_path_and_says_when_there_is_none(run: Runner) -> None:
    with Registry(two_images([BASE], [BASE, [file("usr/bin/more")]])) as registry:
        old, new = registry.host + "/demo/shop:1.0", registry.host + "/demo/shop:2.0"
        blind = run("diff", old, new, "bin/../x")
        linked = run("diff", old, new, "/bin", "--full")
        absent = run("diff", old, new, "/nope")
        up = run("diff", old, new, "etc/../bin")
        first = run("diff", old, new, "--layer", "0", "--no-cache")
    assert (blind.code, blind.out) == (2, "") and "'..'" in blind.err
    assert linked.code == up.code == 1 and linked.out == up.out and linked.out.endswith(" usr/bin/more\n")
    assert absent.code == 2 and "neither image has a path" in absent.err.lower()
    assert (first.code, first.out) == (0, "")
