"""``python -m bench.frames``: what ``--fast`` fetches of real layers in zstd frames, by how they were written.

As ``bench.leaps`` does for gzip: each listing is compared with the plain walk,
entry by entry. Frames of 1 MiB by the zstd library, with a seek table or
without, and what ``pzstd`` writes, where it is here.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import os
import shutil
import struct
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, BinaryIO, Callable, Dict, List

from layerslayer.descriptors import Descriptor
from layerslayer.entries import Entry
from layerslayer.layers.leap import Fetcher, FrameLeaping, NoFrames

from .images import build_images
from .leaps import Row, line, walked

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
            print(line(_measured(name, kind, packed)), flush=True)


def _writers() -> Dict[str, Callable[[Path, Path], None]]:
    found: Dict[str, Callable[[Path, Path], None]] = {
        "1 MiB frames, seek table": lambda tar, out: _frames(tar, out, True),
        "1 MiB frames": lambda tar, out: _frames(tar, out, False),
    }
    if shutil.which("pzstd"):
        found["pzstd"] = lambda tar, out: _pzstd(tar, out)
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


def _measured(name: str, written: str, packed: Path) -> Row:
    size = packed.stat().st_size
    began = time.process_time()
    expected = walked(packed)
    full = time.process_time() - began
    with packed.open("rb") as blob:

        def open_range(start: int, length: int) -> BinaryIO:
            return io.BytesIO(os.pread(blob.fileno(), length, start))

        digest = hashlib.sha256(packed.read_bytes()).hexdigest()
        fetcher = Fetcher(open_range, size)
        walk = FrameLeaping(Descriptor("", "sha256:" + digest, size, {}), fetcher)
        began = time.process_time()
        listed: List[Entry] = []
        try:
            for batch in walk.run():
                listed += batch
        except NoFrames:  # the rest comes in one request, and what was fetched is not asked for again but for 9 bytes
            return Row(name, written, size, 1.0, fetcher.requests + 1, full, full, "read in full")
        seconds = time.process_time() - began
    if listed != expected:
        sys.exit("bench: {} as {} is listed WRONGLY".format(name, written))
    kind = "read in full" if walk.whole else "proved"
    return Row(name, written, size, fetcher.spent / size, fetcher.requests, seconds, full, kind)


if __name__ == "__main__":
    main()
