"""``--peek-all`` from the command line to the registry and back."""

from __future__ import annotations

import io
import re
import stat
import tarfile
import threading
import time
from typing import Dict, List

import pytest

from layerslayer.demo.image import Member, gzip_of, tar_of
from layerslayer.demo.registry import Request, Response

from ...support.registry import Normal, Registry, store
from ...support.registry.faults import (
    altered,
    any_of,
    artifact,
    blobs_image,
    cut,
    flipped,
    layer_digests,
    single_image,
    unframed,
    with_headers,
)
from ...support.registry.running import Runner

_TYPES = {
    tarfile.REGTYPE: stat.S_IFREG,
    tarfile.LNKTYPE: stat.S_IFREG,
    tarfile.SYMTYPE: stat.S_IFLNK,
    tarfile.DIRTYPE: stat.S_IFDIR,
}


def listed(out: str) -> Dict[int, List[str]]:
    """Return the entry lines of each layer in a listing."""
    layers: Dict[int, List[str]] = {}
    number = -1
    for line in out.splitlines():
        header = re.match(r"Layer (\d+)  sha256:", line)
        if header:
            number = int(header.group(1))
            layers[number] = []
        elif line and not line.startswith("= "):
            layers[number].append(line)
    return layers


def expected(blob: bytes) -> List[List[str]]:
    """Return the words of each entry's line, by tarfile's reading of a layer."""
    lines = []
    with tarfile.open(fileobj=io.BytesIO(blob), mode="r:gz") as archive:
        for info in archive:
            mode = stat.filemode(_TYPES[info.type] | info.mode)
            mode = "h" + mode[1:] if info.islnk() else mode
            when = time.strftime("%Y-%m-%d %H:%M", time.gmtime(info.mtime)).split()
            name = info.name + "/" if info.isdir() else info.name
            target = ["->", info.linkname] if info.linkname else []
            lines.append([mode, "{}/{}".format(info.uid, info.gid), str(info.size), *when, name, *target])
    return lines


@pytest.mark.parametrize("challenge", [False, True], ids=["open", "token"])
@pytest.mark.parametrize("arch", ["amd64", "arm64"])
def test_every_entry_of_every_layer_is_listed_as_tarfile_reads_it(run: Runner, arch: str, challenge: bool) -> None:
    with Registry(challenge=challenge) as registry:
        ran = run("--peek-all", "-t", registry.target, "--platform", "linux/" + arch)
    digests = layer_digests(store(), arch)
    assert ran.code == 0
    assert re.findall(r"^Layer \d+  (\S+)", ran.out, re.MULTILINE) == digests
    layers = listed(ran.out)
    for number, digest in enumerate(digests):
        wanted = expected(store().blobs[digest])
        assert [line.partition("  [deletes")[0].split() for line in layers[number]] == wanted
        assert len(wanted) > 3
    assert ran.out.count("digest verified; complete.") == 4
    assert ran.out.count("[deletes ") == 3
    assert "Image {}  linux/{}".format(registry.target, arch) in ran.err


def test_the_output_is_the_same_whatever_the_number_of_jobs(run: Runner) -> None:
    with Registry() as registry:
        one, many = (
            run("--peek-all", "-t", registry.target, "--platform", "linux/amd64", "--no-cache", "-j", jobs)
            for jobs in ("1", "16")
        )
    assert one.out == many.out
    assert one.code == many.code == 0


@pytest.mark.parametrize(
    "words, numbers",
    [
        (["0"], [0]),
        (["2", "0"], [0, 2]),
        (["1-3"], [1, 2, 3]),
        (["3,1", "1"], [1, 3]),
        (["ALL"], [0, 1, 2, 3]),
        (["DIGEST"], [2]),
        (["PREFIX"], [2]),
    ],
    ids=["one", "two", "range", "commas", "all", "digest", "start of the hex"],
)
def test_layer_narrows_and_fetches_no_other(run: Runner, words: List[str], numbers: List[int]) -> None:
    digests = layer_digests(store())
    named = {"DIGEST": digests[2], "PREFIX": digests[2][7:19]}
    flags = [flag for word in words for flag in ("--layer", named.get(word, word))]
    with Registry() as registry:
        ran = run("--peek-all", "-t", registry.target, "--platform", "linux/amd64", *flags)
        fetched = {request.path.rpartition("/")[2] for request in registry.asked("/blobs/")}
    assert ran.code == 0
    assert sorted(listed(ran.out)) == numbers
    assert fetched & set(digests) == {digests[number] for number in numbers}


@pytest.mark.parametrize("word", ["4", "0-9", "nonsense", "ffffffffffff", "-1"])
def test_a_layer_that_does_not_exist(run: Runner, word: str) -> None:
    with Registry() as registry:
        ran = run("--peek-all", "-t", registry.target, "--platform", "linux/amd64", "--layer=" + word)
        assert not set(layer_digests(store())) & {item.path.rpartition("/")[2] for item in registry.requests}
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.count("Error: ") == 1 and "INDEX from 0 to 3" in ran.err


def test_all_platforms(run: Runner) -> None:
    with Registry() as registry:
        ran = run("--peek-all", "-t", registry.target, "--platform", "all")
    assert ran.code == 0
    shown = re.findall(r"^Layer \d+  (\S+)", ran.out, re.MULTILINE)
    assert shown == layer_digests(store(), "amd64") + layer_digests(store(), "arm64")


def test_without_platform_the_machines_own_is_taken_and_told(run: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("layerslayer.oci.platforms.machine.machine", lambda: "aarch64")
    with Registry() as registry:
        ran = run("--peek-all", "-t", registry.target)
    assert ran.code == 0
    assert re.findall(r"^Layer \d+  (\S+)", ran.out, re.MULTILINE) == layer_digests(store(), "arm64")
    assert "Platform linux/arm64/v8 (this machine's; choose with --platform)." in ran.err


@pytest.mark.parametrize("platform", ["linux/s390x", "windows/amd64", "linux/arm64/v7"])
def test_a_platform_that_the_image_lacks(run: Runner, platform: str) -> None:
    with Registry() as registry:
        ran = run("--peek-all", "-t", registry.target, "--platform", platform)
    assert (ran.code, ran.out) == (2, "")
    assert "has no image for {}, only for linux/amd64, linux/arm64/v8.".format(platform) in ran.err


@pytest.mark.parametrize("platform, code", [("linux/amd64", 0), ("linux/arm64", 2)])
def test_a_single_image_of_another_platform(run: Runner, platform: str, code: int) -> None:
    with Registry(single_image([[Member("a")]])) as registry:
        ran = run("--peek-all", "-t", registry.target, "--platform", platform)
    assert ran.code == code
    assert (" a\n" in ran.out) == (code == 0)


BROKEN = {
    "other bytes": altered(flipped),
    "another layer's bytes": altered(lambda body: gzip_of(tar_of([Member("evil")]))),
    "truncated": altered(lambda body: body[:-20]),
    "cut connection": cut(50),
    "cut and unframed": unframed(50),
    "more than stated": altered(lambda body: body + b"\0"),
    "missing": Response(404, {}, b"gone"),
    "server error": Response(500, {}, b"<html>"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_one_broken_layer_of_four(run: Runner, case: str) -> None:
    digests = layer_digests(store())
    with Registry() as registry:
        registry.fault(any_of(digests[1:2]), BROKEN[case])
        ran = run("--peek-all", "-t", registry.target, "--platform", "linux/amd64")
    assert ran.code == 3
    layers = listed(ran.out)
    assert sorted(layers) == [0, 1, 2, 3]
    for number in (0, 2, 3):
        assert len(layers[number]) == len(expected(store().blobs[digests[number]]))
    assert ran.out.count("; complete.") == 3
    assert ran.out.count("digest NOT verified; INCOMPLETE: ") == 1
    assert ran.err.count("Warning: Layer 1 is not listed completely: ") == 1
    assert "Traceback" not in ran.err


@pytest.mark.parametrize("case", BROKEN)
def test_nothing_but_broken_layers(run: Runner, case: str) -> None:
    with Registry() as registry:
        registry.fault(any_of(layer_digests(store())), BROKEN[case])
        ran = run("--peek-all", "-t", registry.target, "--platform", "linux/amd64")
    assert ran.code == 2
    assert ran.out.count("INCOMPLETE: ") == 4
    assert "; complete." not in ran.out


def test_a_layer_that_is_what_its_digest_says_and_broken_all_the_same(run: Runner) -> None:
    tar = tar_of([Member("first", body=b"x" * 4000), Member("second", body=b"y" * 4000)])
    whole, short = gzip_of(tar), gzip_of(tar[:6000])
    with Registry(blobs_image([whole, short, whole[:-9]])) as registry:
        ran = run("--peek-all", "-t", registry.target)
    assert ran.code == 3
    assert [len(lines) for lines in listed(ran.out).values()][:2] == [2, 2]
    assert ran.out.count("; complete.") == 1
    assert "Layer 0 is" not in ran.err
    assert "Warning: Layer 1 is not listed completely: corrupt tar data" in ran.err
    assert "Warning: Layer 2 is not listed completely: corrupt gzip data" in ran.err


def test_what_is_no_tar_is_said_to_be_none(run: Runner) -> None:
    with Registry(artifact()) as registry:
        ran = run("--peek-all", "-t", registry.target)
    assert ran.code == 0
    assert "= not a tar (application/json); --save-all downloads it as it is.\n" in ran.out


def test_an_image_without_layers(run: Runner) -> None:
    with Registry(single_image([])) as registry:
        ran = run("--peek-all", "-t", registry.target)
    assert (ran.code, ran.out) == (0, "")
    assert "no layers" in ran.err


def test_an_encrypted_layer_is_not_fetched(run: Runner) -> None:
    kind = "application/vnd.oci.image.layer.v1.tar+gzip+encrypted"
    with Registry(blobs_image([b"secret"], kind)) as registry:
        ran = run("--peek-all", "-t", registry.target)
        assert len(registry.asked("/blobs/")) == 1  # the config
    assert ran.code == 2
    assert "encrypted" in ran.err


def test_a_layer_that_is_no_tar_by_its_type_is_not_guessed_at(run: Runner) -> None:
    with Registry(blobs_image([b"blob"], "application/vnd.oci.image.layer.nydus.blob.v1")) as registry:
        ran = run("--peek-all", "-t", registry.target)
        assert len(registry.asked("/blobs/")) == 1  # the config
    assert ran.code == 2
    assert "INCOMPLETE: it is a nydus blob, not a tar." in ran.out


def test_names_with_escape_sequences_stay_text(run: Runner) -> None:
    evil = Member("a\x1b]0;owned\x07\u202eb", kind=tarfile.SYMTYPE, target="\x1b[31mred\x9b")
    with Registry(single_image([[evil]], {"os": "li\x1bnux", "architecture": "amd64"})) as registry:
        registry.fault("", with_headers(Warning='299 - "beware \x1b[31m"'))
        ran = run("--peek-all", "-t", registry.target, "-v", "-l", "log.txt")
    log = (run.folder / "log.txt").read_text(encoding="utf-8")
    assert "a\\x1b]0;owned\\x07\\u202eb -> \\x1b[31mred\\u009b" in ran.out
    assert "beware \\x1b[31m" in ran.err
    for text in (ran.out, ran.err, log):
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", text)


def test_quiet_leaves_results_and_warnings_only(run: Runner) -> None:
    with Registry() as registry:
        registry.fault(any_of(layer_digests(store())[:1]), altered(flipped))
        loud = run("--peek-all", "-t", registry.target, "--platform", "linux/amd64", "--no-cache", "-v")
        quiet = run("--peek-all", "-t", registry.target, "--platform", "linux/amd64", "--no-cache", "-v", "-q")
    assert quiet.out == loud.out
    assert "GET http://" in loud.err and "Image " in loud.err
    assert [line[:8] for line in quiet.err.splitlines()] == ["Warning:"]


def test_the_build_step_stands_in_the_layers_line(run: Runner) -> None:
    config = {
        "os": "linux",
        "architecture": "amd64",
        "history": [{"created_by": "ADD a"}, {"created_by": "ENV x", "empty_layer": True}, {"created_by": "RUN\tb"}],
    }
    with Registry(single_image([[Member("a")], [Member("b")]], config)) as registry:
        ran = run("--peek-all", "-t", registry.target)
    headers = [line for line in ran.out.splitlines() if line.startswith("Layer ")]
    assert [line.rpartition("B  ")[2] for line in headers] == ["ADD a", "RUN b"]


def test_config_and_layers_are_asked_for_side_by_side(run: Runner) -> None:
    with Registry(single_image([[Member("a")], [Member("b")]])) as registry:
        together = threading.Barrier(3, timeout=30)

        def wait(request: Request, normal: Normal) -> Response:
            together.wait()  # passes only when all three requests are there
            return normal()

        registry.fault("/blobs/", wait)
        ran = run("-t", registry.target, "--peek-all")
        assert ran.code == 0
        assert len(registry.asked("/blobs/")) == 3  # and none of them twice
        assert len(registry.asked("/manifests/")) == 1


def test_layers_are_not_asked_for_before_the_platform_is_known_to_fit(run: Runner) -> None:
    with Registry(single_image([[Member("a")]])) as registry:
        ran = run("-t", registry.target, "--peek-all", "--platform", "windows/amd64")
        assert ran.code == 2
        assert len(registry.asked("/blobs/")) == 1  # the config


def test_only_chosen_layers_are_asked_for(run: Runner) -> None:
    with Registry(single_image([[Member("a")], [Member("b")], [Member("c")]])) as registry:
        assert run("-t", registry.target, "--peek-all", "--layer", "1").code == 0
        assert len(registry.asked("/blobs/")) == 2
