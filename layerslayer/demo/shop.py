"""The demo image, built the same way at every start.

An index with linux/amd64 and linux/arm64, an attestation, four layers each
with directories, files, symlinks, a hardlink, a setuid program, a whiteout and
an opaque directory, and a history with metadata-only steps.
"""

from __future__ import annotations

import hashlib
import json
import tarfile
from typing import Any, Dict, List, Tuple

from ..oci.media_types import OCI_INDEX, OCI_MANIFEST
from .image import CONFIG_TYPE, Member, Store, add_image, add_manifest, described, tar_of

REPOSITORY = "demo/shop"
TAG = "1.0"
_CREATED = "2026-01-15T09:30:00Z"


def _directory(name: str, uid: int = 0, mode: int = 0o755) -> Member:
    return Member(name, tarfile.DIRTYPE, mode, uid=uid)


def _file(name: str, text: str, mode: int = 0o644, uid: int = 0) -> Member:
    return Member(name, mode=mode, body=text.encode(), uid=uid)


def _program(name: str, arch: str, size: int, mode: int = 0o755) -> Member:
    """A stand-in for a binary: bytes that look random and are the same every time."""
    seed = (name + arch).encode()
    body = b"".join(hashlib.sha256(seed + str(number).encode()).digest() for number in range(size // 32))
    return Member(name, mode=mode, body=b"\x7fELF" + body)


def _base(arch: str) -> List[Member]:
    return [
        _directory("etc/"),
        _file("etc/os-release", 'PRETTY_NAME="Demo Linux 1"\nID=demo\nVERSION_ID=1\n'),
        _file("etc/passwd", "root:x:0:0:root:/root:/bin/sh\napp:x:1000:1000::/srv/app:/bin/sh\n"),
        _file("etc/shadow", "root:*:20468:0:99999:7:::\n", 0o640),
        _file("etc/motd", "Welcome to the build machine.\n"),
        Member("bin", tarfile.SYMTYPE, 0o777, target="usr/bin"),
        _directory("usr/"),
        _directory("usr/bin/"),
        _program("usr/bin/busybox", arch, 65536),
        Member("usr/bin/sh", tarfile.LNKTYPE, 0o755, target="usr/bin/busybox"),
        _program("usr/bin/su", arch, 8192, 0o4755),
        _directory("tmp/", mode=0o1777),
    ]


def _packages(arch: str) -> List[Member]:
    lib = "usr/lib/" + ("x86_64" if arch == "amd64" else "aarch64") + "-linux-gnu/"
    return [
        _directory(lib),
        _program(lib + "libssl.so.3", arch, 49152),
        Member(lib + "libssl.so", tarfile.SYMTYPE, 0o777, target="libssl.so.3"),
        _directory("var/cache/pkg/"),
        _file("var/cache/pkg/index.json", json.dumps({"packages": ["busybox", "libssl"]})),
    ]


def _application() -> List[Member]:
    return [
        _directory("srv/app/", 1000),
        _file("srv/app/main.py", "import shop\n\nshop.serve(port=8080)\n", uid=1000),
        _file("srv/app/shop.py", "def serve(port):\n    print('selling on', port)\n", uid=1000),
        _file("srv/app/.env", "SHOP_KEY=not-a-real-key\n", 0o600, 1000),
        _directory("srv/app/node_modules/a-package-with-a-rather-long-name/" + "and/deeply/nested/folders/" * 3, 1000),
    ]


def _cleanup() -> List[Member]:
    return [
        _directory("etc/"),
        Member("etc/.wh.motd", mode=0o000),
        _directory("srv/app/", 1000),
        Member("srv/app/.wh..env", mode=0o000),
        _directory("var/cache/pkg/"),
        Member("var/cache/pkg/.wh..wh..opq", mode=0o000),
    ]


_STEPS: Tuple[Tuple[str, bool], ...] = (
    ("ADD rootfs.tar.gz / # buildkit", False),
    ('CMD ["/bin/sh"]', True),
    ("RUN /bin/sh -c pkg add libssl # buildkit", False),
    ("ENV SHOP_ENV=production", True),
    ("WORKDIR /srv/app", True),
    ("COPY --chown=1000:1000 . /srv/app # buildkit", False),
    ("RUN /bin/sh -c rm /etc/motd /srv/app/.env && rm -r /var/cache/pkg # buildkit", False),
    ("USER 1000", True),
    ('ENTRYPOINT ["python3" "main.py"]', True),
)


def _add_attestation(store: Store, subject: Dict[str, Any]) -> Dict[str, Any]:
    statement = json.dumps(
        {
            "_type": "https://in-toto.io/Statement/v0.1",
            "predicateType": "https://slsa.dev/provenance/v0.2",
            "subject": [{"name": "_", "digest": {"sha256": subject["digest"][7:]}}],
        }
    ).encode()
    layer = described("application/vnd.in-toto+json", statement)
    store.blobs[layer["digest"]] = statement
    config = json.dumps(
        {"architecture": "unknown", "os": "unknown", "rootfs": {"type": "layers", "diff_ids": [layer["digest"]]}}
    ).encode()
    made = described(CONFIG_TYPE, config)
    store.blobs[made["digest"]] = config
    entry = add_manifest(store, {"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": made, "layers": [layer]})
    entry["platform"] = {"architecture": "unknown", "os": "unknown"}
    entry["annotations"] = {
        "vnd.docker.reference.digest": subject["digest"],
        "vnd.docker.reference.type": "attestation-manifest",
    }
    return entry


def demo_store() -> Store:
    """Return what the demo registry serves."""
    store = Store({}, {}, {})
    history = [
        dict({"created": _CREATED, "created_by": command}, **({"empty_layer": True} if empty else {}))
        for command, empty in _STEPS
    ]
    entries = []
    for arch, variant in (("amd64", ""), ("arm64", "v8")):
        config = {
            "created": _CREATED,
            "architecture": arch,
            "os": "linux",
            "config": {
                "User": "1000",
                "Env": ["SHOP_ENV=production"],
                "Entrypoint": ["python3", "main.py"],
                "WorkingDir": "/srv/app",
            },
            "history": history,
        }
        if variant:
            config["variant"] = variant
        tars = [tar_of(members) for members in (_base(arch), _packages(arch), _application(), _cleanup())]
        entry = add_image(store, tars, config)
        entry["platform"] = dict({"architecture": arch, "os": "linux"}, **({"variant": variant} if variant else {}))
        entries.append(entry)
    entries += [_add_attestation(store, entry) for entry in list(entries)]
    index = add_manifest(store, {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries})
    store.tags[(REPOSITORY, TAG)] = index["digest"]
    return store
