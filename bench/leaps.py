"""``python -m bench.leaps``: what ``--fast`` fetches of real layers, by what compressed them.

Every layer of the benchmark's images is compressed by each compressor that is
here, listed by leaping over the compressed file and by the plain walk, and the
two are compared entry by entry. Shares and requests do not depend on the
machine; times are of one processor, without a network.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import os
import shutil
import subprocess
import sys
import time
import zlib
from pathlib import Path
from typing import BinaryIO, Callable, Dict, List, NamedTuple, Union

from layerslayer.formats.decompress import Decompressor
from layerslayer.formats.entry import Entry
from layerslayer.formats.tar.reader import TarWalker
from layerslayer.layers.leap.gzip_walk import GzipWalk
from layerslayer.layers.leap.range_fetcher import Fetcher
from layerslayer.layers.leap.zstd_walk import NoFrames, ZstdWalk
from layerslayer.oci.descriptor import Descriptor

from .images import build_images

_IMAGES = ("torch", "python", "node", "jvm", "go")
_GO = """package main
import ("compress/gzip"; "io"; "os")
func main() { w := gzip.NewWriter(os.Stdout); io.Copy(w, os.Stdin); w.Close() }
"""


Walk = Union[GzipWalk, ZstdWalk]


class Row(NamedTuple):
    """What one layer of one compressor cost; ``kind`` says how it was listed."""

    layer: str
    compressor: str
    size: int
    share: float
    requests: int
    seconds: float
    full_seconds: float
    kind: str


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.leaps", description=__doc__)
    parser.add_argument("--work", type=Path, default=Path("bench-work"), help="folder for images, kept")
    parser.add_argument("--layers", default="", help="comma-separated names of layers (default: all)")
    options = parser.parse_args()
    folder = options.work.resolve()
    tars: Dict[str, Path] = {}
    for layers in build_images(folder / "parts", _IMAGES).values():
        tars.update({tar.stem: tar for tar in layers if tar.stat().st_size > 4_000_000})
    wanted = [name for name in options.layers.split(",") if name] or list(tars)
    print("| layer | compressed by | size MB | fetched | requests | s | full walk s | listed |")
    print("|---|---|---:|---:|---:|---:|---:|---|")
    for name in wanted:
        for compressor, compress in _compressors(folder).items():
            packed = folder / "leaps" / "{}.{}.gz".format(name, compressor.replace(" ", ""))
            packed.parent.mkdir(exist_ok=True)
            if not packed.exists():
                part = packed.with_suffix(".part")
                compress(tars[name], part)
                part.replace(packed)
            print(line(measured(name, compressor, packed, GzipWalk)), flush=True)


def line(row: Row) -> str:
    """Return a row of a table."""
    share, size = "{:.1f} %".format(100 * row.share), "{:.1f}".format(row.size / 1e6)
    times = "{:.2f} | {:.2f}".format(row.seconds, row.full_seconds)
    return "| {} | {} | {} | {} | {} | {} | {} |".format(
        row.layer, row.compressor, size, share, row.requests, times, row.kind
    )


def _compressors(folder: Path) -> Dict[str, Callable[[Path, Path], None]]:
    found: Dict[str, Callable[[Path, Path], None]] = {}
    for name, command in (
        ("gzip -6", "gzip -6nc"),
        ("gzip -9", "gzip -9nc"),
        ("pigz -p 2", "pigz -p 2 -nc"),
        ("igzip", "igzip -1c"),
    ):
        if shutil.which(command.split()[0]):
            found[name] = _by(command.split())
    found["zlib 1"] = _by_zlib
    if shutil.which("go"):
        source = folder / "gz.go"
        source.write_text(_GO)
        binary = folder / "gz"
        if not binary.exists():
            subprocess.run(["go", "build", "-o", str(binary), str(source)], check=True)
        found["Go"] = _by([str(binary)])
    return found


def _by(command: List[str]) -> Callable[[Path, Path], None]:
    def compress(tar: Path, out: Path) -> None:
        with tar.open("rb") as source, out.open("wb") as target:
            subprocess.run(command, stdin=source, stdout=target, check=True)

    return compress


def _by_zlib(tar: Path, out: Path) -> None:
    engine = zlib.compressobj(1, zlib.DEFLATED, 31)
    with tar.open("rb") as source, out.open("wb") as target:
        for piece in iter(lambda: source.read(1 << 20), b""):
            target.write(engine.compress(piece))
        target.write(engine.flush())


def measured(name: str, written: str, packed: Path, walk_of: Callable[[Descriptor, Fetcher], Walk]) -> Row:
    """Return what it costs to list a layer by the walk that ``walk_of`` makes; ends the program where it is wrong."""
    size = packed.stat().st_size
    began = time.process_time()
    expected = _walked(packed)
    full = time.process_time() - began
    with packed.open("rb") as blob:

        def open_range(start: int, length: int) -> BinaryIO:
            return io.BytesIO(os.pread(blob.fileno(), length, start))

        digest = hashlib.sha256(packed.read_bytes()).hexdigest()
        fetcher = Fetcher(open_range, size)
        walk = walk_of(Descriptor("", "sha256:" + digest, size, {}), fetcher)
        began = time.process_time()
        listed: List[Entry] = []
        try:
            for batch in walk.run():
                listed += batch
        except NoFrames:  # the rest comes in one request, and what was fetched is not asked for again but for 9 bytes
            return Row(name, written, size, 1.0, fetcher.requests + 1, full, full, "read in full")
        seconds = time.process_time() - began
    if listed != expected:
        sys.exit("bench: {} by {} is listed WRONGLY".format(name, written))
    kind = "proved" if not walk.whole else "read in full" if walk.verifier.verified else "gaps read after all"
    return Row(name, written, size, fetcher.spent / size, fetcher.requests, seconds, full, kind)


def _walked(packed: Path) -> List[Entry]:
    walker, found = TarWalker(), []
    with packed.open("rb") as blob:
        for piece in Decompressor().run(iter(lambda: blob.read(128 * 1024), b"")):
            found += walker.feed(piece)
    return found + walker.close()


if __name__ == "__main__":
    main()
