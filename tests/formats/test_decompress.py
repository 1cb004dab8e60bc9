from __future__ import annotations

import gzip
import os
import sys
import zlib
from typing import Any, List, Tuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from layerslayer.errors import CorruptLayer, MissingBinding
from layerslayer.formats import decompress
from layerslayer.formats.decompress import Decompressor

from ..support.tars import pieces

TEXT = b"layer after layer, " * 3000


@pytest.fixture(params=["default", "zlib"])
def inflater(request: Any, monkeypatch: Any) -> None:
    if request.param == "zlib":
        monkeypatch.setattr(decompress, "gzip_member", decompress._ZlibMember)
        monkeypatch.setattr(decompress, "_inflate_errors", (zlib.error,))


def unfold(data: bytes, step: int = 1 << 16) -> Tuple[bytes, Decompressor]:
    decompressor = Decompressor()
    return b"".join(decompressor.run(iter(list(pieces(data, step))))), decompressor


@pytest.mark.parametrize("step", [1, 2, 3, 100, 1 << 20])
@pytest.mark.parametrize("members", [1, 2, 5])
def test_gzip_members(inflater: None, members: int, step: int) -> None:
    data = b"".join(gzip.compress(TEXT[number:2000]) for number in range(members)) + bytes(700)
    expected = b"".join(TEXT[number:2000] for number in range(members))
    body, decompressor = unfold(data, step)
    assert (body, decompressor.kind, decompressor.trailing) == (expected, "gzip", 0)


@pytest.mark.parametrize("step", [1, 5, 1 << 20])
def test_garbage_after_gzip_is_counted(inflater: None, step: int) -> None:
    body, decompressor = unfold(gzip.compress(TEXT) + bytes(3) + b"garbage", step)
    assert (body, decompressor.trailing) == (TEXT, 7)


@pytest.mark.parametrize("cut", [3, 10, 11, 100, -8, -4, -1])
def test_truncated_gzip_is_corrupt(inflater: None, cut: int) -> None:
    with pytest.raises(CorruptLayer) as caught:
        unfold(gzip.compress(os.urandom(5000))[:cut])
    assert caught.value.where == "gzip"


@pytest.mark.parametrize("at", [-8, -1])
def test_a_wrong_trailer_is_corrupt(inflater: None, at: int) -> None:
    data = bytearray(gzip.compress(TEXT))
    data[at] ^= 1
    with pytest.raises(CorruptLayer):
        unfold(bytes(data))


def test_a_gzip_bomb_comes_in_bounded_pieces(inflater: None) -> None:
    bomb = zlib.compressobj(9, zlib.DEFLATED, 31)
    data = b"".join([bomb.compress(bytes(1 << 20)) for _ in range(100)]) + bomb.flush()
    sizes = [len(piece) for piece in Decompressor().run(iter([data]))]
    assert sum(sizes) == 100 << 20
    assert max(sizes) <= decompress.MAX_PIECE


def test_plain_and_empty() -> None:
    assert unfold(b"plain bytes", 1)[0] == b"plain bytes"
    assert unfold(b"")[0] == b""


class TestZstd:
    @pytest.fixture(autouse=True)
    def binding(self) -> None:
        self.zstd = pytest.importorskip("zstandard")

    @settings(max_examples=40, deadline=None)
    @given(
        st.lists(
            st.tuples(st.integers(0, 300000), st.booleans(), st.booleans(), st.booleans()), min_size=1, max_size=4
        ),
        st.sampled_from([1000, 4096, 1 << 20]),
    )
    def test_frames(self, frames: List[Tuple[int, bool, bool, bool]], step: int) -> None:
        data = expected = b""
        for size, checksum, sized, skippable in frames:
            if skippable:
                data += b"\x53\x2a\x4d\x18" + (5).to_bytes(4, "little") + b"skip!"
            body = (os.urandom(997) * (size // 997 + 1))[:size] if size % 2 else bytes(size)
            data += self.zstd.ZstdCompressor(write_checksum=checksum, write_content_size=sized).compress(body)
            expected += body
        body, decompressor = unfold(data, step)
        assert body == expected
        assert decompressor.kind == "zstd"

    def test_one_byte_at_a_time(self) -> None:
        assert unfold(self.zstd.compress(TEXT), 1)[0] == TEXT

    @pytest.mark.parametrize("cut", [5, 8, 20, -5, -1])
    def test_truncated(self, cut: int) -> None:
        data = self.zstd.ZstdCompressor(write_checksum=True).compress(os.urandom(3000))
        with pytest.raises(CorruptLayer) as caught:
            unfold(data[:cut])
        assert caught.value.where == "zstd"

    def test_a_wrong_checksum_and_a_foreign_tail(self) -> None:
        data = self.zstd.ZstdCompressor(write_checksum=True).compress(TEXT)
        with pytest.raises(CorruptLayer):
            unfold(data[:-1] + bytes([data[-1] ^ 1]))
        with pytest.raises(CorruptLayer, match="no frame begins"):
            unfold(data + b"garbage")

    def test_a_bomb_comes_in_bounded_pieces(self) -> None:
        data = self.zstd.compress(bytes(200 << 20))
        sizes = [len(piece) for piece in Decompressor().run(iter([data]))]
        assert sum(sizes) == 200 << 20
        assert max(sizes) <= 2 << 20


def test_without_a_binding_zstd_says_what_is_missing(monkeypatch: Any) -> None:
    monkeypatch.setitem(sys.modules, "zstandard", None)
    with pytest.raises(MissingBinding) as caught:
        unfold(b"\x28\xb5\x2f\xfd" + bytes(20))
    assert "zstandard" in caught.value.hint
