"""Images of this machine: what skopeo writes is listed, and what is written here skopeo takes."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
from pathlib import Path
from typing import List

import pytest
import requests

from .tools import Registry, layerslayer, need, run

pytestmark = pytest.mark.integration

_GZIP = "application/vnd.oci.image.layer.v1.tar+gzip"
_INDEX = "application/vnd.oci.image.index.v1+json"
_ACCEPT = ", ".join((_INDEX, "application/vnd.oci.image.manifest.v1+json"))
_FORMATS = ("oci", "oci-archive", "docker-archive")


def _layer(name: str) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        info = tarfile.TarInfo(name)
        info.size = 100_000
        archive.addfile(info, io.BytesIO(name.encode() * 100_000))
    return out.getvalue()


def _image(registry: Registry, repository: str, tag: str, architecture: str = "amd64") -> None:
    """Upload an image of three layers, two of them the same."""
    tars = [_layer(architecture + "/one"), _layer("two"), _layer("two")]
    registry.put_image(repository, tag, [gzip.compress(tar, 6) for tar in tars], _GZIP, tars, architecture)


@pytest.fixture(scope="module")
def single(registry: Registry) -> str:
    _image(registry, "local/single", "1")
    return registry.host + "/local/single:1"


@pytest.fixture(scope="module")
def multi(registry: Registry) -> str:
    entries = []
    for architecture in ("amd64", "arm64"):
        _image(registry, "local/multi", architecture, architecture)
        answer = _manifest(registry, "local/multi", architecture)
        entries.append(
            {
                "mediaType": answer.headers["Content-Type"],
                "digest": "sha256:" + hashlib.sha256(answer.content).hexdigest(),
                "size": len(answer.content),
                "platform": {"os": "linux", "architecture": architecture},
            }
        )
    index = {"schemaVersion": 2, "mediaType": _INDEX, "manifests": entries}
    registry.put_manifest("local/multi", "1", index)
    return registry.host + "/local/multi:1"


def _manifest(registry: Registry, repository: str, tag: str) -> requests.Response:
    url = "http://{}/v2/{}/manifests/{}".format(registry.host, repository, tag)
    answer = requests.get(url, headers={"Accept": _ACCEPT}, timeout=60)
    assert answer.status_code == 200, answer.text
    return answer


def _copy(*arguments: str) -> None:
    need("skopeo")
    run("skopeo", "--insecure-policy", "copy", "-q", "--src-tls-verify=false", "--dest-tls-verify=false", *arguments)


def _listing(target: str, *more: str) -> str:
    done = layerslayer("-q", "-t", target, "--peek-all", "--no-cache", *more)
    assert done.returncode == 0, done.stderr
    return str(done.stdout.decode("utf-8"))


def _entries(listing: str) -> List[str]:
    """The lines of entries alone: a docker-archive keeps layers uncompressed, so sizes and digests differ."""
    return [line for line in listing.splitlines() if not line.startswith(("Layer ", "= "))]


@pytest.mark.parametrize("form", _FORMATS)
def test_what_skopeo_writes_lists_as_the_registry_does(form: str, single: str, tmp_path: Path) -> None:
    place = "{}:{}".format(form, tmp_path / "image")
    name = "x/y:1" if form == "docker-archive" else "1"
    _copy("docker://" + single, place + ":" + name)
    expected = _listing(single)
    for target in (place, place + ":" + name):
        listed = _listing(target)
        if form == "docker-archive":
            assert _entries(listed) == _entries(expected)
        else:
            assert listed == expected


@pytest.mark.parametrize("form", ["oci", "oci-archive"])
def test_a_whole_index_that_skopeo_writes(form: str, multi: str, tmp_path: Path) -> None:
    place = "{}:{}:1".format(form, tmp_path / "image")
    _copy("--all", "docker://" + multi, place)
    assert _listing(place, "--platform", "all") == _listing(multi, "--platform", "all")


@pytest.mark.parametrize("form", ["oci", "oci-archive"])
@pytest.mark.parametrize("kind", ["single", "multi"])
def test_what_is_written_copies_back_with_the_same_digests(
    form: str, kind: str, registry: Registry, single: str, multi: str, tmp_path: Path
) -> None:
    source, more = (single, []) if kind == "single" else (multi, ["--platform", "all"])
    done = layerslayer("-t", source, "--save-all", "--format", form, "-o", "out", *more, cwd=str(tmp_path))
    assert done.returncode == 0, done.stderr
    (path,) = (tmp_path / "out").iterdir()
    place = "{}:{}:1".format(form, path)
    run("skopeo", "inspect", "--raw", place)
    repository = "back/{}-{}".format(kind, form)
    _copy(*(["--all"] if more else []), place, "docker://{}/{}:1".format(registry.host, repository))
    assert _manifest(registry, repository, "1").content == _manifest(registry, "local/" + kind, "1").content


@pytest.mark.parametrize("kind", ["single", "multi"])
def test_a_docker_archive_is_taken(kind: str, registry: Registry, single: str, multi: str, tmp_path: Path) -> None:
    source = single if kind == "single" else multi
    platform = ("--platform", "linux/amd64")
    done = layerslayer(
        "-t", source, "--save-all", "--format", "docker-archive", "-o", "out", *platform, cwd=str(tmp_path)
    )
    assert done.returncode == 0, done.stderr
    (path,) = (tmp_path / "out").iterdir()
    run("skopeo", "inspect", "docker-archive:{}".format(path))
    back = "{}/back/{}-docker:1".format(registry.host, kind)
    _copy("docker-archive:{}:{}".format(path, source), "docker://" + back)
    assert _entries(_listing(back)) == _entries(_listing(source, *platform))
