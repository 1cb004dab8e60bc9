"""The verbs of the merged view, from the command line to the registry and back."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import tarfile
from typing import Any, Dict, List

import pytest

from layerslayer.demo.image import Member

from ..registry import Registry, store
from ..registry.faults import altered, blobs_image, flipped, layer_digests, single_image
from ..registry.running import Ran, Runner


def directory(name: str) -> Member:
    return Member(name, tarfile.DIRTYPE, 0o755)


def file(name: str, body: bytes = b"x\n", mode: int = 0o644) -> Member:
    return Member(name, body=body, mode=mode)


def link(name: str, target: str, kind: bytes = tarfile.SYMTYPE) -> Member:
    return Member(name, kind, 0o777, target=target)


BASE = [
    link("bin", "usr/bin"),
    directory("etc/"),
    file("etc/motd", b"old\n"),
    file("etc/passwd", b"root\n"),
    directory("usr/bin/"),
    file("usr/bin/tool", b"#!tool\n", 0o4755),
    link("usr/bin/sh", "tool"),
    link("etc/hard", "etc/passwd", tarfile.LNKTYPE),
    link("loop", "loop"),
    link("escape", "../../../../etc/passwd"),
    file("big", bytes(3_000_000)),
]
UPPER = [file("etc/.wh.motd", b""), file("etc/passwd", b"root\nme\n"), file("srv/new", b"new\n")]


def objects(ran: Ran, kind: str = "") -> List[Dict[str, Any]]:
    found = [json.loads(line) for line in ran.out.splitlines()]
    return [item for item in found if not kind or item["type"] == kind]


def test_ls_shows_a_directory_of_the_merged_view(run: Runner) -> None:
    with Registry(single_image([BASE, UPPER])) as registry:
        ran = run("ls", registry.target, "/etc")
        linked = run("ls", registry.target, "bin")
        one = run("ls", registry.target, "bin/sh")
        absent = run("ls", registry.target, "/nope")
    assert [(line.split()[0], line.split()[6:]) for line in ran.out.splitlines()] == [
        ("L0", ["hard", "->", "etc/passwd"]),
        ("L1", ["passwd"]),
    ]
    assert [line.split()[6] for line in linked.out.splitlines()] == ["sh", "tool"]
    assert one.out.split()[6] == "usr/bin/tool"
    assert (absent.code, absent.out) == (1, "")
    assert "no path '/nope'" in absent.err


def test_tree_sums_sizes_and_stops_at_a_depth(run: Runner) -> None:
    with Registry(single_image([BASE, UPPER])) as registry:
        whole = run("tree", registry.target)
        ran = run("tree", registry.target, "/", "--depth", "1")
    assert "etc/  13 B  L0" in ran.out  # with what etc/hard still leads to
    assert "── passwd" not in ran.out
    assert len(whole.out.splitlines()) == 1 + len({item["path"] for item in _all(whole, run, BASE, UPPER)})


def _all(ran: Ran, run: Runner, *layers: List[Member]) -> List[Dict[str, Any]]:
    with Registry(single_image(layers)) as registry:
        return objects(run("tree", registry.target, "--json"), "entry")


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


def test_deleted_gives_the_command_that_gets_it_back(run: Runner) -> None:
    with Registry(single_image([BASE, UPPER])) as registry:
        ran = run("deleted", registry.target)
        commands = [line.split() for line in ran.out.splitlines() if line.startswith("    layerslayer ")]
        assert [words[-1] for words in commands] == ["/etc/motd", "/etc/passwd"]
        assert run(*commands[0][1:]).code == 0
        assert (run.folder / "carved/etc/motd").read_bytes() == b"old\n"
        removed = objects(run("deleted", registry.target, "--json"), "removed")
    assert [(item["path"], item["layer"], item["removed_by"], item["state"]) for item in removed] == [
        ("etc/motd", 0, 1, "deleted"),
        ("etc/passwd", 0, 1, "replaced"),
    ]


@pytest.mark.skipif(not os.path.exists("/bin/bash"), reason="needs a shell that knows $'...'")
def test_the_command_gets_names_back_that_cannot_be_shown(run: Runner) -> None:
    names = ["a\nb", "\x1b[31m", "\udcff", "\u65e5", "\u202e", "it's\t", "back\\\x01", "st*r", "[a]", "$(x)", "a b"]
    layers = [[file(name, ascii(name).encode()) for name in names]]
    with Registry(single_image([*layers, [file(".wh." + name, b"") for name in names]])) as registry:
        commands = [item["command"] for item in objects(run("deleted", registry.target, "--json"), "removed")]
        assert len(commands) == len(names)
        for command in commands:
            script = 'layerslayer() {{ printf "%s\\0" "$@"; }}; {}'.format(command)
            said = subprocess.run(["/bin/bash", "-c", script], stdout=subprocess.PIPE, check=True).stdout
            path = said.split(b"\0")[-2].decode("utf-8", "surrogateescape")
            assert run("cat", "--layer", "0", registry.target, path).out == ascii(path[1:])
            names.remove(path[1:])
    assert names == []


@pytest.mark.parametrize(
    "path, body",
    [
        ("/etc/passwd", b"root\nme\n"),
        ("etc/hard", b"root\n"),
        ("/bin/sh", b"#!tool\n"),
        ("usr/bin/sh", b"#!tool\n"),
        ("/escape", b"root\nme\n"),
        ("srv/new", b"new\n"),
    ],
)
def test_cat_opens_what_a_container_would(run: Runner, path: str, body: bytes) -> None:
    with Registry(single_image([BASE, UPPER])) as registry:
        ran = run("cat", registry.target, path)
    assert (ran.code, ran.out.encode()) == (0, body)


@pytest.mark.parametrize("path", ["/etc/motd", "/nope", "/loop", "/loop/x", "/etc/passwd/x", "../x"])
def test_cat_says_no(run: Runner, path: str) -> None:
    with Registry(single_image([BASE, UPPER])) as registry:
        ran = run("cat", registry.target, path)
    assert (ran.code, ran.out) == (1, "")
    assert "was not got" in ran.err


def test_an_older_version_comes_from_its_layer(run: Runner) -> None:
    with Registry(single_image([BASE, UPPER])) as registry:
        assert run("cat", registry.target, "/etc/passwd", "--layer", "0").out == "root\n"
        assert run("cat", registry.target, "/etc/motd", "--layer", "0").out == "old\n"


def test_a_file_is_had_without_the_rest_of_its_layer(run: Runner) -> None:
    noise = os.urandom(6_000_000)
    layers = [[file("etc/passwd", b"root\n"), file("noise", noise)]]
    with Registry(single_image(layers)) as registry:
        ran = run("get", registry.target, "/etc/passwd", "--json")
        whole = run("get", registry.target, "/etc/passwd", "--json", "--verify")
    summary, verified = objects(ran, "summary")[0], objects(whole, "summary")[0]
    assert summary["bytes_read"] < 600_000 and not summary["verified"]
    assert verified["bytes_read"] > 6_000_000 and verified["verified"]


def test_get_writes_directories_globs_and_modes(run: Runner) -> None:
    with Registry(single_image([BASE, UPPER])) as registry:
        ran = run("get", registry.target, "/etc", "usr/bin/*", "-o", "out")
    assert ran.code == 0
    assert {str(path.relative_to(run.folder / "out")) for path in (run.folder / "out").rglob("*")} == {
        "etc", "etc/passwd", "etc/hard", "usr", "usr/bin", "usr/bin/tool", "usr/bin/sh",
    }  # fmt: skip
    assert (run.folder / "out/etc/hard").read_bytes() == b"root\n"
    tool = run.folder / "out/usr/bin/tool"
    assert tool.stat().st_mode & 0o7000 == 0 and tool.stat().st_mode & 0o100
    assert "links, devices" not in ran.err


def test_nothing_is_written_through_links_that_stand_in_the_way(run: Runner) -> None:
    outside = run.folder / "outside"
    outside.mkdir()
    (run.folder / "out").mkdir()
    (run.folder / "out/etc").symlink_to(outside)
    with Registry(single_image([BASE])) as registry:
        ran = run("get", registry.target, "/etc/passwd", "-o", "out")
        (run.folder / "out/etc").unlink()
        (run.folder / "out/etc").mkdir()
        (run.folder / "out/etc/passwd").symlink_to(outside / "hit")
        second = run("get", registry.target, "/etc/passwd", "-o", "out")
    assert ran.code == 2 and "cannot be written" in ran.err
    assert second.code == 0
    assert list(outside.iterdir()) == []
    assert (run.folder / "out/etc/passwd").read_bytes() == b"root\n"


@pytest.mark.parametrize("asked", ["/etc/passwd", "/etc", "/etc/*"])
def test_what_the_disk_refuses_is_one_sentence_and_the_end(run: Runner, asked: str) -> None:
    (run.folder / "out").write_text("a file in the way of the folder")
    with Registry() as registry:
        ran = run("get", registry.target, asked, "-o", "out/more")
    assert ran.code == 2
    assert [line for line in ran.err.splitlines() if "out/more" in line] == [
        "Error: out/more cannot be written: Not a directory. Choose another folder with -o."
    ]
    assert "could not be read" not in ran.err


def test_hostile_names_write_nothing_outside(run: Runner) -> None:
    evil = [
        file("../up", b"evil"), file("a/../../up", b"evil"), file("/abs", b"abs"),
        link("dir", "/"), file("dir/x", b"x"), file("nl\n\x1b[31m", b"name"),
    ]  # fmt: skip
    with Registry(single_image([evil])) as registry:
        run("get", registry.target, "**", "-o", "deep/er/out")
        listing = run("ls", registry.target)
    written = sorted(str(path.relative_to(run.folder)) for path in run.folder.rglob("*") if path.is_file())
    assert written == ["deep/er/out/abs", "deep/er/out/nl%0A%1B[31m", "deep/er/out/x"]
    assert "\x1b" not in listing.out and "is left out: '..' in its name" in listing.err


def test_a_corrupt_layer_leaves_no_file_and_says_so(run: Runner) -> None:
    content = store()
    digest = layer_digests(content)[2]
    with Registry(content) as registry:
        registry.fault("/blobs/" + digest, altered(flipped))
        got = run("get", registry.target, "/srv/app/main.py", "--platform", "linux/amd64", "--verify")
        listed = run("ls", registry.target, "/", "--platform", "linux/amd64")
    assert got.code == 2 and not list(run.folder.rglob("*.py"))
    assert listed.code == 3 and "view is incomplete" in listed.err


def test_diff_of_images_that_share_a_base_fetches_nothing_of_it(run: Runner) -> None:
    with Registry(_two([BASE, UPPER], [BASE, [file("etc/passwd", b"root\nyou\n"), file("etc/.wh.hard")]])) as registry:
        old, new = registry.host + "/demo/shop:1.0", registry.host + "/demo/shop:2.0"
        ran = run("diff", old, new)
        base = layer_digests_of(registry, "1.0")[0]
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


def _two(first: List[List[Member]], second: List[List[Member]]) -> Any:
    content = single_image(first)
    other = single_image(second)
    content.blobs.update(other.blobs)
    content.manifests.update(other.manifests)
    content.tags[("demo/shop", "2.0")] = other.tags[("demo/shop", "1.0")]
    return content


def layer_digests_of(registry: Registry, tag: str) -> List[str]:
    manifest = registry.store.manifests[registry.store.tags[("demo/shop", tag)]]
    return [layer["digest"] for layer in json.loads(manifest.body.decode())["layers"]]


def test_same_size_and_other_content_differs(run: Runner) -> None:
    with Registry(_two([[file("a", b"one")]], [[file("a", b"two")]])) as registry:
        ran = run("diff", registry.host + "/demo/shop:1.0", registry.host + "/demo/shop:2.0")
    assert ran.out.endswith("a  [content]\n")


def test_peek_all_json_is_a_full_inventory(run: Runner) -> None:
    odd = [Member("caf\udce9", body=b"x"), file("a")]
    with Registry(single_image([odd, UPPER])) as registry:
        ran = run("peek", registry.target, "--json")
        classic = run("-t", registry.target, "--peek-all", "--json")
    assert ran.out == classic.out
    assert [item["type"] for item in objects(ran)] == [
        "image", "layer", "entry", "entry", "layer_end", "layer", "entry", "entry", "entry", "layer_end", "summary",
    ]  # fmt: skip
    first = objects(ran, "entry")[0]
    assert first["path"] == "caf\ufffd" and first["path_base64"] == "Y2Fm6Q=="
    assert objects(ran, "entry")[2]["deletes"] == "etc/motd"
    assert objects(ran, "summary")[0]["complete"] is True


def test_batch_goes_on_after_a_failure(run: Runner) -> None:
    with Registry(single_image([BASE])) as registry:
        (run.folder / "list").write_text("# images\n{0}\n\n{0}x\n{0}\n".format(registry.target))
        ran = run("ls", "--batch", "list", "/etc")
        piped = run("ls", "--batch", "-", "/etc", "--json", typed=registry.target + "\nlocalhost:1/x\n")
        none = run("ls", "--batch", "-", typed="\n")
    assert ran.code == 3
    assert ran.out.count("etc/passwd") == 2 and ran.out.count("== ") == 3
    assert piped.code == 3 and [item["type"] for item in objects(piped)][-1] == "error"
    assert none.code == 2 and "names no image" in none.err


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


def test_find_everywhere_searches_all_layers_ever_read(run: Runner) -> None:
    with Registry(single_image([BASE, UPPER])) as registry:
        run("tree", registry.target)
    ran = run("find", "--everywhere", "motd")
    assert ran.code == 0 and "etc/motd" in ran.out and "Searched 2 layers" in ran.err
    assert run("find", "--everywhere", "nope").code == 1
    assert objects(run("find", "--everywhere", "passwd", "--json"), "entry")[0]["layer_digest"].startswith("sha256:")
    assert run("find", "--everywhere", "x", "--no-cache").code == 2


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
        digest = layer_digests_of(registry, "1.0")[0]
        registry.fault("/blobs/" + digest, altered(flipped), 2)
        bad = run("ls", registry.target)
        good = run("ls", registry.target)
    assert (bad.code, good.code) == (2, 0)


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


def test_the_demo_gives_commands_that_work_again(run: Runner) -> None:
    lines = run("deleted", "--demo", "--platform", "linux/amd64").out.splitlines()
    command = next(line for line in lines if line.startswith("    layerslayer get")).split()
    assert run(*command[1:]).code == 0
    assert (run.folder / "carved" / command[-1].lstrip("/")).is_file()


def test_a_name_that_looks_like_a_glob_is_a_name_first(run: Runner) -> None:
    layers = [[file("usr/bin/[", b"test"), file("a*b", b"star"), file("axb", b"x")], [file("usr/bin/.wh.["), file("q")]]
    with Registry(single_image(layers)) as registry:
        assert run("cat", registry.target, "/usr/bin/[", "--layer", "0").out == "test"
        assert run("cat", registry.target, "/a*b").out == "star"
        assert run("get", registry.target, "/usr/bin/[", "--layer", "0", "-o", "old").code == 0
        assert (run.folder / "old/usr/bin/[").read_bytes() == b"test"
        assert run("get", registry.target, "/a?b", "-o", "out").code == 0
        assert run("get", registry.target, "/x[", "-o", "out").code == 2
    assert sorted(path.name for path in (run.folder / "out").iterdir()) == ["a*b", "axb"]


USR = [
    directory("usr/"),
    directory("usr/lib/"),
    link("lib", "usr/lib"),
    file("lib/foo", b"foo\n"),
    file("usr/lib/bar", b"bar\n"),
]


def test_what_was_written_through_a_symlink_comes_back_with_the_command(run: Runner) -> None:
    layers = [USR, [file("usr/lib/.wh.foo", b""), file("lib/bar", b"newer\n")]]
    with Registry(single_image(layers)) as registry:
        newer = [run("cat", registry.target, path).out for path in ("/usr/lib/bar", "/lib/bar")]
        ran = run("deleted", registry.target)
        commands = [line.split() for line in ran.out.splitlines() if line.startswith("    layerslayer ")]
        assert [run(*words[1:]).code for words in commands] == [0, 0]
    assert newer == ["newer\n", "newer\n"]
    assert sorted(path.read_text() for path in (run.folder / "carved").rglob("*") if path.is_file()) == [
        "bar\n", "foo\n",
    ]  # fmt: skip


def test_cat_shows_no_directory_and_goes_up(run: Runner) -> None:
    with Registry(single_image([BASE, UPPER])) as registry:
        directories = [run("cat", registry.target, path) for path in ("/etc", "bin", "bin/..")]
        up = run("cat", registry.target, "bin/../../etc/passwd")
        run("get", registry.target, "/bin/../sh")
    assert [(ran.code, ran.out) for ran in directories] == [(1, "")] * 3
    assert all("it is a directory" in ran.err for ran in directories)
    assert (up.code, up.out) == (0, "root\nme\n")


def test_a_glob_follows_the_links_to_files_that_it_names(run: Runner) -> None:
    with Registry(single_image([BASE])) as registry:
        ran = run("get", registry.target, "usr/bin/s?", "esc*")
        nothing = run("get", registry.target, "lo*")
    assert ran.code == 0
    assert (run.folder / "carved/usr/bin/sh").read_bytes() == b"#!tool\n"
    assert (run.folder / "carved/escape").read_bytes() == b"root\n"
    assert nothing.code == 1 and "1 link, device or the like was not written" in nothing.err


def test_a_batch_of_get_keeps_the_images_apart(run: Runner) -> None:
    content = _two([[file("a", b"one")]], [[file("a", b"two")]])
    with Registry(content) as registry:
        targets = ["{}/demo/shop:{}".format(registry.host, tag) for tag in ("1.0", "2.0")]
        (run.folder / "list").write_bytes(b"\xef\xbb\xbf" + "\r\n".join(targets).encode())
        assert run("get", "--batch", "list", "a", "-o", "out").code == 0
        found = run("find", "--batch", "list", "a", "--json")
        differing = run("diff", "--batch", "list", targets[0])
    written = sorted((path.parent.name, path.read_text()) for path in (run.folder / "out").rglob("a"))
    assert written == [("1.0", "one"), ("2.0", "two")]
    assert [item["image"] for item in objects(found, "summary")] == targets
    assert differing.code == 1


def test_a_batch_that_finds_something_somewhere_has_found_it(run: Runner) -> None:
    with Registry(_two([[file("a")]], [[file("b")]])) as registry:
        (run.folder / "list").write_text("{0}/demo/shop:1.0\n{0}/demo/shop:2.0\n".format(registry.host))
        codes = [run("find", "--batch", "list", name).code for name in ("a", "b", "c")]
    assert codes == [0, 0, 1]


def test_find_needs_no_glob_where_types_or_sizes_are_asked_for(run: Runner) -> None:
    with Registry(single_image([BASE])) as registry:
        ran = run("find", registry.target, "--larger", "1M", "--type", "f")
    none = run("find", "x")
    everywhere = run("find", "--everywhere", "--type", "d")
    assert [line.split()[6] for line in ran.out.splitlines()] == ["big"]
    assert none.code == 2 and "--type or --larger" in none.err
    assert [line.split()[6] for line in everywhere.out.splitlines()] == ["etc/", "usr/bin/"]


def test_with_json_a_failure_is_an_object_too(run: Runner) -> None:
    failed = run("ls", "oci:nowhere", "--json")
    to_stdout = run("cat", "oci:nowhere", "x", "--json")
    (told,) = objects(failed)
    assert (failed.code, told["type"], told["image"]) == (2, "error", "oci:nowhere")
    assert "does not exist" in told["message"]
    assert (to_stdout.code, to_stdout.out) == (2, "")


def test_diff_follows_its_path_and_says_when_there_is_none(run: Runner) -> None:
    with Registry(_two([BASE], [BASE, [file("usr/bin/more")]])) as registry:
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


def test_a_layer_that_is_no_tar_is_missed_by_no_view_in_silence(run: Runner) -> None:
    with Registry(blobs_image([b"\0asm" + bytes(600)], media_type="application/wasm")) as registry:
        ran = run("tree", registry.target)
    assert ran.code == 0 and "Layer 0 is no tar (application/wasm) and not in the view." in ran.err


def test_a_cache_that_cannot_be_cleared_is_no_success(run: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    with Registry(single_image([BASE])) as registry:
        run("tree", registry.target)
    monkeypatch.setattr("layerslayer.store.database._BUSY", 0.01)
    with sqlite3.connect(str(run.cache / "layers.sqlite"), isolation_level=None) as other:
        other.execute("BEGIN EXCLUSIVE")
        ran = run("cache", "clear")
        other.execute("ROLLBACK")
    assert ran.code == 2 and "nothing was forgotten" in ran.err.lower()


def test_a_name_that_the_disk_does_not_take_costs_that_file_alone(run: Runner) -> None:
    layer = [file("a"), file("x" * 300), directory("y" * 300), file("z/b"), file("in-the-way")]
    (run.folder / "out/in-the-way").mkdir(parents=True)
    with Registry(single_image([layer])) as registry:
        ran = run("get", registry.target, "**", "-o", "out")
    assert ran.code == 3 and ran.err.count("was not got: out") == 3
    assert sorted(path.name for path in (run.folder / "out").rglob("*") if path.is_file()) == ["a", "b"]
