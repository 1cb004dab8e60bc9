"""Whole conversations, typed into standard input."""

from __future__ import annotations

import re
from typing import List

import pytest

from layerslayer.demo.image import Member

from ...support.registry import Registry, closed_port, store
from ...support.registry.faults import altered, any_of, artifact, flipped, layer_digests, single_image
from ...support.registry.running import Runner
from .test_peek import listed
from .test_save import files_of

IMAGE = "Image reference [default: moby/buildkit:latest]: "
PLATFORM = "Platform (INDEX, os/arch or ALL) [default: "
LAYERS = "Layers to peek (comma-separated INDEX or ALL) [default: ALL]: "
DOWNLOAD = "Download this layer? (y/N) "


def shown(out: str) -> List[str]:
    """Return the digests of the layers listed, in order."""
    return re.findall(r"^Layer \d+  (\S+)", out, re.MULTILINE)


def test_a_whole_conversation(run: Runner) -> None:
    with Registry(challenge=True) as registry:
        ran = run(typed="{}\n1\n0,3\n\ny\n".format(registry.target))
    digests = layer_digests(store(), "arm64")
    assert ran.code == 0
    assert [ran.err.count(text) for text in (IMAGE, PLATFORM, LAYERS, DOWNLOAD)] == [1, 1, 1, 2]
    order = [ran.err.index(text) for text in (IMAGE, "Platforms:", PLATFORM, "Build steps:", "Layers (", LAYERS)]
    assert order == sorted(order)
    assert "  [0] linux/amd64  sha256:" in ran.err and "  [1] linux/arm64/v8  sha256:" in ran.err
    assert "[2]" not in ran.err[: ran.err.index(PLATFORM)]  # attestations are no choice
    assert "  0. [layer 0] ADD rootfs.tar.gz" in ran.err
    assert "  1. [metadata only] CMD" in ran.err
    assert shown(ran.out) == [digests[0], digests[3]]
    names = [name.rpartition("/")[2] for name in files_of(run.folder)]
    assert sorted(names) == sorted(["3_{}.tar.gz".format(digests[3][7:]), "config.json", "manifest.json"])
    assert "saved downloads" in ran.out


def test_results_go_to_stdout_and_the_dialogue_to_stderr(run: Runner) -> None:
    with Registry() as registry:
        ran = run("-t", registry.target, typed="0\n1\n\n")
    assert ran.code == 0
    assert ran.out.startswith("Layer 1  sha256:")
    assert not [text for text in (PLATFORM, LAYERS, DOWNLOAD, "Build steps") if text in ran.out]


@pytest.mark.parametrize(
    "typed, numbers",
    [("", [0, 1, 2, 3]), ("all", [0, 1, 2, 3]), ("2", [2]), ("1-2", [1, 2]), ("3, 0", [0, 3]), ("0 1", [0, 1])],
    ids=["default", "all", "one", "range", "commas", "blanks"],
)
def test_choices_of_layers(run: Runner, typed: str, numbers: List[int]) -> None:
    with Registry() as registry:
        ran = run("-t", registry.target, "--platform", "linux/amd64", typed=typed + "\n" + "n\n" * 4)
    assert ran.code == 0
    assert sorted(listed(ran.out)) == numbers
    assert ran.err.count(DOWNLOAD) == len(numbers)
    assert files_of(run.folder) == {}


@pytest.mark.parametrize(
    "typed, arches",
    [
        ("0", ["amd64"]),
        ("1", ["arm64"]),
        ("linux/arm64", ["arm64"]),
        ("LINUX/AARCH64", ["arm64"]),
        ("linux/arm64/v8", ["arm64"]),
        ("ALL", ["amd64", "arm64"]),
    ],
)
def test_choices_of_platforms(run: Runner, typed: str, arches: List[str]) -> None:
    with Registry() as registry:
        ran = run("-t", registry.target, "--layer", "0", typed=typed + "\nn\nn\n")
    assert ran.code == 0
    assert shown(ran.out) == [layer_digests(store(), arch)[0] for arch in arches]


@pytest.mark.parametrize("machine, arch", [("x86_64", "amd64"), ("aarch64", "arm64"), ("s390x", "amd64")])
def test_the_default_platform_is_the_machines(
    run: Runner, machine: str, arch: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("layerslayer.oci.platforms.machine.machine", lambda: machine)
    with Registry() as registry:
        ran = run("-t", registry.target, "--layer", "3", typed="\n\n")
    assert PLATFORM + ("1]" if arch == "arm64" else "0]") in ran.err
    assert shown(ran.out) == [layer_digests(store(), arch)[3]]


def test_a_single_image_asks_for_no_platform(run: Runner) -> None:
    with Registry(single_image([[Member("a")]])) as registry:
        ran = run("-t", registry.target, typed="\n\n")
    assert ran.code == 0
    assert PLATFORM not in ran.err and LAYERS in ran.err


def test_wrong_answers_are_asked_again(run: Runner) -> None:
    with Registry() as registry:
        wrong_images = ["Up/Case", "http://{}".format(registry.host), "a b", ":", "a" * 5000]
        wrong_platforms = ["2", "99999999", "-1", "linux", "windows/amd64", "\u00b2", "\x1b[31m"]
        wrong_layers = ["4", "0-4", "3-1", "x", "0,9", "deadbeef", "-", "\u0663"]
        typed = [*wrong_images, registry.target, *wrong_platforms, "0", *wrong_layers, "0", "maybe", "yess", "YES"]
        ran = run(typed="\n".join(typed) + "\n")
    assert ran.code == 0
    assert ran.err.count(IMAGE) == len(wrong_images) + 1
    assert ran.err.count(PLATFORM) == len(wrong_platforms) + 1
    assert ran.err.count(LAYERS) == len(wrong_layers) + 1
    assert ran.err.count(DOWNLOAD) == 3 and ran.err.count("Please answer y or n. ") == 2
    assert ran.err.count("Error: ") == len(wrong_images) + len(wrong_platforms) + len(wrong_layers)
    assert "\x1b" not in ran.err
    assert ran.out.count("saved ") == 1


@pytest.mark.parametrize(
    "answer, saved", [("y", 1), ("Yes", 1), (" Y ", 1), ("n", 0), ("NO", 0), ("", 0)], ids=lambda value: repr(value)
)
def test_download_answers(run: Runner, answer: str, saved: int) -> None:
    with Registry() as registry:
        ran = run("-t", registry.target, "--platform", "linux/amd64", "--layer", "3", typed=answer + "\n")
    assert ran.code == 0
    assert ran.out.count("saved ") == saved


PROMPTS = [IMAGE, PLATFORM, LAYERS, DOWNLOAD]


@pytest.mark.parametrize("answered", range(4), ids=["image", "platform", "layers", "download"])
def test_the_input_ends_at_a_prompt(run: Runner, answered: int) -> None:
    with Registry() as registry:
        typed = [registry.target, "0", "3"][:answered]
        ran = run(typed="".join(line + "\n" for line in typed))
    assert ran.code == 0
    assert PROMPTS[answered] in ran.err and not [text for text in PROMPTS[answered + 1 :] if text in ran.err]
    assert ran.err.endswith("\nThe input has ended; nothing more to do.\n")
    assert "Traceback" not in ran.err and files_of(run.folder) == {}


@pytest.mark.parametrize("answered", range(4), ids=["image", "platform", "layers", "download"])
def test_ctrl_c_at_a_prompt(run: Runner, answered: int) -> None:
    with Registry() as registry:
        typed = [registry.target, "0", "3"][:answered]
        ran = run(typed="".join(line + "\n" for line in typed), interrupted=True)
    assert ran.code == 130
    assert PROMPTS[answered] in ran.err
    assert ran.err.endswith("\nInterrupted.\n")
    assert "Traceback" not in ran.err and files_of(run.folder) == {}


def test_the_last_line_may_lack_its_newline_and_have_a_windows_one(run: Runner) -> None:
    with Registry() as registry:
        ran = run("-t", registry.target, typed="1\r\n3\r\ny")
    assert ran.code == 0
    assert ran.out.count("saved ") == 1


def test_a_broken_layer_is_told_and_the_conversation_goes_on(run: Runner) -> None:
    with Registry() as registry:
        registry.fault(any_of(layer_digests(store())[:1]), altered(flipped))
        ran = run("-t", registry.target, "--platform", "linux/amd64", typed="0,1\ny\ny\n")
    assert ran.code == 3
    assert ran.err.count("Warning: Layer 0 is not listed completely: ") == 1
    assert ran.err.count("Warning: Layer 0 was not saved: ") == 1
    assert ran.out.count("saved ") == 1


def test_an_artifact_has_no_build_steps(run: Runner) -> None:
    with Registry(artifact()) as registry:
        ran = run("-t", registry.target, typed="\ny\n")
    assert ran.code == 0
    assert "it has no build steps" in ran.err and "not a tar" in ran.out
    assert [name for name in files_of(run.folder) if name.endswith(".blob")]


def test_no_layers_no_question(run: Runner) -> None:
    with Registry(single_image([])) as registry:
        ran = run("-t", registry.target)
    assert ran.code == 0
    assert LAYERS not in ran.err and "no layers" in ran.err


def test_an_image_that_does_not_exist_ends_it(run: Runner) -> None:
    with Registry() as registry:
        ran = run("-t", registry.host + "/demo/shop:2.0")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.count("Error: ") == 1 and "has no image '2.0'" in ran.err


def test_the_demo_talks_too(run: Runner) -> None:
    ran = run("--demo", typed="0\n3\nn\n")
    assert ran.code == 0
    assert shown(ran.out) == [layer_digests(store())[3]]
    assert "Demo: a registry inside this program serves 127.0.0.1:" in ran.err


def test_an_image_that_is_not_there_is_asked_for_again(run: Runner) -> None:
    with Registry() as registry:
        wrong = [
            closed_port() + "/a",
            registry.host + "/demo/shop:2.0",
            registry.host + "/nobody/nothing",
            "oci:no-such",
        ]
        ran = run(typed="\n".join([*wrong, registry.target, "0", "3", "n"]) + "\n")
    assert ran.code == 0 and shown(ran.out) == [layer_digests(store())[3]]
    assert ran.err.count(IMAGE) == 5 and ran.err.count("Error: ") == 4
    assert "nothing listens there" in ran.err and "has no image '2.0'" in ran.err


def test_the_input_ends_after_an_image_that_is_not_there(run: Runner) -> None:
    ran = run(typed=closed_port() + "/a\n")
    assert (ran.code, ran.out) == (2, "")
    assert "nothing listens there" in ran.err and ran.err.count("Error: ") == 1 and ran.err.count(IMAGE) == 2
