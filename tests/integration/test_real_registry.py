"""The program against a real registry server, with images made by real tools."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import signal
import subprocess
import sys
import tarfile
import time
from pathlib import Path
from typing import Callable, Dict, List

import pytest

from .tools import ROOT, Line, Registry, by_tarfile, gzip_members, layerslayer, listed, need, run

pytestmark = pytest.mark.integration

_TYPE = "application/vnd.oci.image.layer.v1.tar"


def _pigz(body: bytes) -> bytes:
    need("pigz")
    return run("pigz", "-p", "4", "-b", "128", "-c", input=body).stdout


_SHAPES: Dict[str, Callable[[bytes], bytes]] = {
    "plain": lambda body: body,
    "gzip": lambda body: gzip.compress(body, 6),
    "pigz": _pigz,
    "concatenated": lambda body: gzip_members(body, 7),
    "pigz-independent": lambda body: run("pigz", "-i", "-b", "256", "-c", input=body).stdout,
}


@pytest.fixture(scope="session")
def expected(rootfs: Path) -> List[Line]:
    return list(by_tarfile(rootfs))


@pytest.mark.parametrize("shape", sorted(_SHAPES))
def test_a_debian_root_filesystem_lists_as_tarfile_lists_it(
    shape: str, registry: Registry, rootfs: Path, expected: List[Line]
) -> None:
    registry.put_image("debian/" + shape, "1", [_SHAPES[shape](rootfs.read_bytes())], _TYPE)
    done = layerslayer("-t", "{}/debian/{}:1".format(registry.host, shape), "--peek-all")
    assert done.returncode == 0, done.stderr
    assert listed(done.stdout) == [expected]
    assert done.stdout.decode().rstrip().endswith("digest verified; complete.")


@pytest.fixture(scope="session")
def layout(rootfs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An OCI layout with the root filesystem as its one layer, built by umoci."""
    need("umoci")
    folder = tmp_path_factory.mktemp("oci") / "layout"
    run("umoci", "init", "--layout", str(folder))
    run("umoci", "new", "--image", "{}:debian".format(folder))
    run("umoci", "raw", "add-layer", "--image", "{}:debian".format(folder), str(rootfs))
    return folder


@pytest.mark.parametrize("compression", ["gzip", "zstd"])
def test_what_skopeo_pushes_lists_as_tarfile_lists_it(
    compression: str, tmp_path: Path, layout: Path, expected: List[Line]
) -> None:
    need("skopeo")
    registry = Registry(tmp_path)  # a new one: skopeo reuses what it knows a registry to have, in any compression
    target = "{}/pushed/{}:1".format(registry.host, compression)
    command = [
        "skopeo",
        "--insecure-policy",
        "copy",
        "-q",
        "--dest-tls-verify=false",
        "--dest-compress-format",
        compression,
    ]
    run(*command, "oci:{}:debian".format(layout), "docker://" + target)
    raw = run("skopeo", "inspect", "--raw", "--tls-verify=false", "docker://" + target).stdout
    assert compression in json.loads(raw.decode())["layers"][0]["mediaType"]
    done = layerslayer("-t", target, "--peek-all")
    registry.stop()
    assert done.returncode == 0, done.stderr
    assert listed(done.stdout) == [expected]


def test_save_all_writes_the_blobs_and_does_not_fetch_twice(registry: Registry, rootfs: Path, tmp_path: Path) -> None:
    body = rootfs.read_bytes()
    blobs = [gzip.compress(body[: 10 * 1024 * 1024 // 512 * 512], 1), gzip.compress(bytes(1024), 1)]
    registry.put_image("save/me", "2.0", blobs, _TYPE + "+gzip")
    arguments = ["-t", "{}/save/me:2.0".format(registry.host), "--save-all"]
    done = layerslayer(*arguments, cwd=str(tmp_path))
    assert done.returncode == 0, done.stderr
    folder = tmp_path / "downloads" / "{}_save_me".format(registry.host.replace(":", "_")) / "2.0"
    for number, blob in enumerate(blobs):
        digest = hashlib.sha256(blob).hexdigest()
        assert (folder / "{}_{}.tar.gz".format(number, digest)).read_bytes() == blob
    requested = _blob_requests(registry, "save/me")
    assert requested == len(blobs) + 1  # and the config
    again = layerslayer(*arguments, cwd=str(tmp_path))
    assert again.returncode == 0
    assert again.stdout.count(b"already there, digest verified") == len(blobs)
    assert _blob_requests(registry, "save/me") == requested + 1  # the config alone


def _blob_requests(registry: Registry, repository: str) -> int:
    marker = '"GET /v2/{}/blobs/'.format(repository)
    return sum(marker in line for line in registry.log.read_text().splitlines())


def test_a_killed_download_leaves_nothing_under_a_final_name(registry: Registry, tmp_path: Path) -> None:
    body = os.urandom(1024) * (64 * 1024)  # 64 MiB, incompressible enough
    registry.put_image("save/killed", "1", [body], _TYPE)
    digest = hashlib.sha256(body).hexdigest()
    command = [
        sys.executable,
        str(ROOT / "layerslayer.py"),
        "-t",
        "{}/save/killed:1".format(registry.host),
        "--save-all",
    ]
    for _ in range(5):
        process = subprocess.Popen(command, cwd=str(tmp_path), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while process.poll() is None and not list(tmp_path.rglob("*.part")):
            time.sleep(0.001)
        process.send_signal(signal.SIGKILL)
        process.wait(30)
        for path in tmp_path.rglob("0_*"):
            assert hashlib.sha256(path.read_bytes()).hexdigest() == digest
        for path in tmp_path.rglob("0_*"):
            path.unlink()
    assert layerslayer(*command[2:], cwd=str(tmp_path)).returncode == 0
    assert [hashlib.sha256(path.read_bytes()).hexdigest() for path in tmp_path.rglob("0_*")] == [digest]


def test_a_missing_tag_and_a_missing_repository_are_one_sentence(registry: Registry) -> None:
    registry.put_image("there/is", "1", [bytes(1024)], _TYPE)
    for name in ("there/is:2", "there/is/not:1"):
        done = layerslayer("-t", "{}/{}".format(registry.host, name), "--peek-all")
        assert done.returncode == 2
        assert done.stdout == b""
        assert done.stderr.count(b"\n") == 1
        assert done.stderr.startswith(b"Error: ")


def _peak(registry: Registry, name: str) -> int:
    """List an image; return the peak resident KiB of the process, as the operating system counts it."""
    measure = (
        "import resource, subprocess, sys; code = subprocess.call(sys.argv[1:], stdout=subprocess.DEVNULL);"
        "print(code, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    )
    command = [str(ROOT / "layerslayer.py"), "-t", "{}/{}:1".format(registry.host, name), "--peek-all"]
    done = run(sys.executable, "-c", measure, sys.executable, *command)
    code, kilobytes = done.stdout.split()
    assert code == b"0"
    return int(kilobytes)


def test_memory_stays_flat_on_a_large_layer(registry: Registry, tmp_path: Path) -> None:
    piece = os.urandom(1024 * 1024)
    tar = tmp_path / "big.tar"
    (tmp_path / "big").write_bytes(piece * 200)
    run("tar", "-C", str(tmp_path), "-cf", str(tar), "big")
    registry.put_image("big/layer", "1", [gzip.compress(tar.read_bytes(), 1)], _TYPE + "+gzip")
    assert _peak(registry, "big/layer") < 60 * 1024


def test_memory_stays_flat_on_many_entries(registry: Registry) -> None:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for number in range(200_000):
            archive.addfile(tarfile.TarInfo("usr/share/some/folder/{:03d}/file-{:06d}".format(number % 500, number)))
    registry.put_image("many/entries", "1", [gzip.compress(out.getvalue(), 1)], _TYPE + "+gzip")
    assert _peak(registry, "many/entries") < 120 * 1024
