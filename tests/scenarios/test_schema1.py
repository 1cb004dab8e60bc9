"""Images with a Docker schema 1 manifest, listed and saved like any other."""

from __future__ import annotations

import json
import re

import pytest

from layerslayer.demo.image import Member

from ..support.registry import NAME, Registry
from ..support.registry.faults import altered, any_of, flipped
from ..support.registry.running import Runner
from ..support.registry.schema1 import SIGNED, digest, schema1_image

LAYERS = [[Member("base")], None, [Member("top", body=b"x" * 5000)]]
UNSIGNED = "application/vnd.docker.distribution.manifest.v1+json"
FORMS = pytest.mark.parametrize("form", [SIGNED, UNSIGNED, "text/plain"])


@FORMS
@pytest.mark.parametrize("by", ["tag", "digest"])
def test_peek_all(run: Runner, form: str, by: str) -> None:
    with Registry(schema1_image(LAYERS, form)) as registry:
        wanted = registry.store.tags[(NAME, "1.0")]
        target = registry.target if by == "tag" else "{}/{}@{}".format(registry.host, NAME, wanted)
        ran = run("--peek-all", "-t", target)
    assert ran.code == 0
    headers = re.findall(r"^Layer (\d)  \S+  (\S+)  (.*)$", ran.out, re.MULTILINE)
    assert headers == [("0", "?", "/bin/sh -c step 0"), ("1", "?", "/bin/sh -c step 2")]
    assert len(re.findall(r"^= 1 entry; read \d+ bytes; digest verified; complete\.$", ran.out, re.MULTILINE)) == 2
    assert " base\n" in ran.out and " top\n" in ran.out
    assert "linux/amd64  {}  2 layers, ?".format(wanted) in ran.err
    assert "Warning" not in ran.err


def test_save_all(run: Runner) -> None:
    with Registry(schema1_image(LAYERS)) as registry:
        wanted = registry.store.tags[(NAME, "1.0")]
        first = run("--save-all", "-t", registry.target)
        asked = len(registry.asked("/blobs/"))
        second = run("--save-all", "-t", registry.target)
        assert (asked, len(registry.asked("/blobs/"))) == (2, 2)
    assert (first.code, second.code) == (0, 0)
    (folder,) = (run.folder / "downloads").glob("*/*")
    assert digest((folder / "manifest.json").read_bytes()) == wanted
    config = json.loads((folder / "config.json").read_bytes().decode())
    assert [step["created_by"][-6:] for step in config["history"]] == ["step 0", "step 1", "step 2"]
    blobs = [digest(path.read_bytes())[7:] for path in sorted(folder.glob("*.tar.gz"))]
    assert [path.name[2:66] for path in sorted(folder.glob("*.tar.gz"))] == blobs
    for out, word in ((first.out, "saved"), (second.out, "kept ")):
        assert len(re.findall(r"^{} \S+  \d\S* K?B, .*digest verified$".format(word), out, re.MULTILINE)) == 2


def test_wrong_bytes_are_noticed_without_a_size(run: Runner) -> None:
    with Registry(schema1_image(LAYERS)) as registry:
        registry.fault(any_of(list(registry.store.blobs)), altered(flipped))
        assert run("--peek-all", "-t", registry.target).code == 2
        assert run("--save-all", "-t", registry.target).code == 2
    assert not list(run.folder.rglob("*.tar*"))


def test_what_the_digest_does_not_cover_is_not_believed(run: Runner) -> None:
    """Text after the payload's end could name other layers."""

    def forge(body: bytes) -> bytes:
        return body.replace(b',\n   "signatures"', b',\n   "fsLayers": [], "signatures"')

    with Registry(schema1_image(LAYERS)) as registry:
        wanted = registry.store.tags[(NAME, "1.0")]
        registry.fault("/manifests/", altered(forge))
        ran = run("--peek-all", "-t", "{}/{}@{}".format(registry.host, NAME, wanted))
    assert ran.code == 2
    assert "'fsLayers' twice" in ran.err


def test_another_payload_is_refused_by_digest(run: Runner) -> None:
    with Registry(schema1_image(LAYERS)) as registry:
        wanted = registry.store.tags[(NAME, "1.0")]
        registry.fault("/manifests/", altered(lambda body: body.replace(b"step 0", b"step 9")))
        ran = run("--peek-all", "-t", "{}/{}@{}".format(registry.host, NAME, wanted))
    assert ran.code == 2
    assert "does not have that digest" in ran.err


def test_every_verb_takes_such_an_image(run: Runner) -> None:
    with Registry(schema1_image(LAYERS)) as registry:
        target = registry.target
        first = run("tree", target)
        assert "known from earlier" in run("tree", target).err
        assert first.code == 0 and "top  " in first.out
        assert len(run("cat", target, "/top", "--no-cache").out) == 5000
        assert run("deleted", target).code == 0
        assert run("diff", target, target).code == 0
        assert run("find", target, "top", "--fast", "--no-cache").code == 0
        for verb in ("history", "config", "manifest", "tags"):
            assert run(verb, target).code == 0
            assert run(verb, target, "--json").code == 0
        assert run("referrers", target).code == 1
        exported = run("save", target, "--format", "oci")
    assert (exported.code, "Traceback" in exported.err) == (2, False)
    assert exported.err.count("Error: ") == 1
