from __future__ import annotations

import os
from pathlib import Path
from typing import Dict, Optional

import pytest

from layerslayer.demo.shop import REPOSITORY, TAG
from layerslayer.errors import DigestMismatch, InvalidDocument, LayerslayerError, LocalFileError, NotFound
from layerslayer.oci.descriptor import Descriptor
from layerslayer.oci.layout import blob_name
from layerslayer.oci.local_reference import LocalReference
from layerslayer.oci.manifest import Index, parse_manifest
from layerslayer.oci.reference import parse_target
from layerslayer.oci.source import Source
from layerslayer.sources.local import located, open_local

from ..support.registry import store
from ..support.registry.faults import layer_digests
from ..support.registry.layouts import layout_files, write_folder, write_tar

STORE = store()
DIGEST = STORE.tags[(REPOSITORY, TAG)]
OTHERS = [digest for digest in STORE.manifests if digest != DIGEST]
LAYER = layer_digests(STORE)[0]


def files(*named: Optional[str]) -> Dict[str, bytes]:
    return layout_files(STORE, list(zip(named, [DIGEST, *OTHERS])))


@pytest.fixture(params=["oci", "oci-archive"])
def transport(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def opened(transport: str, folder: Path, content: Dict[str, bytes]) -> Source:
    if transport == "oci":
        return open_local(LocalReference(transport, str(write_folder(folder / "layout", content))))
    return open_local(LocalReference(transport, str(write_tar(folder / "layout.tar", list(content.items())))))


def descriptor(digest: str, data: Optional[bytes] = None) -> Descriptor:
    return Descriptor("", digest, len(STORE.blobs.get(digest, b"")), {}, data=data)


def test_manifests_by_name_by_digest_and_alone(transport: str, tmp_path: Path) -> None:
    source = opened(transport, tmp_path, files("1.0"))
    by_name = source.manifest("1.0")
    assert by_name == source.manifest("") == source.manifest(DIGEST)
    assert (by_name.body, by_name.digest) == (STORE.manifests[DIGEST].body, DIGEST)
    assert by_name.media_type == STORE.manifests[DIGEST].media_type
    assert source.manifest(OTHERS[0]).body == STORE.manifests[OTHERS[0]].body
    assert (list(source.tags()), source.requests_made()) == (["1.0"], 0)
    source.close()


def test_blobs_whole_and_in_part(transport: str, tmp_path: Path) -> None:
    source = opened(transport, tmp_path, files("1.0"))
    blob = STORE.blobs[LAYER]
    whole, part = source.blob(descriptor(LAYER)), source.blob_range(descriptor(LAYER), 5, 20)
    assert b"".join(iter(lambda: whole.read(1000), b"")) == blob
    assert b"".join(iter(lambda: part.read(7), b"")) == blob[5:25]
    assert source.blob_range(descriptor(LAYER), len(blob), 0).read(1) == b""
    with pytest.raises(NotFound):
        source.blob_range(descriptor(LAYER), len(blob) - 1, 2)
    inline = descriptor("sha256:" + "0" * 64, b"inline")
    assert source.blob(inline).read(99) == b"inline"
    assert source.blob_range(inline, 2, 3).read(99) == b"lin"
    for span in ((4, 3), (-1, 2), (0, -1)):
        with pytest.raises(NotFound):
            source.blob_range(inline, *span)
    with pytest.raises(NotFound):
        source.blob(descriptor("sha256:" + "0" * 64))
    whole.close()
    part.close()
    source.close()


def test_several_images_must_be_told_apart(transport: str, tmp_path: Path) -> None:
    source = opened(transport, tmp_path, files("one", "two", None))
    assert source.manifest("two").digest == OTHERS[0]
    assert list(source.tags()) == ["one", "two"]
    for wanted in ("", "three"):
        with pytest.raises(NotFound) as caught:
            source.manifest(wanted)
        assert caught.value.hint == "Name one of: one, two, @{}.".format(OTHERS[1])
    source.close()


def test_one_name_for_two_images_is_refused_with_their_digests(transport: str, tmp_path: Path) -> None:
    source = opened(transport, tmp_path, files("one", "one"))
    with pytest.raises(NotFound) as caught:
        source.manifest("one")
    assert DIGEST in caught.value.hint and OTHERS[0] in caught.value.hint
    source.close()


def without(name: str) -> Dict[str, bytes]:
    content = files("1.0")
    del content[name]
    return content


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (without("oci-layout"), InvalidDocument),
        (without("index.json"), InvalidDocument),
        (dict(files("1.0"), **{"oci-layout": b"[]"}), InvalidDocument),
        (dict(files("1.0"), **{"oci-layout": b'{"imageLayoutVersion": "2.0"}'}), InvalidDocument),
        (dict(files("1.0"), **{"oci-layout": b'{"imageLayoutVersion": 1}'}), InvalidDocument),
        (dict(files("1.0"), **{"index.json": b"{"}), InvalidDocument),
        (dict(files("1.0"), **{"index.json": STORE.manifests[OTHERS[0]].body}), InvalidDocument),
        (dict(files("1.0"), **{"index.json": b'{"manifests": [{"digest": "../../x", "size": 1}]}'}), InvalidDocument),
        (dict(files("1.0"), **{"index.json": b" " * (4 * 1024 * 1024 + 1)}), InvalidDocument),
        (dict(files("1.0"), **{blob_name(DIGEST): b"{}"}), DigestMismatch),
        (without(blob_name(DIGEST)), NotFound),
        (files(), NotFound),
    ],
)
def test_what_is_refused(transport: str, tmp_path: Path, content: Dict[str, bytes], error: type) -> None:
    with pytest.raises(error):
        opened(transport, tmp_path, content).manifest("1.0")


def test_a_companion_is_not_the_only_image(transport: str, tmp_path: Path) -> None:
    parsed = parse_manifest(STORE.manifests[DIGEST].body)
    assert isinstance(parsed, Index)
    content = layout_files(STORE, [("1.0", DIGEST)])
    marked = b'{"annotations": {"vnd.docker.reference.type": "attestation-manifest"}, '
    content["index.json"] = content["index.json"].replace(
        b'"manifests": [', b'"manifests": [' + marked + '"digest": "{}", "size": 1}}, '.format(OTHERS[0]).encode()
    )
    source = opened(transport, tmp_path, content)
    assert source.manifest("").digest == DIGEST
    source.close()


@pytest.mark.skipif(not hasattr(os, "symlink"), reason="no symlinks here")
def test_links_do_not_lead_out_of_the_folder(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "layout", files("1.0"))
    (tmp_path / "secret").write_bytes(b"secret")
    victim = folder / blob_name(LAYER)
    victim.unlink()
    victim.symlink_to(tmp_path / "secret")
    kept = folder / blob_name(OTHERS[0])
    kept.rename(folder / "moved")
    kept.symlink_to(folder / "moved")
    source = open_local(LocalReference("oci", str(folder)))
    with pytest.raises(InvalidDocument, match="leads out"):
        source.blob(descriptor(LAYER))
    assert source.manifest(OTHERS[0]).digest == OTHERS[0]
    victim.unlink()
    victim.mkdir()
    with pytest.raises(InvalidDocument, match="not a file"):
        source.blob(descriptor(LAYER))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(str(tmp_path / "pipe"))
    with pytest.raises(LocalFileError):
        open_local(LocalReference("oci-archive", str(tmp_path / "pipe")))
    folder = write_folder(tmp_path / "layout", without("oci-layout"))
    os.mkfifo(str(folder / "oci-layout"))
    with pytest.raises(InvalidDocument):
        open_local(LocalReference("oci", str(folder)))


@pytest.mark.parametrize("kind", ["oci", "oci-archive", "docker-archive"])
def test_a_path_that_is_not_there_or_another_thing(kind: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    for path in ("nothing", "file" if kind == "oci" else "."):
        with pytest.raises(LocalFileError):
            open_local(LocalReference(kind, str(tmp_path / path)))


@pytest.mark.skipif(os.name == "nt", reason="no colons in names there")
def test_a_path_with_colons_is_found(tmp_path: Path) -> None:
    for folder in ("a:b", "c"):
        (tmp_path / folder).mkdir()
    base = "oci:{}/".format(tmp_path)
    found = {text: located(parse_target(base + text)) for text in ("a:b", "a:b:t", "a:b:t:u", "c:b", "d:b", "c")}
    short = {text: (target.path[len(str(tmp_path)) + 1 :], target.tag) for text, target in found.items()}
    assert short == {
        "a:b": ("a:b", None),
        "a:b:t": ("a:b", "t"),
        "a:b:t:u": ("a:b", "t:u"),
        "c:b": ("c", "b"),
        "d:b": ("d", "b"),
        "c": ("c", None),
    }


def test_no_error_is_more_than_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(LayerslayerError) as caught:
        open_local(LocalReference("oci", str(tmp_path)))
    assert str(caught.value) == "'{0}' is no OCI layout: '{0}' has no oci-layout.".format(tmp_path)
