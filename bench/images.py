"""Real images for the benchmark, as one OCI layout: built once, kept between runs.

========  ==========================================================
debian    a debootstrap base
python    debian, an apt layer, a pip layer (numpy, pandas ...), an application layer
node      debian and an npm tree of 40 000 files or more
torch     debian and a torch wheel for CPUs, in GNU tar format
many      14 small layers, one Python package each
jvm       a Java runtime, unpacked
go        a few binaries written in Go, unpacked
========  ==========================================================

A part that cannot be built here (no npm, no wheel) is left out and said.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Callable, Dict, List, Sequence

SUITE = "bookworm"
APT_PACKAGES = ("python3", "python3-minimal", "nginx", "ca-certificates", "git", "curl")
PIP_PACKAGES = ("numpy", "pandas", "scipy", "flask", "sqlalchemy", "requests")
TORCH = "torch==2.13.0"
TORCH_NEEDS = ("filelock", "fsspec", "jinja2", "networkx", "sympy", "mpmath", "typing_extensions", "setuptools")
NPM_PACKAGES = (
    "next@14", "react@18", "react-dom@18", "webpack@5", "typescript@5", "eslint@8", "jest@29", "date-fns@3",
    "lodash@4", "rxjs@7", "core-js@3", "@babel/core@7", "@babel/preset-env@7", "aws-sdk@2", "@mui/material@5",
    "@mui/icons-material@5", "@emotion/react@11", "@emotion/styled@11",
)  # fmt: skip
SMALL_PACKAGES = (
    "requests", "flask", "click", "jinja2", "werkzeug", "httpx", "rich", "attrs", "certifi", "idna", "packaging",
    "pyyaml", "urllib3", "pygments",
)  # fmt: skip


def build_images(folder: Path, wanted: Sequence[str]) -> Dict[str, List[Path]]:
    """Build what is missing of the ``wanted`` images in ``folder``; return the layer tars of each that exists."""
    folder.mkdir(parents=True, exist_ok=True)
    layers: Dict[str, List[Path]] = {}
    for name in wanted:
        try:
            layers[name] = _PARTS[name](folder)
        except (OSError, subprocess.CalledProcessError) as error:
            print("bench: the image '{}' cannot be built here: {}".format(name, error), file=sys.stderr)
    return layers


def _once(tar: Path, make: Callable[[Path], None]) -> Path:
    if not tar.exists():
        print("bench: building {} ...".format(tar.name), file=sys.stderr)
        part = tar.with_suffix(".part")
        make(part)
        part.replace(tar)
    return tar


def _run(*command: object, **options: object) -> None:
    subprocess.run([str(word) for word in command], check=True, stdout=subprocess.DEVNULL, **options)  # type: ignore


def _tar(root: Path, out: Path, form: str = "posix", since: float = 0.0) -> None:
    names = [
        os.path.relpath(os.path.join(directory, name), str(root))
        for directory, folders, files in os.walk(str(root))
        for name in folders + files
        if os.lstat(os.path.join(directory, name)).st_ctime > since
    ]
    command = ["tar", "-C", root, "--numeric-owner", "--format=" + form, "--no-recursion", "--null"]
    if form == "posix":  # as layers are: no access times, whole seconds
        command.insert(1, "--pax-option=delete=atime,delete=ctime,delete=mtime")
    _run(
        *command,
        "--verbatim-files-from",
        "-cf",
        out,
        "-T",
        "-",
        input="\0".join(sorted(names)).encode("utf-8", "surrogateescape"),
    )


def _pip(target: Path, *packages: str) -> None:
    _run(sys.executable, "-m", "pip", "install", "-q", "--no-compile", "--target", target, *packages)


def _root(folder: Path) -> Path:
    root = folder / "root"
    if not root.exists():
        part = folder / "root.part"
        shutil.rmtree(str(part), ignore_errors=True)
        _run("debootstrap", "--variant=minbase", SUITE, part)
        _clean(part)
        part.rename(root)
    return root


def _clean(root: Path) -> None:
    """Take away what apt leaves behind, as image builders do."""
    for pattern in ("var/cache/apt/archives/*.deb", "var/lib/apt/lists/*_*"):
        for path in root.glob(pattern):
            path.unlink()


def _debian(folder: Path) -> List[Path]:
    return [_once(folder / "debian.tar", lambda out: _tar(_root(folder), out))]


def _python(folder: Path) -> List[Path]:
    base = _debian(folder)
    root = folder / "python"
    clock = folder / "clock"

    def now() -> float:
        clock.touch()
        return os.stat(str(clock)).st_ctime

    def apt(out: Path) -> None:
        shutil.rmtree(str(root), ignore_errors=True)
        _run("cp", "-a", _root(folder), root)
        for name in ("resolv.conf", "apt/sources.list", "apt/sources.list.d", "apt/apt.conf.d"):
            if Path("/etc", name).exists():
                _run("cp", "-rT", "/etc/" + name, root / "etc" / name)
        since = now()
        script = "apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "
        _run("chroot", root, "sh", "-c", script + " ".join(APT_PACKAGES), stderr=subprocess.DEVNULL)
        _clean(root)
        _tar(root, out, since=since)

    def pip(out: Path) -> None:
        since = now()
        _pip(root / "usr/local/lib/python3/dist-packages", *PIP_PACKAGES)
        _tar(root, out, since=since)

    def application(out: Path) -> None:
        since = now()
        (root / "srv/app").mkdir(parents=True, exist_ok=True)
        (root / "srv/app/main.py").write_text('print("hello")\n')
        (root / "etc/.wh.motd").touch()
        _tar(root, out, since=since)

    steps = (("apt", apt), ("pip", pip), ("application", application))
    return base + [_once(folder / "python-{}.tar".format(name), make) for name, make in steps]


def _node(folder: Path) -> List[Path]:
    def make(out: Path) -> None:
        app = folder / "node/usr/src/app"
        app.mkdir(parents=True, exist_ok=True)
        (app / "package.json").write_text('{"name":"app","version":"1.0.0","private":true}')
        _run(
            "npm",
            "install",
            "--ignore-scripts",
            "--no-audit",
            "--no-fund",
            "--loglevel=error",
            *NPM_PACKAGES,
            cwd=str(app),
        )
        _tar(folder / "node", out)

    return [*_debian(folder), _once(folder / "node.tar", make)]


def _torch(folder: Path) -> List[Path]:
    def make(out: Path) -> None:
        target = folder / "torch/usr/local/lib/python3"
        _pip(target, "--no-deps", TORCH, *TORCH_NEEDS)
        if not list(target.glob("torch-*+cpu.dist-info")):
            raise OSError("no torch wheel for CPUs can be had")
        _tar(folder / "torch", out, "gnu")

    return [*_debian(folder), _once(folder / "torch.tar", make)]


def _many(folder: Path) -> List[Path]:
    def one(package: str) -> Callable[[Path], None]:
        def make(out: Path) -> None:
            root = folder / "many" / package
            _pip(root / "usr/local/lib/python3/site-packages", "--no-deps", package)
            _tar(root, out)

        return make

    return [_once(folder / "many-{}.tar".format(package), one(package)) for package in SMALL_PACKAGES]


def _unpacked(folder: Path, name: str, packages: Sequence[str]) -> List[Path]:
    """Return the layer of Debian packages that are unpacked, not installed."""

    def make(out: Path) -> None:
        root = folder / name
        root.mkdir(exist_ok=True)
        _run("apt-get", "download", *packages, cwd=str(folder), stderr=subprocess.DEVNULL)
        for package in packages:
            for deb in folder.glob(package + "_*.deb"):
                _run("dpkg", "-x", deb, root)
                deb.unlink()
        _tar(root, out)

    return [_once(folder / (name + ".tar"), make)]


def _jvm(folder: Path) -> List[Path]:
    return _unpacked(folder, "jvm", ("openjdk-17-jre-headless",))


def _go(folder: Path) -> List[Path]:
    return _unpacked(folder, "go", ("docker-registry", "skopeo", "umoci"))


_PARTS: Dict[str, Callable[[Path], List[Path]]] = {
    "debian": _debian, "python": _python, "node": _node, "torch": _torch, "many": _many,
    "jvm": _jvm, "go": _go,
}  # fmt: skip
NAMES = tuple(_PARTS)
USUAL = ("python", "node", "torch", "many")  # what commands are compared on


# -- OCI layout ---------------------------------------------------------------


def write_layout(layout: Path, images: Dict[str, List[Path]]) -> None:
    """Write the images, gzip layers of level 6, as an OCI layout (image-spec ``image-layout.md``)."""
    blobs = layout / "blobs/sha256"
    blobs.mkdir(parents=True, exist_ok=True)
    cache = layout / "layers.json"  # tar -> what it became, so that a rerun compresses nothing
    known = json.loads(cache.read_text()) if cache.exists() else {}
    entries = []
    for name, tars in images.items():
        for tar in tars:
            if _key(tar) not in known:
                known[_key(tar)] = _compressed(tar, blobs)
        made = [known[_key(tar)] for tar in tars]
        config = {
            "architecture": "amd64",
            "os": "linux",
            "rootfs": {"type": "layers", "diff_ids": [layer["diff_id"] for layer in made]},
            "history": [{"created_by": "bench " + tar.stem} for tar in tars],
        }
        manifest = {
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": _document(blobs, "application/vnd.oci.image.config.v1+json", config),
            "layers": [layer["descriptor"] for layer in made],
        }
        entry = _document(blobs, str(manifest["mediaType"]), manifest)
        entries.append(dict(entry, annotations={"org.opencontainers.image.ref.name": name}))
    cache.write_text(json.dumps(known))
    (layout / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
    (layout / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": entries}))


def _key(tar: Path) -> str:
    facts = tar.stat()
    return "{} {} {}".format(tar.name, facts.st_size, facts.st_mtime_ns)


def _document(blobs: Path, media_type: str, document: object) -> Dict[str, object]:
    body = json.dumps(document).encode()
    digest = hashlib.sha256(body).hexdigest()
    (blobs / digest).write_bytes(body)
    return {"mediaType": media_type, "digest": "sha256:" + digest, "size": len(body)}


def _compressed(tar: Path, blobs: Path) -> Dict[str, object]:
    part = blobs / "part"
    plain = hashlib.sha256()
    with tar.open("rb") as source, part.open("wb") as target, gzip.GzipFile("", "wb", 6, target, 0) as packed:
        for piece in iter(lambda: source.read(1 << 20), b""):
            plain.update(piece)
            packed.write(piece)
    digest = hashlib.sha256()
    with part.open("rb") as source:
        for piece in iter(lambda: source.read(1 << 20), b""):
            digest.update(piece)
    size = part.stat().st_size
    part.rename(blobs / digest.hexdigest())
    media_type = "application/vnd.oci.image.layer.v1.tar+gzip"
    descriptor = {"mediaType": media_type, "digest": "sha256:" + digest.hexdigest(), "size": size}
    return {"diff_id": "sha256:" + plain.hexdigest(), "descriptor": descriptor}
