"""``--save-all --format``: what is written lists as the registry's image does, or is not there at all."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path
from typing import Any, Dict, List

import pytest

from layerslayer.demo.image import Member, Store, add_image, add_manifest, gzip_of, tar_of
from layerslayer.oci.descriptor import digest_of
from layerslayer.oci.layout import REF_NAME, blob_name
from layerslayer.oci.media_types import DOCKER_LIST, DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST

from ...support.registry import NAME, Registry, store
from ...support.registry.faults import altered, any_of, artifact, blobs_image, flipped, layer_digests, single_image
from ...support.registry.running import Ran, Runner

AMD64 = ("--platform", "linux/amd64")
TAGGED = (NAME, "1.0")
EMPTY = gzip_of(tar_of([]))


def exported(run: Runner, registry: Registry, form: str, *more: str) -> Ran:
    return run("--save-all", "-t", registry.target, "--format", form, "-o", "out", *more)


def place(run: Runner) -> str:
    (found,) = (run.folder / "out").iterdir()
    return found.relative_to(run.folder).as_posix()


def left(folder: Path) -> List[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def entries_of(listing: str) -> List[str]:
    return [line for line in listing.splitlines() if not line.startswith(("Layer ", "= "))]


@pytest.mark.parametrize("form", ["oci", "oci-archive"])
@pytest.mark.parametrize("platform", ["linux/arm64", "all"])
def test_a_layout_lists_as_the_image_does(run: Runner, form: str, platform: str) -> None:
    chosen = ("--platform", platform)
    with Registry(challenge=True) as registry:
        expected = run("--peek-all", "-t", registry.target, *chosen, "--no-cache")
        ran = exported(run, registry, form, *chosen)
        again = exported(run, registry, form, *chosen)
    assert (expected.code, ran.code, again.code) == (0, 0, 0)
    assert ran.out.startswith("saved out") and ran.out.count("\n") == 1
    listed = run("--peek-all", "-t", "{}:{}:1.0".format(form, place(run)), *chosen, "--no-cache")
    assert (listed.code, listed.out) == (0, expected.out)


def test_the_whole_index_keeps_every_byte(run: Runner) -> None:
    with Registry() as registry:
        assert exported(run, registry, "oci", "--platform", "all").code == 0
    folder, demo = run.folder / place(run), store()
    blobs = {blob_name(digest): body for digest, body in demo.blobs.items()}
    documents = {blob_name(digest): stored.body for digest, stored in demo.manifests.items()}
    written = {name: (folder / name).read_bytes() for name in left(folder) if name.startswith("blobs/")}
    assert written == dict(blobs, **documents)
    index = json.loads((folder / "index.json").read_text())
    digest = demo.tags[TAGGED]
    assert index["manifests"] == [
        {
            "mediaType": OCI_INDEX,
            "digest": digest,
            "size": len(demo.manifests[digest].body),
            "annotations": {REF_NAME: "1.0"},
        }
    ]


def test_a_docker_archive_lists_and_loads(run: Runner) -> None:
    with Registry() as registry:
        expected = run("--peek-all", "-t", registry.target, *AMD64)
        assert exported(run, registry, "docker-archive", *AMD64).code == 0
        name = registry.target
    listed = run("--peek-all", "-t", "docker-archive:{}:{}".format(place(run), name))
    assert listed.code == 0 and entries_of(listed.out) == entries_of(expected.out)
    with tarfile.open(str(run.folder / place(run))) as archive:
        bodies = {member.name: archive.extractfile(member).read() for member in archive}  # type: ignore[union-attr]
    (entry,) = json.loads(bodies.pop("manifest.json").decode())
    config = bodies.pop(entry["Config"])
    assert entry["RepoTags"] == [name] and "sha256:" + entry["Config"][:64] == digest_of(config)
    assert [digest_of(bodies[path]) for path in entry["Layers"]] == json.loads(config.decode())["rootfs"]["diff_ids"]
    assert sorted(bodies) == sorted(entry["Layers"]) == sorted(digest_of(body)[7:] + ".tar" for body in bodies.values())


def test_a_layer_that_recurs_is_written_once(run: Runner) -> None:
    same = [Member("same", body=b"1")]
    with Registry(single_image([same, [Member("other")], same], {"os": "linux", "architecture": "amd64"})) as registry:
        for form in ("oci", "oci-archive", "docker-archive"):
            assert exported(run, registry, form).code == 0
        expected = entries_of(run("--peek-all", "-t", registry.target).out)
    for path in (run.folder / "out").glob("*.tar"):
        with tarfile.open(str(path)) as archive:
            names = archive.getnames()
        assert len(names) == len(set(names))
        form = "docker-archive" if path.name.endswith(".docker.tar") else "oci-archive"
        assert entries_of(run("--peek-all", "-t", "{}:{}".format(form, path)).out) == expected


@pytest.mark.parametrize("form", ["oci", "oci-archive", "docker-archive"])
def test_a_broken_layer_leaves_nothing_under_a_final_name(run: Runner, form: str) -> None:
    with Registry() as registry:
        registry.fault(any_of(layer_digests(store())[2:3]), altered(flipped))
        ran = exported(run, registry, form, *AMD64)
    assert (ran.code, ran.out) == (2, "")
    assert ("Corrupt gzip data" if form == "docker-archive" else "digest is") in ran.err
    assert not [name for name in left(run.folder / "out") if "/blobs/sha256/" not in name]
    for name in left(run.folder / "out"):
        assert digest_of((run.folder / "out" / name).read_bytes())[7:] == name.rpartition("/")[2]


def test_a_failure_leaves_an_older_layout_as_it_was(run: Runner) -> None:
    with Registry() as registry:
        assert exported(run, registry, "oci", *AMD64).code == 0
        index = (run.folder / place(run) / "index.json").read_bytes()
        registry.fault(any_of(layer_digests(store(), "arm64")[:1]), altered(flipped))
        assert exported(run, registry, "oci", "--platform", "linux/arm64").code == 2
    assert (run.folder / place(run) / "index.json").read_bytes() == index


def test_images_are_added_and_those_of_the_same_name_replaced(run: Runner) -> None:
    content = store()
    content.tags[(NAME, "2.0")] = content.tags[TAGGED]
    with Registry(content) as registry:
        assert exported(run, registry, "oci", *AMD64).code == 0
        path = run.folder / place(run) / "index.json"
        index = json.loads(path.read_text())
        foreign = dict(index["manifests"][0], annotations={REF_NAME: "theirs", "x": "y"})
        path.write_text(json.dumps(dict(index, manifests=[foreign, *index["manifests"]], annotations={"a": "b"})))
        blob_requests = len(registry.asked("/blobs/"))
        assert exported(run, registry, "oci", *AMD64).code == 0
        assert len(registry.asked("/blobs/")) == blob_requests + 1  # the config alone: the layers are there
        other = run(
            "--save-all", "-t", registry.host + "/" + NAME + ":2.0", "--format", "oci", "-o", "out", "--platform", "all"
        )
    assert other.code == 0
    index = json.loads(path.read_text())
    assert [entry["annotations"][REF_NAME] for entry in index["manifests"]] == ["theirs", "1.0", "2.0"]
    assert index["annotations"] == {"a": "b"} and index["manifests"][0] == foreign


def test_by_digest_there_is_no_name(run: Runner) -> None:
    digest = store().tags[TAGGED]
    with Registry() as registry:
        target = "{}/{}@{}".format(registry.host, NAME, digest)
        for _ in range(2):
            ran = run("--save-all", "-t", target, "--format", "oci", "-o", "out", "--platform", "all")
            assert ran.code == 0
        path = run.folder / place(run) / "index.json"
        (entry,) = json.loads(path.read_text())["manifests"]
        assert entry["digest"] == digest and "annotations" not in entry
        assert run("--save-all", "-t", target, "--format", "oci", "-o", "out", *AMD64).code == 0
    assert [entry["digest"] == digest for entry in json.loads(path.read_text())["manifests"]] == [True, False]


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"manifests": 1}', b'{"manifests": [1]}', b"{}"])
def test_a_folder_that_holds_something_else_is_left_alone(run: Runner, body: bytes) -> None:
    with Registry() as registry:
        folder = run.folder / "out" / (registry.host.replace(":", "_") + "_demo_shop.oci")
        folder.mkdir(parents=True)
        (folder / "index.json").write_bytes(body)
        ran = exported(run, registry, "oci", *AMD64)
    assert ran.code == 2 and "Choose another folder with -o." in ran.err
    assert left(folder) == ["index.json"] and (folder / "index.json").read_bytes() == body


def docker_typed() -> Store:
    """Return a manifest list with an image, as Docker's types have them."""
    content = Store({}, {}, {})
    described = add_image(content, [tar_of([Member("a", body=b"1")])], {"os": "linux", "architecture": "amd64"})
    manifest: Dict[str, Any] = json.loads(content.manifests.pop(described["digest"]).body.decode())
    manifest["mediaType"] = DOCKER_MANIFEST
    manifest["config"]["mediaType"] = "application/vnd.docker.container.image.v1+json"
    manifest["layers"][0]["mediaType"] = "application/vnd.docker.image.rootfs.diff.tar.gzip"
    entry = dict(add_manifest(content, manifest), platform={"os": "linux", "architecture": "amd64"})
    listed = add_manifest(content, {"schemaVersion": 2, "mediaType": DOCKER_LIST, "manifests": [entry, entry]})
    content.tags[TAGGED] = listed["digest"]
    return content


@pytest.mark.parametrize("platform", ["linux/amd64", "all"])
def test_dockers_types_become_those_that_readers_of_layouts_know(run: Runner, platform: str) -> None:
    with Registry(docker_typed()) as registry:
        expected = run("--peek-all", "-t", registry.target, "--platform", platform, "--no-cache")
        ran = exported(run, registry, "oci", "--platform", platform)
    assert ran.code == 0 and "The image has Docker's types; as OCI's its manifest is sha256:" in ran.err
    folder = run.folder / place(run)
    assert b"vnd.docker" not in b"".join((folder / name).read_bytes() for name in left(folder))
    (entry,) = json.loads((folder / "index.json").read_text())["manifests"]
    assert entry["mediaType"] == (OCI_INDEX if platform == "all" else OCI_MANIFEST)
    listed = run("--peek-all", "-t", "oci:" + place(run), "--platform", platform, "--no-cache")
    assert listed.code == 0 and listed.out == expected.out


def test_an_artifact_is_no_docker_archive(run: Runner) -> None:
    with Registry(artifact()) as registry:
        refused, done = exported(run, registry, "docker-archive"), exported(run, registry, "oci-archive")
    assert refused.code == 2 and "is no container image" in refused.err
    assert done.code == 0


def test_a_config_that_names_other_layers_is_refused(run: Runner) -> None:
    with Registry(blobs_image([EMPTY, EMPTY])) as registry:  # its config states no diff_ids
        ran = exported(run, registry, "docker-archive")
    assert ran.code == 2 and "does not name the 2 layers" in ran.err
    assert left(run.folder) == []


def test_a_layer_that_unpacks_to_something_else_is_refused(run: Runner) -> None:
    content = Store({}, {}, {})
    described = add_image(content, [tar_of([Member("a")])], {"os": "linux", "architecture": "amd64"})
    manifest = json.loads(content.manifests[described["digest"]].body.decode())
    other = gzip_of(tar_of([Member("b")]))
    content.blobs[digest_of(other)] = other
    manifest["layers"][0].update(digest=digest_of(other), size=len(other))
    content.tags[TAGGED] = add_manifest(content, manifest)["digest"]
    with Registry(content) as registry:
        ran = exported(run, registry, "docker-archive")
    assert ran.code == 2 and "is not what the image config names" in ran.err
    assert left(run.folder) == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--save-all", "--format", "oci", "--layer", "0"], "--layer does not go with it"),
        (["--save-all", "--format", "docker-archive", "--platform", "all"], "holds one platform"),
        (["--peek-all", "--format", "oci"], "--format says what --save-all writes"),
        (["--save-all", "--format", "tar"], "invalid choice: 'tar'"),
    ],
)
def test_what_does_not_go_together(run: Runner, arguments: List[str], said: str) -> None:
    ran = run(*arguments, "-t", "localhost:1/x")
    assert ran.code == 2 and said in ran.err and left(run.folder) == []


def test_from_one_local_form_to_the_next(run: Runner) -> None:
    with Registry() as registry:
        expected = entries_of(run("--peek-all", "-t", registry.target, *AMD64).out)
        assert exported(run, registry, "docker-archive", *AMD64).code == 0
        name = registry.target
    target = "docker-archive:" + place(run)
    for number, form in enumerate(("oci", "docker-archive", "oci-archive")):
        out = str(number)
        assert run("--save-all", "-t", target, "--format", form, "-o", out).code == 0
        (path,) = (run.folder / out).iterdir()
        target = "{}:{}".format(form, path.relative_to(run.folder).as_posix())
        assert entries_of(run("--peek-all", "-t", target + ":" + name).out) == expected
