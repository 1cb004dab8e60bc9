"""deleted: what later layers removed, and the command that gets it back."""

from __future__ import annotations

import os
import subprocess

import pytest

from ...support.files import BASE, UPPER, USR, file, objects
from ...support.registry import Registry
from ...support.registry.faults import single_image
from ...support.registry.running import Runner


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


def test_the_demo_gives_commands_that_work_again(run: Runner) -> None:
    lines = run("deleted", "--demo", "--platform", "linux/amd64").out.splitlines()
    command = next(line for line in lines if line.startswith("    layerslayer get")).split()
    assert run(*command[1:]).code == 0
    assert (run.folder / "carved" / command[-1].lstrip("/")).is_file()


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
