from __future__ import annotations

import io
import tarfile
from typing import List, Tuple
from unittest import mock
from zlib import adler32

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from layerslayer.errors import CorruptLayer
from layerslayer.formats.tar.fields import checksum_holds, sum_expected
from layerslayer.formats.tar.header import MemberReader
from layerslayer.formats.tar.reader import TarWalker

from ...support.tars import END, header, member, walk

FIELD = st.one_of(
    st.binary(min_size=8, max_size=8),
    st.from_regex(rb"[0 ]{0,3}[0-7]{4,6}[\0 ]{1,2}", fullmatch=True).map(lambda raw: raw.ljust(8, b"\0")[:8]),
)


def _everything(data: bytes, step: int) -> Tuple[list, List[str]]:
    walker, entries, problems = TarWalker(), [], []
    try:
        for start in range(0, len(data), step):
            entries += walker.feed(data[start : start + step])
        entries += walker.close()
    except CorruptLayer as error:
        problems.append(str(error))
        entries += walker.entries
    return entries, problems


def _carefully(data: bytes, step: int) -> Tuple[list, List[str]]:
    with mock.patch.object(MemberReader, "ordinary", lambda self, data, start, base, entries: (start, 0)):
        return _everything(data, step)


@st.composite
def _archives(draw: st.DrawFn) -> bytes:
    """Tars of ordinary and odd members, some with a few bytes damaged."""
    form = draw(st.sampled_from([tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT]))
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as archive:
        for number in range(draw(st.integers(0, 6))):
            info = tarfile.TarInfo("/".join([draw(st.text("abü.", min_size=1, max_size=40))] * draw(st.integers(1, 4))))
            if form == tarfile.USTAR_FORMAT and len(info.name.encode()) > 98:
                info.name = "a" * 60 + "/" + "b" * 60
            info.type = draw(st.sampled_from([b"0", b"0", b"\0", b"5", b"2", b"1", b"6", b"3"]))
            info.mode = draw(st.sampled_from([0o644, 0o755, 0o4755]))
            info.uid = draw(st.sampled_from([0, 1000, 65534]))
            info.uname = draw(st.sampled_from(["", "root", "nobody"]))
            info.mtime = draw(st.sampled_from([0, 1, 1700000000]))
            info.linkname = "target" if info.type in b"12" else ""
            info.size = draw(st.integers(0, 1200)) if info.type in (b"0", b"\0") else draw(st.sampled_from([0, 7]))
            body = bytes(info.size) if info.type in (b"0", b"\0") else b""
            archive.addfile(info, io.BytesIO(body)) if body else archive.addfile(info)
    data = bytearray(out.getvalue())
    for _ in range(draw(st.integers(0, 2))):
        data[draw(st.integers(0, len(data) - 1))] = draw(st.integers(0, 255))
    return bytes(data[: draw(st.one_of(st.just(len(data)), st.integers(0, len(data))))])


@settings(max_examples=300, deadline=None)
@given(_archives(), st.sampled_from([511, 512, 700, 4096, 1 << 20]))
def test_the_fast_way_and_the_careful_way_see_the_same(data: bytes, step: int) -> None:
    assert _everything(data, step) == _carefully(data, step)


@settings(max_examples=300)
@given(st.binary(min_size=512, max_size=512), FIELD)
def test_the_expected_sum_is_the_checksum(block: bytes, field: bytes) -> None:
    block = block[:148] + field + block[156:]
    fast = sum_expected(field) == adler32(block) & 0xFFFF
    assert not fast or checksum_holds(block)


def test_a_right_checksum_is_expected() -> None:
    block = header(b"etc/passwd")
    assert sum_expected(block[148:156]) == adler32(block) & 0xFFFF


@pytest.mark.parametrize("field", [b"\0" * 8, b" " * 8, b"00009999", b"-0000001", b"0_000000"])
def test_what_is_no_number_fits_no_header(field: bytes) -> None:
    assert sum_expected(field) == -1


def test_a_negative_time_is_no_size() -> None:
    negative = b"\xff" * 12
    data = member(b"a", mtime=negative) + header(b"b", negative) + END
    entries, problems = _everything(data, 1 << 20)
    assert [(entry.name, entry.mtime) for entry in entries] == [("a", -1)]
    assert problems and "negative size" in problems[0]


def test_many_owners_are_all_read_right() -> None:
    owners = [(uid, "user{}".format(uid % 50)) for uid in range(3000)]
    data = b"".join(member(b"f", uid=b"%07o\0" % uid, uname=name.encode()) for uid, name in owners) + END
    assert [(entry.uid, entry.uname) for entry in walk(data, 1 << 16)] == owners
