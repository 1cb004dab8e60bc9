"""The merged view against what umoci unpacks, path by path."""

from __future__ import annotations

import io
import json
import os
import shlex
import stat
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any, Dict, List, Tuple

import pytest

from .tools import ROOT, Registry, gzip_members, layerslayer, need, run

pytestmark = pytest.mark.integration

_GZIP = "application/vnd.oci.image.layer.v1.tar+gzip"
Row = Tuple[str, int, int, str]  # type, size, mode, link target


def member(name: str, kind: bytes = tarfile.REGTYPE, body: bytes = b"", mode: int = 0o644, target: str = "") -> Any:
    info = tarfile.TarInfo(name)
    info.type, info.size, info.mode, info.linkname = kind, len(body), mode, target
    info.uid, info.gid = os.getuid(), os.getgid()
    return info, body


def tar(*members: Any) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for info, body in members:
            archive.addfile(info, io.BytesIO(body))
    return buffer.getvalue()


def layers() -> List[bytes]:
    """Five layers: deletions, opaque and replaced directories, links across layers, attributes changed, duplicates."""
    d, sym, hard = tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE
    return [
        tar(
            member("./", d, mode=0o755), member("./etc/", d, mode=0o755), member("./etc/a", body=b"a" * 10),
            member("./etc/b", body=b"b" * 20, mode=0o600), member("usr/", d, mode=0o755),
            member("usr/lib/", d, mode=0o755), member("usr/lib/x.so", body=b"x" * 1000, mode=0o755),
            member("lib", sym, target="usr/lib"), member("opaque/", d, mode=0o755), member("opaque/old", body=b"old"),
            member("opaque/dir/", d, mode=0o755), member("opaque/dir/deep", body=b"deep"),
            member("replaced/", d, mode=0o755), member("replaced/in", body=b"in"), member("will-be-dir", body=b"file"),
        ),
        tar(
            member("etc/.wh.a"), member("opaque/", d, mode=0o700), member("opaque/new", body=b"new"),
            member("opaque/.wh..wh..opq"), member("replaced", body=b"now a file"),
            member("will-be-dir/", d, mode=0o755), member("will-be-dir/child", body=b"child"),
        ),
        tar(
            member("etc/", d, mode=0o711), member("etc/hard", hard, target="etc/b"),
            member("etc/link", sym, target="../usr/lib/x.so"), member("double", body=b"first"),
            member("double", body=b"second, longer"), member("lib/y.so", body=b"y" * 7),
        ),
        tar(member("etc/.wh.b"), member("usr/lib/.wh.x.so"), member("new/implied/file", body=b"i")),
        tar(member("etc/b", body=b"again", mode=0o640), member(".wh.will-be-dir"), member("odd \u00e9", body=b"o")),
    ]  # fmt: skip


def unpacked(root: Path) -> Dict[str, Row]:
    rows = {}
    for folder, directories, files in os.walk(str(root)):
        for name in directories + files:
            path = os.path.join(folder, name)
            info = os.lstat(path)
            kind = {stat.S_IFREG: "file", stat.S_IFDIR: "directory", stat.S_IFLNK: "symlink"}[stat.S_IFMT(info.st_mode)]
            size = info.st_size if kind == "file" else 0
            mode = 0 if kind == "symlink" else stat.S_IMODE(info.st_mode)
            rows[os.path.relpath(path, str(root))] = (kind, size, mode, os.readlink(path) if kind == "symlink" else "")
    return rows


def seen(output: bytes) -> Dict[str, Row]:
    rows = {}
    for line in output.decode("ascii").splitlines():
        item = json.loads(line)
        if item["type"] == "entry":
            kind = "file" if item["kind"] == "hardlink" else item["kind"]
            target = item.get("target", "") if kind == "symlink" else ""
            mode = 0 if kind == "symlink" else int(item["mode"], 8)
            rows[item["path"]] = (kind, item["size"] if kind == "file" else 0, mode, target)
    return rows


def test_five_layers_are_what_umoci_unpacks(registry: Registry, tmp_path: Path) -> None:
    need("umoci", "skopeo")
    registry.put_image("merged/five", "1", [gzip_members(layer, 1) for layer in layers()], _GZIP)
    reference = registry.host + "/merged/five:1"
    run("skopeo", "copy", "--src-tls-verify=false", "docker://" + reference, "oci:{}:1".format(tmp_path / "oci"))
    _with_diff_ids(registry, tmp_path)
    rootless = [] if os.getuid() == 0 else ["--rootless"]
    run("umoci", "unpack", *rootless, "--image", "{}:1".format(tmp_path / "oci"), str(tmp_path / "bundle"))
    done = layerslayer("tree", reference, "--json")
    assert done.returncode == 0, done.stderr
    expected = unpacked(tmp_path / "bundle/rootfs")
    assert len(expected) > 15
    assert seen(done.stdout) == expected


def _with_diff_ids(registry: Registry, folder: Path) -> None:
    """umoci wants the config's diff_ids: push the same layers with them."""
    from hashlib import sha256

    oci = folder / "oci"
    index = json.loads((oci / "index.json").read_text())
    manifest_path = oci / "blobs/sha256" / index["manifests"][0]["digest"][7:]
    manifest = json.loads(manifest_path.read_text())
    config = json.loads((oci / "blobs/sha256" / manifest["config"]["digest"][7:]).read_text())
    config["rootfs"] = {"type": "layers", "diff_ids": ["sha256:" + sha256(layer).hexdigest() for layer in layers()]}
    for holder, key, document in ((manifest, "config", config), (index["manifests"], 0, manifest)):
        body = json.dumps(document).encode()
        digest = sha256(body).hexdigest()
        (oci / "blobs/sha256" / digest).write_bytes(body)
        holder[key].update(digest="sha256:" + digest, size=len(body))  # type: ignore[index]
    (oci / "index.json").write_text(json.dumps(index))


def test_the_jq_lines_of_the_readme_work(registry: Registry) -> None:
    need("jq")
    registry.put_image("merged/jq", "1", [gzip_members(layer, 1) for layer in layers()], _GZIP)
    block = (ROOT / "README.md").read_text(encoding="utf-8").split("With `jq`:", 1)[1].split("```")[1]
    lines = [line for line in block.splitlines() if line.startswith("layerslayer ")]
    assert len(lines) >= 4
    for line in lines:
        program = "{} {}".format(shlex.quote(sys.executable), shlex.quote(str(ROOT / "layerslayer.py")))
        command = line.replace("layerslayer", program, 1).replace("alpine:3.20", registry.host + "/merged/jq:1")
        done = subprocess.run(["sh", "-ec", command], capture_output=True, timeout=60)
        assert done.returncode == 0, done.stderr
        assert done.stdout.strip() or "startswith" in line, line


def test_the_second_tree_asks_for_no_blob(registry: Registry) -> None:
    registry.put_image("merged/again", "1", [gzip_members(layer, 1) for layer in layers()[:2]], _GZIP)
    reference = registry.host + "/merged/again:1"
    first = layerslayer("tree", reference)
    logged = registry.log.stat().st_size
    second = layerslayer("tree", reference)
    assert first.returncode == second.returncode == 0
    assert first.stdout == second.stdout
    with registry.log.open("rb") as log:
        log.seek(logged)
        asked = log.read()
    assert b"/manifests/1" in asked and b"/blobs/" not in asked
