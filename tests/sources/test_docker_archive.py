from __future__ import annotations

import gzip
import hashlib
import json
from pathlib import Path
from typing import Any, List, Sequence, Tuple

import pytest

from layerslayer.demo.image import Member, tar_of
from layerslayer.errors import InvalidDocument, NotFound
from layerslayer.oci.local_reference import LocalReference
from layerslayer.oci.manifest import Manifest, parse_manifest
from layerslayer.oci.source import Source
from layerslayer.sources.local import open_local

from ..support.registry.layouts import saved_config, saved_members, write_tar

ONE, TWO = tar_of([Member("one", body=b"1")]), tar_of([Member("two", body=b"2")])


def opened(folder: Path, members: Sequence[Tuple[str, Any]]) -> Source:
    return open_local(LocalReference("docker-archive", str(write_tar(folder / "saved.tar", members))))


def layers_of(source: Source, wanted: str = "") -> List[bytes]:
    """Return the stored layers, each checked against the made-up manifest."""
    document = source.manifest(wanted)
    assert source.manifest(document.digest) == document
    manifest = parse_manifest(document.body, document.media_type)
    assert isinstance(manifest, Manifest) and manifest.is_image
    bodies = []
    for descriptor in (manifest.config, *manifest.layers):
        file = source.blob(descriptor)
        bodies.append(b"".join(iter(lambda: file.read(500), b"")))
        algorithm, _, value = descriptor.digest.partition(":")
        assert (len(bodies[-1]), hashlib.new(algorithm, bodies[-1]).hexdigest()) == (descriptor.size, value)
        part = source.blob_range(descriptor, 1, 5)
        assert part.read(99) == bodies[-1][1:6]
    return bodies[1:]


def test_layers_as_docker_saves_them(tmp_path: Path) -> None:
    source = opened(tmp_path, saved_members([ONE, TWO]))
    assert layers_of(source) == layers_of(source, "demo/shop:1") == layers_of(source, "@0") == [ONE, TWO]
    assert list(source.tags()) == ["demo/shop:1"]


def test_layers_compressed_by_other_tools(tmp_path: Path) -> None:
    packed = gzip.compress(ONE)
    assert layers_of(opened(tmp_path, saved_members([ONE, TWO], [packed, TWO]))) == [packed, TWO]
    zstd = b"\x28\xb5\x2f\xfd and so on"
    source = opened(tmp_path, saved_members([ONE], [zstd]))
    assert layers_of(source) == [zstd]
    assert json.loads(source.manifest("").body.decode())["layers"][0]["mediaType"].endswith("tar+zstd")


def test_the_newer_shape_names_compressed_layers_by_digest(tmp_path: Path) -> None:
    packed, config = gzip.compress(ONE), saved_config([ONE, TWO])
    digest = hashlib.sha256(packed).hexdigest()
    names = ["blobs/sha256/" + hashlib.sha256(body).hexdigest() for body in (config, packed, TWO)]
    entry = {"Config": names[0], "RepoTags": None, "Layers": names[1:]}
    members = [*zip(names, (config, packed, TWO)), ("manifest.json", json.dumps([entry]).encode())]
    source = opened(tmp_path, members)
    assert layers_of(source) == [packed, TWO]
    assert "sha256:" + digest in source.manifest("").body.decode()
    lying = [(name, packed + b"more" if body is packed else body) for name, body in members]
    with pytest.raises(AssertionError):  # whoever reads the layer finds that it is another
        layers_of(opened(tmp_path, lying))


def test_links_between_layers(tmp_path: Path) -> None:
    members = saved_members([ONE, ONE])
    members[2] = ("1/layer.tar", ("symlink", "../0/layer.tar"))
    assert layers_of(opened(tmp_path, members)) == [ONE, ONE]
    members[2] = ("1/layer.tar", ("symlink", "../../saved.tar"))
    with pytest.raises(NotFound):
        opened(tmp_path, members).manifest("")


def test_several_images(tmp_path: Path) -> None:
    one, two = saved_members([ONE]), saved_members([TWO], names=["localhost:5000/x:2", "x:3"])
    entries = [json.loads(members[-1][1].decode())[0] for members in (one, two)]
    entries[1]["Layers"] = ["b/layer.tar"]
    members = [*one[:-1], two[0], ("b/layer.tar", TWO), ("manifest.json", json.dumps(entries).encode())]
    source = opened(tmp_path, members)
    for wanted in ("demo/shop:1", "docker.io/demo/shop:1", "@0"):
        assert layers_of(source, wanted) == [ONE]
    for wanted in ("localhost:5000/x:2", "x:3", "docker.io/library/x:3", "@1"):
        assert layers_of(source, wanted) == [TWO]
    for wanted in ("", "x:2", "x"):
        with pytest.raises(NotFound) as caught:
            source.manifest(wanted)
        assert caught.value.hint == "Name one of: demo/shop:1, localhost:5000/x:2."
    with pytest.raises(NotFound):
        source.manifest("@2")


def changed(**entry: Any) -> List[Tuple[str, Any]]:
    members = saved_members([ONE])
    return [*members[:-1], ("manifest.json", json.dumps([dict(_of(members), **entry)]).encode())]


def _of(members: Sequence[Tuple[str, Any]]) -> Any:
    return json.loads(members[-1][1].decode())[0]


def with_config(body: bytes) -> List[Tuple[str, Any]]:
    return [(name, body if name.endswith(".json") and name != "manifest.json" else old) for name, old in changed()]


@pytest.mark.parametrize(
    ("members", "error"),
    [
        (saved_members([ONE])[:-1], InvalidDocument),
        ([("manifest.json", b"{}")], InvalidDocument),
        ([("manifest.json", b"[]")], InvalidDocument),
        ([("manifest.json", b"[1]")], InvalidDocument),
        ([("manifest.json", b"[" * 100000)], InvalidDocument),
        ([*saved_members([ONE]), ("manifest.json", b"[]")], InvalidDocument),
        ([*saved_members([ONE]), saved_members([ONE])[0]], InvalidDocument),
        (changed(Config=None), InvalidDocument),
        (changed(Layers="0/layer.tar"), InvalidDocument),
        (changed(Layers=[1]), InvalidDocument),
        (changed(Layers=["x"] * 1001), InvalidDocument),
        (changed(Layers=[]), InvalidDocument),
        (changed(RepoTags="x"), InvalidDocument),
        (changed(Config="../../etc/passwd"), NotFound),
        (changed(Config="/etc/passwd"), NotFound),
        (changed(Layers=["../../etc/passwd"]), NotFound),
        (with_config(b"[]"), InvalidDocument),
        (with_config(b'{"rootfs": {"diff_ids": ["sha256:../../x"]}}'), InvalidDocument),
        (with_config(b'{"rootfs": {"diff_ids": [7]}}'), InvalidDocument),
        (with_config(b'{"rootfs": {"diff_ids": "x"}}'), InvalidDocument),
        (with_config(b'{"rootfs": 1}'), InvalidDocument),
    ],
)
def test_what_is_refused(tmp_path: Path, members: Sequence[Tuple[str, Any]], error: type) -> None:
    with pytest.raises(error):
        opened(tmp_path, members).manifest("")


def test_a_digest_is_not_known_before_it_was_made_up(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="keeps no manifests"):
        opened(tmp_path, saved_members([ONE])).manifest("sha256:" + "0" * 64)
