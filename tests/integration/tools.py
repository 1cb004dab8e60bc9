"""What the integration tests stand on: real tools, a real registry, real images."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tarfile
import time
import urllib.parse
from pathlib import Path
from typing import Any, Dict, Iterator, List, NamedTuple, Sequence

import pytest
import requests

from layerslayer.escaping import printable

ROOT = Path(__file__).resolve().parents[2]
REQUIRED = os.environ.get("LAYERSLAYER_INTEGRATION") == "1"  # CI: a missing tool is a failure

_REGISTRY_CONFIG = """\
version: 0.1
log: {{level: info}}
storage: {{filesystem: {{rootdirectory: {root}}}, delete: {{enabled: true}}}}
http: {{addr: "127.0.0.1:{port}"{http}}}
"""


def need(*names: str) -> None:
    """Skip, or in CI fail, where a tool is missing."""
    missing = [name for name in names if shutil.which(name) is None]
    if missing and REQUIRED:
        pytest.fail("missing tools: {}".format(", ".join(missing)))
    if missing:
        pytest.skip("missing tools: {}; LAYERSLAYER_INTEGRATION=1 makes this a failure".format(", ".join(missing)))


def run(*command: str, **options: Any) -> subprocess.CompletedProcess[bytes]:
    """Run a tool and fail with its output when it fails."""
    done = subprocess.run(command, capture_output=True, **options)
    assert done.returncode == 0, "{} failed: {}".format(command[0], done.stderr.decode("utf-8", "replace")[-2000:])
    return done


def layerslayer(*arguments: str, **options: Any) -> subprocess.CompletedProcess[bytes]:
    """Run the program as a user would."""
    command = [sys.executable, str(ROOT / "layerslayer.py"), *arguments]
    return subprocess.run(command, capture_output=True, timeout=300, **options)


class Registry:
    """Debian's docker-registry on a free loopback port; its log is ``log``."""

    def __init__(self, folder: Path, more: str = "", http: str = "") -> None:
        """``more`` is appended to the configuration, ``http`` goes into its section of that name."""
        need("docker-registry")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.host = "127.0.0.1:{}".format(port)
        self.log = folder / "registry.log"
        config = folder / "registry.yml"
        config.write_text(_REGISTRY_CONFIG.format(root=folder / "storage", port=port, http=http) + more)
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(["docker-registry", "serve", str(config)], stdout=log, stderr=log)
        self._wait()

    def _wait(self) -> None:
        for _ in range(200):
            try:
                requests.get("http://{}/v2/".format(self.host), timeout=5)  # an answer is enough, even a refusal
                return
            except requests.ConnectionError:
                assert self._process.poll() is None, self.log.read_text()
                time.sleep(0.05)
        pytest.fail("docker-registry did not come up: " + self.log.read_text())

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(20)

    def put_blob(self, repository: str, body: bytes) -> Dict[str, Any]:
        """Upload a blob as it is; return a descriptor without a media type."""
        digest = "sha256:" + hashlib.sha256(body).hexdigest()
        base = "http://{}/v2/{}/blobs/uploads/".format(self.host, repository)
        location = requests.post(base, timeout=60).headers["Location"]
        separator = "&" if urllib.parse.urlsplit(location).query else "?"
        answer = requests.put(location + separator + "digest=" + urllib.parse.quote(digest), data=body, timeout=300)
        assert answer.status_code == 201, answer.text
        return {"digest": digest, "size": len(body)}

    def put_image(
        self,
        repository: str,
        tag: str,
        blobs: Sequence[bytes],
        media_type: str,
        tars: Sequence[bytes] = (),
        architecture: str = "amd64",
    ) -> None:
        """Upload an image of layers that stay as they are; ``tars`` are the layers uncompressed, for its diff_ids."""
        layers = [dict(self.put_blob(repository, blob), mediaType=media_type) for blob in blobs]
        diff_ids = ["sha256:" + hashlib.sha256(tar).hexdigest() for tar in tars]
        config = {"os": "linux", "architecture": architecture, "rootfs": {"type": "layers", "diff_ids": diff_ids}}
        body = json.dumps(config).encode()
        described = dict(self.put_blob(repository, body), mediaType="application/vnd.oci.image.config.v1+json")
        kind = "application/vnd.oci.image.manifest.v1+json"
        self.put_manifest(
            repository, tag, {"schemaVersion": 2, "mediaType": kind, "config": described, "layers": layers}
        )

    def put_manifest(self, repository: str, tag: str, manifest: Dict[str, Any]) -> None:
        """Upload a manifest or index."""
        url = "http://{}/v2/{}/manifests/{}".format(self.host, repository, tag)
        headers = {"Content-Type": manifest["mediaType"]}
        answer = requests.put(url, data=json.dumps(manifest), headers=headers, timeout=60)
        assert answer.status_code == 201, answer.text


class Line(NamedTuple):
    """An entry's line, taken apart; ``owner`` is ``uid/gid``."""

    mode: str
    owner: str
    size: str
    when: str
    rest: str


def listed(output: bytes) -> List[List[Line]]:
    """Take a listing apart: the entries of each layer, in order."""
    layers: List[List[Line]] = []
    for line in output.decode("utf-8").split("\n"):
        if line.startswith("Layer "):
            layers.append([])
        elif line and not line.startswith("= "):
            mode, owner, size, day, clock, rest = line.split(None, 5)
            layers[-1].append(Line(mode, owner, size, day + " " + clock, rest))
    return layers


_KINDS = {tarfile.SYMTYPE: "l", tarfile.LNKTYPE: "h", tarfile.DIRTYPE: "d", tarfile.CHRTYPE: "c", tarfile.BLKTYPE: "b"}


def by_tarfile(path: Path) -> Iterator[Line]:
    """What the standard library's tarfile says of an uncompressed tar, as lines."""
    with tarfile.open(str(path), "r:") as archive:
        for member in archive:
            bits = "".join(c if member.mode >> 8 - i & 1 else "-" for i, c in enumerate("rwxrwxrwx"))
            for mask, place, letter in ((0o4000, 2, "s"), (0o2000, 5, "s"), (0o1000, 8, "t")):
                if member.mode & mask:
                    bits = bits[:place] + (letter if bits[place] == "x" else letter.upper()) + bits[place + 1 :]
            kind = "p" if member.type == tarfile.FIFOTYPE else _KINDS.get(member.type, "-")
            size = "{},{}".format(member.devmajor, member.devminor) if kind in "cb" else str(member.size)
            when = time.strftime("%Y-%m-%d %H:%M", time.gmtime(member.mtime // 1))
            name = member.name + ("/" if kind == "d" else "")
            rest = printable(name) + (" -> " + printable(member.linkname) if member.linkname else "")
            yield Line(kind + bits, "{}/{}".format(member.uid, member.gid), size, when, rest)


def gzip_members(body: bytes, count: int) -> bytes:
    """Compress in ``count`` members of equal input length."""
    step = len(body) // count + 1
    return b"".join(gzip.compress(body[at : at + step], 6) for at in range(0, len(body), step))
