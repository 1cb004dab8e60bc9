"""The package as a program has it: images opened, with limits and credentials of each caller's own."""

from __future__ import annotations

import re
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Dict, Iterator, List

import pytest

import layerslayer
from layerslayer import ConnectionOptions, Limits, Listener

from .support.logins import BASIC, SECRET, wants_basic
from .support.registry import Registry

ROOT = Path(layerslayer.__file__).parent.parent
EXAMPLE = ROOT / "docs" / "examples" / "two_images.py"
ME = ConnectionOptions(username="me", password=SECRET)
AMD64 = "linux/amd64"


@pytest.fixture
def registry(nobody: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Iterator[Registry]:
    """A registry, asked from an empty folder; nothing may be printed."""
    monkeypatch.chdir(nobody)
    with Registry() as running:
        yield running
    assert capfd.readouterr() == ("", "")


def opened(registry: Registry, **more: object) -> layerslayer.OpenedImage:
    words: Dict[str, object] = dict({"platform": AMD64, "cache": None}, **more)
    return layerslayer.open(registry.target, **words)  # type: ignore[arg-type]


# -- one image --------------------------------------------------------------------


def test_nothing_of_the_layers_is_read_at_first(registry: Registry) -> None:
    with opened(registry) as image:
        assert image.digest.startswith("sha256:") and image.platform == AMD64 and image.size > 0
        assert image.config is not None and image.config.execution.user == "1000"
        assert [layer.number for layer in image.layers] == [0, 1, 2, 3]
        assert sum(layer.size for layer in image.layers) == image.size
        steps = image.history
        assert [step.layer.number for step in steps if step.layer] == [0, 1, 2, 3] and len(steps) == 9
        assert registry.target in repr(image) and image.layers[0].digest in repr(image.layers[0])
        digests = {layer.digest for layer in image.layers}
    assert not [request for request in registry.asked("/blobs/") if request.path.rpartition("/")[2] in digests]


def test_entries_of_a_layer(registry: Registry) -> None:
    with opened(registry) as image:
        layer = image.layers[3]
        assert "etc/.wh.motd" in [entry.name for entry in layer.entries()]
        assert layer.report is not None and layer.report.verified and layer.report.bytes_read == layer.size
        for _ in image.layers[0].entries():
            break
        assert [report.descriptor.digest for report in image.reports] == [layer.digest, image.layers[0].digest]


def test_the_merged_file_system(registry: Registry) -> None:
    with opened(registry) as image:
        tree = image.tree()
        assert tree.find("etc/passwd") is not None and tree.find("etc/motd") is None
        assert image.tree() is tree and len(image.reports) == 4
        assert [(found.path, found.layer) for found in image.find("/etc/*")] == [
            ("/etc/os-release", 0),
            ("/etc/passwd", 0),
            ("/etc/shadow", 0),
        ]
        gone = {item.path: (item.written_in, item.deleted_in, item.how) for item in image.deleted()}
    assert gone["/etc/motd"] == (0, 3, "deleted") and gone["/var/cache/pkg/index.json"] == (1, 3, "hidden")


def test_files(registry: Registry) -> None:
    with opened(registry) as image:
        assert image.read("/etc/os-release").startswith(b"PRETTY_NAME")
        assert image.read("etc/os-release", verify=True).startswith(b"PRETTY_NAME")
        assert image.read("bin/sh") == image.read("/usr/bin/busybox")  # through a symlink, and a hardlink
        assert image.read("/srv/app/../app/main.py").startswith(b"import shop")
        assert image.reports


@pytest.mark.parametrize(
    "path, why",
    [
        ("/etc/motd", "layer 3 removed it"),
        ("/nowhere", "no layer has it"),
        ("/etc", "directory"),
        ("a/../x", "no layer"),
    ],
)
def test_files_that_are_not_there(registry: Registry, path: str, why: str) -> None:
    with opened(registry) as image, pytest.raises(layerslayer.NotFound, match=why):
        image.read(path)


def test_a_file_too_large_to_be_held(registry: Registry) -> None:
    with opened(registry, limits=Limits(memory=50_000)) as image:
        with pytest.raises(layerslayer.LimitReached, match="too much memory"):
            image.read("/usr/bin/busybox")
        assert image.read("/etc/os-release")


def test_a_damaged_layer_is_told_by_all_that_need_it(registry: Registry) -> None:
    with opened(registry) as image:
        body = bytearray(registry.store.blobs[image.layers[2].digest])
        body[len(body) // 2] ^= 255
        registry.store.blobs[image.layers[2].digest] = bytes(body)
        for ask in (image.tree, lambda: list(image.layers[2].entries()), lambda: image.read("/nowhere")):
            with pytest.raises((layerslayer.CorruptLayer, layerslayer.DigestMismatch)):
                ask()


def test_a_cache_in_a_folder(registry: Registry, tmp_path: Path) -> None:
    for _ in range(2):
        with opened(registry, cache=str(tmp_path / "cache")) as image:
            assert image.tree().find("etc/passwd")
            assert [entry.name for entry in image.layers[3].entries()]
            digests = "|".join(layer.digest for layer in image.layers)
    assert len(registry.asked("/blobs/(" + digests + ")")) == 4


def test_one_cache_for_two_callers_with_other_limits(registry: Registry, tmp_path: Path) -> None:
    cache = layerslayer.Cache(str(tmp_path / "cache"))
    with opened(registry, cache=cache) as image:
        image.tree()
    strict = opened(registry, cache=cache, limits=Limits(entries=5))
    with strict, pytest.raises(layerslayer.LimitReached, match="the limit is 5"):
        strict.tree()
    with opened(registry, cache=cache) as image:
        image.tree()
        assert not any(report.bytes_read for report in image.reports)
    cache.close()


def test_what_cannot_be_opened(registry: Registry, tmp_path: Path) -> None:
    for reference, error in (
        ("no image !", layerslayer.InvalidReference),
        (registry.host + "/none:1", layerslayer.NotFound),
        ("oci:" + str(tmp_path / "none"), layerslayer.LocalFileError),
    ):
        with pytest.raises(error) as caught:
            layerslayer.open(reference, cache=None)
        assert isinstance(caught.value, layerslayer.Error)
    with pytest.raises(layerslayer.PlatformNotFound) as missing:
        opened(registry, platform="plan9/mips")
    assert "--" not in missing.value.hint


# -- several callers in one process -----------------------------------------------


def test_two_callers_with_other_limits_at_the_same_time(registry: Registry) -> None:
    with opened(registry, limits=Limits(entries=5)) as strict, opened(registry) as generous:
        for _ in range(2):
            with pytest.raises(layerslayer.LimitReached, match="the limit is 5"):
                strict.tree()
            assert generous.tree().find("etc/passwd")
            with pytest.raises(layerslayer.LimitReached):
                list(strict.layers[0].entries())
            assert len(list(generous.layers[0].entries())) > 5


def test_each_caller_has_its_own_credentials(registry: Registry) -> None:
    with Registry() as private:
        private.fault("/v2/", wants_basic)
        with opened(registry) as one, opened(private, options=ME) as other:
            assert one.read("/etc/passwd") == other.read("/etc/passwd")
        with pytest.raises(layerslayer.Unauthorized) as refused:
            opened(private)
        assert "--" not in refused.value.hint
        assert BASIC in private.authorizations()
    assert BASIC not in registry.authorizations()


def test_a_client_shows_its_login_to_the_registry_that_it_names_first(registry: Registry) -> None:
    said: List[str] = []
    client = layerslayer.Client(ME, cache=None, listener=Listener(say=said.append))
    with Registry() as private:
        private.fault("/v2/", wants_basic)
        with client.open_image(private.target, AMD64), client.open_image(registry.target, AMD64):
            pass
        private.fault("/v2/", wants_basic)
    client.close()
    assert BASIC in private.authorizations() and BASIC not in registry.authorizations()


def test_a_token_file_is_taken_only_where_it_is_named(registry: Registry, nobody: Path) -> None:
    (nobody / "token.txt").write_text(registry.host + " mine\n")
    with opened(registry):
        assert "Bearer mine" not in registry.authorizations()
    with opened(registry, options=ConnectionOptions(token_file="token.txt")):
        assert "Bearer mine" in registry.authorizations()


def test_who_wants_to_hear_hears(registry: Registry) -> None:
    log: List[str] = []
    with opened(registry, listener=Listener(log=log.append)):
        assert any("/manifests/1.0" in line for line in log)


def test_the_example(nobody: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    with Registry() as public, Registry() as private:
        private.fault("/v2/", wants_basic)
        monkeypatch.setattr(sys, "argv", [str(EXAMPLE), public.target, private.target, "me", SECRET])
        runpy.run_path(str(EXAMPLE), run_name="__main__")
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == lines[1] and lines[2].startswith("same /etc/os-release /etc/passwd")
    assert BASIC not in public.authorizations()
    program = EXAMPLE.read_text(encoding="utf-8")
    assert len(program.splitlines()) <= 22
    told = (ROOT / "docs" / "python-api.md").read_text(encoding="utf-8")
    assert program.partition('"""\n\n')[2] in told


def test_the_documentation_names_what_there_is() -> None:
    told = (ROOT / "docs" / "python-api.md").read_text(encoding="utf-8")
    limits, options, listener = (
        re.search(name + r"\(([a-z_, ]+)", told) for name in ("Limits", "ConnectionOptions", "Listener")
    )
    assert limits and tuple(limits.group(1).split(", ")) == Limits._fields
    assert options and set(options.group(1).strip(", ").split(", ")) <= set(ConnectionOptions._fields)
    assert listener and tuple(listener.group(1).split(", ")) == Listener._fields
    errors = {name for name in layerslayer.__all__ if isinstance(getattr(layerslayer, name), type)}
    named = set(re.findall(r"\b[A-Z]\w+", told.partition("Errors are one tree")[2].partition("Each has")[0]))
    assert named <= errors


# -- names -------------------------------------------------------------------------


def test_names() -> None:
    for name in layerslayer.__all__:
        assert getattr(layerslayer, name) is not None and name in dir(layerslayer)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        layerslayer.nothing  # type: ignore[attr-defined]


def test_importing_loads_nothing_else() -> None:
    told = "import layerslayer, sys; print(sorted(name for name in sys.modules if 'layerslayer' in name))"
    done = subprocess.run([sys.executable, "-c", told], cwd=str(ROOT), capture_output=True, check=True)
    assert done.stdout.decode().strip() == "['layerslayer', 'layerslayer._version']"


def test_a_password_is_not_shown() -> None:
    assert SECRET not in repr(ME) and "me" in repr(ME) and "None" in repr(ConnectionOptions())
