from __future__ import annotations

import tarfile
from pathlib import Path
from typing import Any, Dict, List, Tuple
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from layerslayer.errors import CorruptLayer, InvalidDocument, LayerslayerError, LocalFileError, NotFound
from layerslayer.sources.files import OpenFile, open_regular
from layerslayer.sources.tar_file import TarFile

from ..support.registry.layouts import tar_bytes
from ..support.tars import END, header, member, octal, pax, record, walk


def index_of(path: Path, body: bytes) -> TarFile:
    path.write_bytes(body)
    return TarFile(OpenFile(open_regular(str(path)), str(path)))


def read(index: TarFile, name: str) -> bytes:
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


# -- one parser for layers and for archives that hold them -----------------------------


def _signed(block: bytes) -> bytes:
    """Return a header whose checksum sums signed bytes, as ancient writers did."""
    rest = block[:148] + b" " * 8 + block[156:]
    total = sum(byte - 256 if byte > 127 else byte for byte in rest)
    return block[:148] + "{:06o}".format(total).encode() + b"\0 " + block[156:]


BODY = b"body".ljust(512, b"\0")
OTHER = b"else".ljust(512, b"\0")
FOUR = octal(4, 12)
# What two parsers once took differently: the tar, then the files that both know now.
DIFFERENT: Dict[str, Tuple[bytes, Dict[str, bytes]]] = {
    "a signed checksum": (_signed(header(b"caf\xc3\xa9", FOUR)) + BODY + END, {"café": b"body"}),
    "text behind the NUL of a number": (header(b"a", b"0000004\0tail") + BODY + END, {"a": b"body"}),
    "a prefix in a GNU header": (
        header(b"b", FOUR, magic=b"ustar  \0", prefix=b"not-a-time") + BODY + END,
        {"not-a-time/b": b"body"},
    ),
    "times in a GNU header": (
        header(b"b", FOUR, magic=b"ustar  \0", prefix=octal(1700000000, 12) * 2) + BODY + END,
        {"b": b"body"},
    ),
    "star's times behind the prefix": (
        header(b"b", FOUR, prefix=b"p", tail=bytes(90) + octal(1700000000, 12) * 2 + b"tar\0") + BODY + END,
        {"p/b": b"body"},
    ),
    "a GNU name and a pax path": (
        pax(record("path", "pax")) + member(b"././@LongLink", b"gnu\0", kind=b"L") + member(b"a", b"body") + END,
        {"gnu": b"body"},
    ),
    "two pax headers": (
        pax(record("path", "first")) + pax(record("size", "4")) + header(b"a") + BODY + END,
        {"a": b"body"},
    ),
    "a pax header of Solaris": (pax(record("path", "p"), kind=b"X") + member(b"a", b"body") + END, {"p": b"body"}),
    "a global pax header": (pax(record("path", "p"), kind=b"g") + member(b"a", b"body") + END, {"a": b"body"}),
    "a size in a pax header": (
        pax(record("size", "4")) + header(b"a") + BODY + header(b"b", FOUR) + OTHER + END,
        {"a": b"body", "b": b"else"},
    ),
    "a directory of old": (header(b"d/", FOUR, kind=b"\0") + member(b"a", b"body") + END, {"a": b"body"}),
    "a sparse map without holes": (
        header(b"s", FOUR, kind=b"S", magic=b"ustar  \0", tail=octal(0, 12) + FOUR + bytes(73) + FOUR) + BODY + END,
        {"s": b"body"},
    ),
    "names that are not UTF-8": (member(b"\xff", b"body") + END, {"\udcff": b"body"}),
}


@pytest.mark.parametrize("what", DIFFERENT)
def test_an_archive_is_taken_like_a_layer(tmp_path: Path, what: str) -> None:
    body, files = DIFFERENT[what]
    index = index_of(tmp_path / "t.tar", body)
    assert [entry.name for entry in walk(body) if entry.kind == "-"] == list(files)
    assert {name: read(index, name) for name in files} == files


@pytest.mark.parametrize(
    "body",
    [
        header(b"a", FOUR, uid=b"nonsense") + BODY + END,
        header(b"a", mtime=b"nonsense    ") + END,
        pax(record("uid", "x")) + member(b"a") + END,
        pax(record("path", "x" * 70000)) + member(b"a") + END,
        pax(record("path", "x")) + END,
        pax(record("path", "x")),
        member(b"x", b"\0" * (2**20 + 1), kind=b"g") + END,
    ],
)
def test_what_no_layer_may_be_no_archive_may_be(tmp_path: Path, body: bytes) -> None:
    with pytest.raises(CorruptLayer):
        walk(body)
    with pytest.raises(CorruptLayer):
        index_of(tmp_path / "t.tar", body)


def test_only_the_headers_of_a_large_archive_are_read(tmp_path: Path) -> None:
    path, giga = tmp_path / "t.tar", 2**30
    with path.open("wb") as file:  # of holes
        for number in range(3):
            file.seek(number * (giga + 512))
            file.write(header(b"blob-%d" % number, octal(giga, 12)))
        file.truncate(3 * (giga + 512))
    opened, counts = OpenFile(open_regular(str(path)), str(path)), []
    read_at = opened.read_at

    def counting(offset: int, count: int) -> bytes:
        counts.append(count)
        return read_at(offset, count)

    with mock.patch.object(opened, "read_at", counting):
        index = TarFile(opened)
    assert index.size("blob-2") == giga
    assert sum(counts) <= 5 * 512
    index.close()


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"no tar at all", "at offset 0: no tar header is there in"),
        (b"no tar at all" * 100, "at offset 0: no tar header is there in"),
        (member(b"a", b"b") + b"tail", "at offset 1024: no tar header is there in"),
        (member(b"a", b"b") + header(b"a", octal(10**6, 12)), "at offset 1024: the member there is longer than"),
        (member(b"a", b"b") + header(b"a", octal(10**6, 12), kind=b"?"), "1024: the member there is longer than"),
        (member(b"a", b"b") + header(b"a", kind=b"S"), "1024: the member there is a sparse file, which is not"),
    ],
)
def test_a_refusal_says_where_and_why(tmp_path: Path, body: bytes, sentence: str) -> None:
    with pytest.raises(CorruptLayer, match=sentence):
        index_of(tmp_path / "t.tar", body)


def test_what_stands_behind_the_end_does_not_count(tmp_path: Path) -> None:
    index = index_of(tmp_path / "t.tar", member(b"a", b"body") + bytes(512) + member(b"b", b"hidden") + b"noise")
    assert read(index, "a") == b"body"
    with pytest.raises(NotFound):
        index.open("b")


def test_padding_may_lack_at_the_end(tmp_path: Path) -> None:
    assert read(index_of(tmp_path / "t.tar", member(b"a", b"body")[:516]), "a") == b"body"
