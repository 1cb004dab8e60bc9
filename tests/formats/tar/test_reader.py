from __future__ import annotations

import io
import tarfile
from typing import List

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from layerslayer.errors import CorruptLayer
from layerslayer.formats.tar.reader import TarWalker
from layerslayer.limits import DEFAULT

from ...support.tars import END, header, member, octal, pax, record, walk

NAMES = st.binary(min_size=1, max_size=300).map(
    lambda raw: raw.replace(b"\0", b"_").replace(b"\n", b"_").rstrip(b"/").decode("utf-8", "surrogateescape") or "x"
)
MEMBERS = st.lists(
    st.tuples(
        NAMES,
        st.sampled_from(
            [tarfile.REGTYPE, tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE]
        ),
        st.integers(0, 0o7777),
        st.integers(0, 2**31),
        st.integers(0, 2000),
        st.integers(-(2**33), 2**35),
        NAMES,
    ),
    max_size=8,
)


@settings(max_examples=150, deadline=None)
@given(
    MEMBERS, st.sampled_from([tarfile.PAX_FORMAT, tarfile.GNU_FORMAT]), st.sampled_from([1, 7, 511, 512, 513, 1 << 20])
)
def test_it_lists_what_tarfile_lists(members: List[tuple], form: int, step: int) -> None:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form, errors="surrogateescape") as archive:
        for name, kind, mode, uid, size, mtime, target in members:
            info = tarfile.TarInfo(name)
            info.type, info.mode, info.uid, info.mtime = kind, mode, uid, mtime
            info.linkname = target if kind in (tarfile.SYMTYPE, tarfile.LNKTYPE) else ""
            info.size = size if kind == tarfile.REGTYPE else 0
            info.devmajor = info.devminor = 7 if kind == tarfile.CHRTYPE else 0
            archive.addfile(info, io.BytesIO(bytes(size)))
    data = out.getvalue()
    with tarfile.open(fileobj=io.BytesIO(data), errors="surrogateescape") as archive:
        expected = [
            (m.name.rstrip("/"), m.mode & 0o7777, m.uid, m.size, m.mtime, m.linkname, m.offset)
            for m in archive.getmembers()
        ]
    got = [(e.name.rstrip("/"), e.mode, e.uid, e.size, e.mtime, e.target, e.offset) for e in walk(data, step)]
    assert got == expected


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=3000), st.integers(1, 1500))
def test_any_bytes_are_walked_or_refused(data: bytes, step: int) -> None:
    try:
        walk(data, step)
    except CorruptLayer as error:
        assert 0 <= error.offset <= len(data)


def test_base_256_sizes_and_times() -> None:
    data = header(b"big", b"\x80" + (2**33).to_bytes(11, "big"), mtime=b"\xff" * 12)
    walker = TarWalker()
    (entry,) = walker.feed(data)
    assert (entry.size, entry.mtime) == (2**33, -1)
    with pytest.raises(CorruptLayer, match="bytes before a file does"):
        walker.close()


def test_a_negative_size_is_corrupt() -> None:
    with pytest.raises(CorruptLayer, match="negative size"):
        walk(header(b"bad", b"\xff" * 12))


def test_pax_size_goes_before_the_headers() -> None:
    data = pax(record("size", "600")) + header(b"a", octal(0, 12)) + bytes(1024) + member(b"b") + END
    assert [(e.name, e.size) for e in walk(data)] == [("a", 600), ("b", 0)]


def test_pax_records_are_taken_over() -> None:
    records = (
        record("path", "p" * 200)
        + record("mtime", "1.5")
        + record("uid", "3000000")
        + record("SCHILY.xattr.user.a", "v")
    )
    (entry,) = walk(pax(records) + member(b"short") + END)
    assert (entry.name, entry.mtime, entry.uid, entry.xattrs) == ("p" * 200, 1.5, 3000000, {"user.a": b"v"})
    assert entry.offset == 0


def test_gnu_long_names_and_targets() -> None:
    data = member(b"././@LongLink", b"n" * 150 + b"\0", kind=b"L") + member(
        b"././@LongLink", b"t" * 150 + b"\0", kind=b"K"
    )
    (entry,) = walk(data + member(b"nnn", kind=b"2", target=b"ttt") + END, 100)
    assert (entry.name, entry.target, entry.kind) == ("n" * 150, "t" * 150, "l")


def test_old_gnu_sparse_with_map_blocks() -> None:
    tail = bytes(96) + b"\x01" + octal(10**6, 12)
    more = bytes(504) + b"\x01" + bytes(7)
    last = bytes(512)
    data = (
        header(b"s", octal(700, 12), b"S", magic=b"ustar  \0", tail=tail)
        + more
        + last
        + bytes(1024)
        + member(b"next")
        + END
    )
    for step in (1, 512, 1 << 20):
        assert [(e.name, e.size) for e in walk(data, step)] == [("s", 10**6), ("next", 0)]


def test_pax_sparse_shows_the_full_size_and_the_real_name() -> None:
    keys = (("major", "1"), ("minor", "0"), ("name", "real"), ("realsize", "5000000"))
    records = b"".join(record("GNU.sparse." + key, value) for key, value in keys)
    (entry,) = walk(pax(records) + member(b"GNUSparseFile.0/real", b"1\n0\n5\n" + bytes(600)) + END)
    assert (entry.name, entry.size) == ("real", 5000000)


def test_prefix_belongs_to_ustar_alone() -> None:
    assert walk(member(b"n", prefix=b"dir") + END)[0].name == "dir/n"
    gnu = b"ustar  \0"
    assert walk(member(b"n", prefix=octal(1700000000, 12) * 2, magic=gnu) + END)[0].name == "n"  # two times
    assert walk(member(b"n", prefix=b"dir", magic=b"") + END)[0].name == "n"


@pytest.mark.parametrize("prefix", [b"dir", octal(7, 12) + b"dir", b"1234567890a/dir"])
def test_what_old_gos_wrote_for_a_prefix_is_taken_for_one_as_go_does(prefix: bytes) -> None:
    name = prefix.partition(b"\0")[0].decode() + "/n"
    assert walk(member(b"n", prefix=prefix, magic=b"ustar  \0") + END)[0].name == name
    assert walk(member(b"n", prefix=b"dir\xff", magic=b"ustar  \0") + END)[0].name == "n"


def test_v7_headers_end_before_owners_names_and_devices() -> None:
    block = member(b"tty", kind=b"3", magic=b"", uname=b"root", prefix=b"dir", tail=b"x")
    block = block[:329] + b"junkjunk" * 2 + block[345:]
    block = block[:148] + b" " * 8 + block[156:]
    block = block[:148] + "{:06o}".format(sum(block)).encode() + b"\0 " + block[156:]
    entry = walk(block + END)[0]
    assert (entry.name, entry.kind, entry.uname, entry.device) == ("tty", "c", "", (0, 0))


def test_a_global_header_changes_no_member_and_is_noted() -> None:
    walker = TarWalker()
    (entry,) = walker.feed(pax(record("path", "evil"), b"g") + member(b"good") + END)
    assert entry.name == "good"
    assert walker.ignored_globals


def test_entries_after_the_end_marker_are_hidden_ones() -> None:
    walker = TarWalker()
    entries = walker.feed(member(b"a") + END + member(b"b") + END)
    assert [(e.name, e.hidden) for e in entries] == [("a", False), ("b", True)]
    assert (walker.hidden, walker.end) == (1, 512)


def test_foreign_data_after_the_end_is_noted() -> None:
    walker = TarWalker()
    walker.feed(member(b"a") + END + b"x" * 2000)
    walker.close()
    assert walker.foreign == 1536


def test_a_missing_end_and_a_missing_last_padding_are_accepted() -> None:
    assert len(walk(member(b"a"))) == 1
    assert len(walk(header(b"a", octal(3, 12)) + b"abc")) == 1
    assert walk(b"") == []


@pytest.mark.parametrize("cut", [1, 300, 511, 513, 700, 1023])
def test_truncation_is_told(cut: int) -> None:
    with pytest.raises(CorruptLayer):
        walk(member(b"a", b"x" * 512)[:cut])


def test_a_corrupt_header_is_told_with_its_offset_and_the_entries_before_it() -> None:
    broken = bytearray(member(b"b"))
    broken[5] ^= 0x40
    walker = TarWalker()
    with pytest.raises(CorruptLayer) as caught:
        walker.feed(member(b"a", b"x") + bytes(broken) + END)
    assert caught.value.offset == 1024
    assert [entry.name for entry in walker.entries] == ["a"]


def test_a_huge_extension_is_refused() -> None:
    with pytest.raises(CorruptLayer, match="more than"):
        walk(header(b"x", octal(DEFAULT.extension + 1, 12), b"x"))


@pytest.mark.parametrize("records", [b"5 a=b\n", b"6 a=b", b"9 ab\n", b"x", b"0 a=b\n", b"99 a=b\n"])
def test_malformed_pax_records_are_corrupt(records: bytes) -> None:
    with pytest.raises(CorruptLayer, match="pax record"):
        walk(pax(records) + member(b"a") + END)


def test_an_old_directory_is_one() -> None:
    (entry,) = walk(header(b"old/", octal(0, 12), b"\0", magic=b"") + END)
    assert entry.kind == "d"
