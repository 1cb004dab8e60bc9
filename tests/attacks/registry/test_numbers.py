"""Numbers that Python reads and then writes as what is no JSON."""

from __future__ import annotations

from pathlib import Path
from typing import List

import pytest

from layerslayer.demo.image import Store, Stored, described

from ...support.registry import NAME, Registry, store
from ...support.registry.running import Runner

DOCKER = "application/vnd.docker.distribution.manifest.v2+json"
PLACE = b'"schemaVersion"'


def with_a_huge_number() -> Store:
    """An image whose manifest, of Docker's type, holds a number beyond any float."""
    content = store()
    for stored in list(content.manifests.values()):
        if b'"layers"' in stored.body:
            break
    body = stored.body.replace(PLACE, b'"x":1e400,' + PLACE, 1).replace(stored.media_type.encode(), DOCKER.encode())
    made = described(DOCKER, body)
    content.manifests[made["digest"]] = Stored(DOCKER, body)
    content.tags[(NAME, "huge")] = made["digest"]
    return content


@pytest.mark.parametrize("verb", [["manifest", "{}", "--json"], ["save", "{}", "--format", "oci"], ["ls", "{}"]])
def test_a_number_beyond_any_is_refused_in_a_sentence(run: Runner, verb: List[str]) -> None:
    with Registry(with_a_huge_number()) as registry:
        ran = run(*[word.format("{}/{}:huge".format(registry.host, NAME)) for word in verb])
    assert ran.code == 2 and "Traceback" not in ran.err
    assert ran.err.count("Error: The manifest is not valid JSON (a number that is too large).") == 1
    assert "Infinity" not in ran.out and not list(run.folder.rglob("*.oci"))


def test_an_index_with_one_is_not_added_to(run: Runner) -> None:
    """Rewritten, it could not be read by anybody, nor could the images that it names."""
    words = ["--platform", "linux/amd64", "--format", "oci"]
    with Registry() as registry:
        assert run("save", registry.target, *words).code == 0
        index = _index(run.folder)
        index.write_bytes(b'{"x":1e400,' + index.read_bytes()[1:])
        before = index.read_bytes()
        ran = run("save", registry.target, *words)
    assert ran.code == 2 and ran.err.count("Error: Nothing can be added to the layout ") == 1
    assert index.read_bytes() == before


def _index(folder: Path) -> Path:
    (found,) = folder.rglob("index.json")
    return found
