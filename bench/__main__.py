"""``python -m bench``: builds images, starts a registry, compares, prints Markdown tables."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Dict, List, Sequence

from . import peers
from .images import NAMES, USUAL, build_images, write_layout
from .measure import Contestant, alternate, run_once, table
from .servers import Line, registry

DEBIAN_PACKAGES = {
    "docker-registry": "docker-registry", "skopeo": "skopeo", "debootstrap": "debootstrap", "igzip": "isal",
    "bsdtar": "libarchive-tools", "curl": "curl", "npm": "npm",
}  # fmt: skip


_TITLES = {"list": "List everything in", "save": "Save", "leap": "List the second layer of"}


def main() -> None:
    options = _parse()
    folder = options.work.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    _say_what_is_missing()
    names = [name for name in options.images.split(",") if name]
    layout = folder / "layout"
    images = build_images(folder / "parts", names)
    write_layout(layout, images)
    with registry(folder) as port, tempfile.TemporaryDirectory(dir=str(folder)) as scratch:
        for name in images:
            _push(layout, name, port)
        print("# {}\n".format(_machine()))
        for name in images:
            for task in options.tasks.split(","):
                _compare(task, name, _digests(layout, name), port, Path(scratch), options)


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--work", type=Path, default=Path("bench-work"), help="folder for images (6 GB), kept")
    parser.add_argument("--images", default=",".join(USUAL), help="comma-separated (default: %(default)s)")
    parser.add_argument(
        "--tasks", default="list,save", help="list, save, leap (the second layer with --fast); default: %(default)s"
    )
    parser.add_argument("--rounds", type=int, default=5, help="measured rounds (default: 5)")
    parser.add_argument(
        "--rtt", type=float, default=0.0, metavar="MS", help="round trip of a slow line before the registry"
    )
    parser.add_argument("--mbit", type=float, default=0.0, metavar="N", help="its rate, megabits a second")
    options = parser.parse_args()
    unknown = set(options.images.split(",")) - set(NAMES)
    if unknown or set(options.tasks.split(",")) - set(_TITLES):
        parser.error("images are {}; tasks are {}".format(", ".join(NAMES), ", ".join(_TITLES)))
    return options


def _say_what_is_missing() -> None:
    missing = sorted(package for tool, package in DEBIAN_PACKAGES.items() if not shutil.which(tool))
    if not shutil.which("docker-registry"):
        sys.exit("bench: run as root: apt-get install --no-install-recommends " + " ".join(missing))
    if missing:
        print("bench: left out for want of these packages: " + ", ".join(missing), file=sys.stderr)


def _push(layout: Path, name: str, port: int) -> None:
    target = "docker://127.0.0.1:{}/bench/{}:1".format(port, name)
    subprocess.run(
        ["skopeo", "copy", "-q", "--dest-tls-verify=false", "oci:{}:{}".format(layout, name), target], check=True
    )


def _digests(layout: Path, name: str) -> List[str]:
    index = json.loads((layout / "index.json").read_text())
    for entry in index["manifests"]:
        if entry["annotations"]["org.opencontainers.image.ref.name"] == name:
            manifest = json.loads((layout / "blobs/sha256" / entry["digest"].partition(":")[2]).read_text())
            return [layer["digest"] for layer in manifest["layers"]]
    raise KeyError(name)


def _compare(task: str, name: str, digests: List[str], port: int, scratch: Path, options: argparse.Namespace) -> None:
    slow = bool(options.rtt or options.mbit)
    with contextlib.ExitStack() as stack:
        at = stack.enter_context(Line(port, options.rtt / 1000, options.mbit)).port if slow else port
        contestants = _contestants(task, _target(at, name, digests), scratch, slow)
        runs = alternate(contestants, options.rounds)
    line = ", {:g} ms round trip, {:g} Mbit/s".format(options.rtt, options.mbit) if slow else ""
    print("## {} {}{}\n".format(_TITLES[task], name, line))
    ours = peers.LEAPING if task == "leap" else peers.OURS
    print("\n".join(table(runs, _moved(task, name, digests, port, scratch, options), ours)) + "\n", flush=True)


def _target(port: int, name: str, digests: List[str]) -> peers.Target:
    return peers.Target("127.0.0.1:{}".format(port), name, digests)


def _contestants(task: str, target: peers.Target, scratch: Path, slow: bool) -> Sequence[Contestant]:
    if task == "save":
        return peers.saving(target, scratch)
    if task == "leap":
        return peers.leaping(target)
    return peers.slow_listing(target) if slow else peers.listing(target, scratch)


def _moved(
    task: str, name: str, digests: List[str], port: int, scratch: Path, options: argparse.Namespace
) -> Dict[str, int]:
    """Run everything once more through a counting relay; return the bytes each received."""
    moved, slow = {}, bool(options.rtt or options.mbit)
    # What a leap fetches depends on the line.
    with Line(port, options.rtt / 1000, options.mbit) if task == "leap" else Line(port) as line:
        for contestant in _contestants(task, _target(line.port, name, digests), scratch, slow):
            before = line.down
            run_once(contestant)
            moved[contestant.name] = line.down - before
    return moved


def _machine() -> str:
    model = "unknown processor"
    with contextlib.suppress(OSError):
        for text in Path("/proc/cpuinfo").read_text().splitlines():
            if text.startswith("model name"):
                model = text.partition(":")[2].strip()
                break
    return "{}, {} CPUs, Python {}".format(model, os.cpu_count(), platform.python_version())


if __name__ == "__main__":
    main()
