"""Sparse files: what a tar stores of one is not its content, and must never be given for it."""

from __future__ import annotations

import shutil
import subprocess
import tarfile
from pathlib import Path
from typing import Dict, List, Tuple

import pytest

from layerslayer.demo.image import gzip_of

from ...support.registry import Registry
from ...support.registry.faults import blobs_image
from ...support.registry.running import Runner
from ...support.tars import END, header, member, octal, pax, record

GNU = b"ustar  \0"
STORED = b"1\n512\n512\n".ljust(512, b"\0") + b"d" * 512  # a map of one part, and that part: 1024 bytes
SIZES = {"less": 700, "as much": len(STORED), "more": 5_000_000}


def said(*pairs: Tuple[str, str]) -> bytes:
    return b"".join(record(key, value) for key, value in pairs)


def old(parts: List[Tuple[int, int]], size: int, body: bytes, magic: bytes = GNU, more: bool = False) -> bytes:
    """An old GNU sparse member."""
    table = b"".join(octal(start, 12) + octal(length, 12) for start, length in parts)
    tail = table.ljust(96, b"\0") + (b"\1" if more else b"\0") + octal(size, 12)
    block = header(b"f", octal(len(body), 12), b"S", magic=magic, tail=tail)
    return block + bytes(512 if more else 0) + body + bytes(-len(body) % 512)


def forms() -> Dict[str, bytes]:
    """Members named ``f``, each of which some reader takes for a sparse file."""
    found = {}
    version = (("GNU.sparse.major", "1"), ("GNU.sparse.minor", "0"), ("GNU.sparse.name", "f"))
    body = member(b"GNUSparseFile.0/f", STORED)
    for word, size in SIZES.items():
        real = str(size)
        found["1.0, " + word] = pax(said(*version, ("GNU.sparse.realsize", real))) + body
        found["1.0, an older word for the size, " + word] = pax(said(*version, ("GNU.sparse.size", real))) + body
        for form, pairs in (
            ("0.0", (("GNU.sparse.numblocks", "1"), ("GNU.sparse.offset", "0"), ("GNU.sparse.numbytes", "1024"))),
            ("0.1", (("GNU.sparse.major", "0"), ("GNU.sparse.minor", "1"), ("GNU.sparse.map", "512,1024"))),
            ("0.1 without a version", (("GNU.sparse.map", "512,1024"),)),
        ):
            found[form + ", " + word] = pax(said(("GNU.sparse.size", real), *pairs)) + member(b"f", STORED)
        found["star, " + word] = pax(said(("SCHILY.realsize", real))) + member(b"f", STORED)
        found["old, " + word] = old([(512, 1024), (size, 0)], size, STORED)
        found["old, in ustar, " + word] = old([(0, 1024)], size, STORED, b"ustar\x0000")
        found["old, more of the map, " + word] = old([(0, 1024)], size, STORED, more=True)
    for lone in ("GNU.sparse.major=1", "GNU.sparse.major=9", "GNU.sparse.minor=0", "GNU.sparse.realsize=1024",
                 "GNU.sparse.name=f", "GNU.sparse.map=", "GNU.sparse.odd=1", "SUN.holesdata= 0 512 1024",
                 "SCHILY.filetype=sparse"):  # fmt: skip
        key, _, value = lone.partition("=")
        found["alone: " + lone] = pax(said((key, value))) + member(b"f", STORED)
    found["Solaris's header"] = pax(said(*version), b"X") + member(b"f", STORED)
    emptied = said(*version, *((key, "") for key, _ in version))
    found["taken back by an empty value"] = pax(emptied) + member(b"f", STORED)
    found["replaced by a second header"] = pax(said(*version)) + pax(said(("comment", "x"))) + member(b"f", STORED)
    found["with a long name"] = pax(said(*version)) + member(b"././@LongLink", b"f\0", kind=b"L") + body
    found["an extended and an old one"] = pax(said(*version)) + old([(0, 1024)], 1024, STORED)
    found["old, parts in disorder"] = old([(512, 512), (0, 512)], 1024, STORED)
    found["old, the first part empty"] = old([(1024, 0), (0, 1024)], 1024, STORED)
    return found


FORMS = forms()
FIRST = member(b"first", b"first\n")


def refused(run: Runner, *words: str) -> None:
    ran = run(*words)
    assert ran.code in (2, 3) and ran.out == "", ran
    assert "sparse" in ran.err and ran.err.count("Traceback") == 0


@pytest.mark.parametrize("name", sorted(FORMS))
def test_what_is_stored_of_it_is_never_given_for_it(run: Runner, name: str) -> None:
    with Registry(blobs_image([gzip_of(FIRST + FORMS[name] + member(b"last", b"last\n") + END)])) as registry:
        refused(run, "cat", registry.target, "f", "--no-cache")
        assert run("ls", registry.target).code == 0  # from now on it is known
        refused(run, "cat", registry.target, "f")
        refused(run, "get", registry.target, "f", "-o", "out", "--no-cache")
        assert run("cat", registry.target, "last").out == "last\n"
    assert not (run.folder / "out" / "f").exists()


@pytest.mark.parametrize("name", ["1.0, as much", "0.0, as much", "star, as much", "old, as much"])
def test_nor_by_leaping(run: Runner, name: str) -> None:
    noise = bytes((number * number * 2654435761 >> 9) & 255 for number in range(1 << 16)) * 40
    layer = gzip_of(FIRST + member(b"large", noise) + FORMS[name] + member(b"last", b"last\n") + END)
    with Registry(blobs_image([layer])) as registry:
        refused(run, "cat", registry.target, "f", "--fast", "--no-cache")
        assert run("cat", registry.target, "last", "--fast", "--no-cache").out == "last\n"


def test_a_map_that_cannot_be_read_is_damage(run: Runner) -> None:
    block = bytearray(FORMS["old, as much"])
    block[386:410] = b"not a number, is it?    "
    block[148:156] = b" " * 8
    block[148:156] = "{:06o}".format(sum(block[:512])).encode() + b"\0 "
    with Registry(blobs_image([gzip_of(FIRST + bytes(block) + END)])) as registry:
        ran = run("cat", registry.target, "f")
    assert ran.code == 2 and ran.out == "" and "sparse" in ran.err


@pytest.mark.parametrize("key", ["GNU.sparse.major", "GNU.sparse.map", "SCHILY.realsize", "SUN.holesdata"])
def test_global_headers_that_call_all_files_sparse_are_refused(run: Runner, key: str) -> None:
    layer = FIRST + pax(said((key, "1")), b"g") + member(b"f", STORED) + END
    with Registry(blobs_image([gzip_of(layer)])) as registry:
        refused(run, "cat", registry.target, "f")
        refused(run, "get", registry.target, "f", "--fast", "-o", "out")


def test_one_without_a_hole_is_given(run: Runner) -> None:
    """As GNU tar stores a file that the file system keeps compressed."""
    for parts in ([(0, 1024)], [(0, 1024), (1024, 0)], [(0, 512), (512, 512)]):
        with Registry(blobs_image([gzip_of(FIRST + old(parts, 1024, b"x" * 1024) + END)])) as registry:
            assert run("cat", registry.target, "f").out == "x" * 1024


# -- as real tools make them --------------------------------------------------


def _is_gnu() -> bool:
    tar = shutil.which("tar")
    return bool(tar) and b"GNU tar" in subprocess.run(["tar", "--version"], stdout=subprocess.PIPE).stdout


MAKERS: Dict[str, List[str]] = {
    "{}, {}".format(form, version): ["tar", "--sparse", "--format=" + form, *version.split(), "-cf", "out.tar"]
    for form, version in (
        ("gnu", ""),
        ("oldgnu", ""),
        ("pax", "--sparse-version=0.0"),
        ("pax", "--sparse-version=0.1"),
        ("pax", "--sparse-version=1.0"),
    )
}
MAKERS["bsdtar"] = ["bsdtar", "--format=pax", "-cf", "out.tar"]
MAKERS["bsdtar, gnu"] = ["bsdtar", "--format=gnutar", "-cf", "out.tar"]


def _holes(path: Path, parts: List[Tuple[int, bytes]], size: int) -> None:
    with open(str(path), "wb") as file:
        for at, data in parts:
            file.seek(at)
            file.write(data)
        file.truncate(size)


@pytest.mark.skipif(not _is_gnu(), reason="no GNU tar")
@pytest.mark.parametrize("maker", sorted(MAKERS))
def test_what_tar_makes_is_read_right_or_refused(run: Runner, maker: str) -> None:
    command = MAKERS[maker]
    if shutil.which(command[0]) is None:
        pytest.skip("no " + command[0])
    folder = run.folder
    _holes(folder / "zeros", [], 1_000_000)
    _holes(folder / "late", [(65536, b"late")], 65540)
    _holes(folder / "many", [(at * 131072, b"m" * 4096) for at in range(40)], 40 * 131072)
    (folder / "plain").write_bytes(b"plain\n" * 1000)
    names = ["zeros", "late", "many", "plain"]
    subprocess.run([*command, *names], check=True, cwd=str(folder))
    with Registry(blobs_image([gzip_of((folder / "out.tar").read_bytes())])) as registry:
        assert run("ls", registry.target).code == 0
        for name in names:
            for words in ((), ("--no-cache",), ("--no-cache", "--fast")):
                ran = run("get", registry.target, name, "-o", "out", *words)
                if ran.code:
                    assert ran.code in (2, 3) and "sparse" in ran.err and name != "plain"
                else:
                    assert (folder / "out" / name).read_bytes() == (folder / name).read_bytes()
    with tarfile.open(str(folder / "out.tar")) as made:
        assert made.getnames() == names
