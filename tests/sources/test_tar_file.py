from __future__ import annotations

import tarfile
from pathlib import Path
from typing import Any, List, Tuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from layerslayer.errors import CorruptLayer, InvalidDocument, LayerslayerError, LocalFileError, NotFound
from layerslayer.sources.files import OpenFile, open_regular
from layerslayer.sources.tar_file import TarIndex

from ..support.registry.layouts import tar_bytes
from ..support.tars import END, header, member, octal, pax, record


def index_of(path: Path, body: bytes) -> TarIndex:
    path.write_bytes(body)
    return TarIndex(OpenFile(open_regular(str(path)), str(path)))


def read(index: TarIndex, name: str) -> bytes:
    file = index.open(name)
    try:
        return b"".join(iter(lambda: file.read(3), b""))
    finally:
        file.close()


@pytest.mark.parametrize("form", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT, tarfile.USTAR_FORMAT])
def test_files_are_read_in_place(tmp_path: Path, form: int) -> None:
    members: List[Tuple[str, Any]] = [
        ("a", b"first"),
        ("./d/b", b"x" * 1500),
        ("d/" + "long-name" * 8 + "/" + "n" * 90, b"long"),
        ("empty", b""),
        ("d", None),
    ]
    index = index_of(tmp_path / "t.tar", tar_bytes(members, form))
    assert read(index, "a") == b"first"
    assert read(index, "d/b") == read(index, "./d/b") == b"x" * 1500
    assert read(index, members[2][0]) == b"long"
    assert (read(index, "empty"), index.size("empty"), index.size("d/b")) == (b"", 0, 1500)
    part = index.open("a", 1, 3)
    assert (part.read(2), part.read(9), part.read(1)) == (b"ir", b"s", b"")
    for name in ("d", "nothing", "", ".", "/a", "../t.tar"):
        with pytest.raises(NotFound):
            index.open(name)
    for start, length in ((0, 6), (6, 0), (-1, 2), (3, -1)):
        with pytest.raises(NotFound):
            index.open("a", start, length)
    index.close()
    with pytest.raises(LocalFileError):
        index.open("a").read(1)


def test_links_stay_inside(tmp_path: Path) -> None:
    (tmp_path / "outside").write_bytes(b"secret")
    index = index_of(
        tmp_path / "t.tar",
        tar_bytes(
            [
                ("x/layer.tar", b"body"),
                ("y/layer.tar", ("symlink", "../x/layer.tar")),
                ("z/layer.tar", ("hardlink", "y/layer.tar")),
                ("out", ("symlink", "../outside")),
                ("abs", ("symlink", str(tmp_path / "outside"))),
                ("hard", ("hardlink", "../outside")),
                ("loop", ("symlink", "pool")),
                ("pool", ("symlink", "loop")),
                ("../outside", b"planted"),
                ("/etc/passwd", b"planted"),
            ]
        ),
    )
    assert read(index, "z/layer.tar") == read(index, "y/layer.tar") == b"body"
    for name in ("out", "abs", "hard", "../outside", "outside", "/etc/passwd", "etc/passwd"):
        with pytest.raises(NotFound):
            index.open(name)
    with pytest.raises(InvalidDocument, match="leads nowhere"):
        index.open("loop")


def test_the_last_of_two_counts_except_for_documents(tmp_path: Path) -> None:
    index = index_of(tmp_path / "t.tar", tar_bytes([("a", b"one"), ("b", b"b"), ("./a", b"two")]))
    assert read(index, "a") == b"two"
    assert index.document("b") == b"b"
    with pytest.raises(InvalidDocument, match="twice"):
        index.document("a")


def test_a_pax_size_counts_for_the_member_it_precedes(tmp_path: Path) -> None:
    wrong = header(b"a", octal(1, 12)) + b"body" + bytes(508)
    index = index_of(tmp_path / "t.tar", pax(record("size", "4")) + wrong + member(b"b", b"next") + END)
    assert (read(index, "a"), read(index, "b")) == (b"body", b"next")


def test_a_link_has_no_body_whatever_its_size_says(tmp_path: Path) -> None:
    link = header(b"l", octal(9000, 12), kind=b"1", target=b"a")
    index = index_of(tmp_path / "t.tar", member(b"a", b"body") + link + member(b"b", b"next") + END)
    assert (read(index, "l"), read(index, "b")) == (b"body", b"next")


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b"no tar at all" * 100, CorruptLayer),
        (member(b"a")[:300], CorruptLayer),
        (header(b"a", octal(10**6, 12)), CorruptLayer),
        (header(b"a", b"\xff" * 12), CorruptLayer),
        (header(b"a", b"\x80" + b"\xff" * 11), CorruptLayer),
        (header(b"a", b"nonsense    "), CorruptLayer),
        (header(b"a", kind=b"S") + END, CorruptLayer),
        (header(b"x", octal(2**21, 12), kind=b"x") + bytes(2**21), CorruptLayer),
        (pax(b"99999 path=x\n") + member(b"a"), CorruptLayer),
        (pax(b"path=x\n") + member(b"a"), CorruptLayer),
        (pax(record("size", "-1")) + member(b"a"), CorruptLayer),
        (pax(record("GNU.sparse.major", "1")) + member(b"a"), CorruptLayer),
        (pax(record("SCHILY.realsize", "1")) + member(b"a"), CorruptLayer),
        (pax(record("SUN.holesdata", " 0 1")) + member(b"a"), CorruptLayer),
        (pax(record("GNU.sparse.map", "0,1"), kind=b"g") + member(b"a"), CorruptLayer),
        (pax(record("GNU.sparse.map", "0,1"), kind=b"X") + member(b"a"), CorruptLayer),
        (b"\x1f\x8b\x08" + bytes(600), InvalidDocument),
        (b"\x28\xb5\x2f\xfd" + bytes(600), InvalidDocument),
    ],
)
def test_what_is_refused(tmp_path: Path, body: bytes, error: type) -> None:
    with pytest.raises(error):
        index_of(tmp_path / "t.tar", body)


def test_a_tar_without_its_end_marker_and_an_empty_file(tmp_path: Path) -> None:
    assert read(index_of(tmp_path / "t.tar", member(b"a", b"b")), "a") == b"b"
    with pytest.raises(NotFound):
        index_of(tmp_path / "e.tar", b"").open("a")


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_damage_never_ends_in_a_traceback(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    body = bytearray(
        pax(record("path", "p/q")) + member(b"a", b"body") + header(b"l", kind=b"2", target=b"p/q") + member(b"b") + END
    )
    for _ in range(data.draw(st.integers(1, 4))):
        body[data.draw(st.integers(0, 2560))] = data.draw(st.integers(0, 255))
    try:
        index = index_of(tmp_path_factory.mktemp("t") / "t.tar", bytes(body))
        for name in ("a", "b", "l", "p/q"):
            assert len(read(index, name)) <= len(body)
    except LayerslayerError:
        pass
