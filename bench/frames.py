"""``python -m bench.frames``: what ``--fast`` fetches of real layers in zstd frames, by how they were written.

As ``bench.leaps`` does for gzip: each listing is compared with the plain walk,
entry by entry. Frames of 1 MiB by the zstd library, with a seek table or
without, and what ``pzstd`` writes, where it is here.
"""

from __future__ import annotations

import argparse
import shutil
import struct
import subprocess
from pathlib import Path
from typing import Any, Callable, Dict

from layerslayer.layers.leap.zstd_walk import ZstdWalk

from .images import build_images
from .leaps import line, measured

_IMAGES = ("torch", "node", "jvm")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.frames", description=__doc__)
    parser.add_argument("--work", type=Path, default=Path("bench-work"), help="folder for images, kept")
    parser.add_argument("--layers", default="torch,node,jvm", help="comma-separated names of layers")
    options = parser.parse_args()
    folder = options.work.resolve()
    tars: Dict[str, Path] = {}
    for layers in build_images(folder / "parts", _IMAGES).values():
        tars.update({tar.stem: tar for tar in layers})
    (folder / "frames").mkdir(exist_ok=True)
    print("| layer | written as | size MB | fetched | requests | s | full walk s | listed |")
    print("|---|---|---:|---:|---:|---:|---:|---|")
    for name in options.layers.split(","):
        for kind, write in _writers().items():
            packed = folder / "frames" / "{}.{}.zst".format(name, "".join(filter(str.isalnum, kind)))
            if not packed.exists():
                part = packed.with_suffix(".part")
                write(tars[name], part)
                part.replace(packed)
            print(line(measured(name, kind, packed, ZstdWalk)), flush=True)


def _writers() -> Dict[str, Callable[[Path, Path], None]]:
    found: Dict[str, Callable[[Path, Path], None]] = {
        "1 MiB frames, seek table": lambda tar, out: _frames(tar, out, True),
        "1 MiB frames": lambda tar, out: _frames(tar, out, False),
    }
    if shutil.which("pzstd"):
        found["pzstd"] = _pzstd
    return found


def _pzstd(tar: Path, out: Path) -> None:
    subprocess.run(["pzstd", "-q", "-p", "2", "-k", "-f", str(tar), "-o", str(out)], check=True)


def _frames(tar: Path, out: Path, table: bool) -> None:
    import zstandard

    engine: Any = zstandard.ZstdCompressor()
    entries = []
    with tar.open("rb") as source, out.open("wb") as target:
        for piece in iter(lambda: source.read(1 << 20), b""):
            made = engine.compress(piece)
            target.write(made)
            entries.append(struct.pack("<II", len(made), len(piece)))
        if table:
            body = b"".join(entries) + struct.pack("<IBI", len(entries), 0, 0x8F92EAB1)
            target.write(struct.pack("<II", 0x184D2A5E, len(body)) + body)


if __name__ == "__main__":
    main()
