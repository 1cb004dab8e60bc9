"""Spans: only those of a file are fetched, and what they hold is checked."""

from __future__ import annotations

import io
import struct
from typing import List

import pytest

from layerslayer import limits
from layerslayer.errors import CorruptLayer, DigestMismatch
from layerslayer.layers.toc import ztoc_spans

from ...support import ztoc_writer as writer
from ...support.soci_layers import BODIES, HONEST, KINDS, LAYER, SECOND, TAR, Blob, changed, read


@pytest.mark.parametrize("kind", KINDS)
def test_spans_too_large_to_be_held_are_read_as_they_come(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ztoc_spans, "MAX_HELD", 20_000)
    body, write = KINDS[kind]
    for span in (1 << 14, 1 << 30):
        blob = Blob(body)
        toc = blob.ztoc(write(body, span))
        for name in (*BODIES, *reversed(list(BODIES))):
            assert read(toc, name, blob.range) == BODIES[name]
            assert len(toc._spans._held[1]) <= 20_000


def test_files_that_stand_together_cost_one_request() -> None:
    for body, write in KINDS.values():
        blob = Blob(body)
        toc = blob.ztoc(write(body, 1 << 16))
        for name in BODIES:
            assert read(toc, name, blob.range) == BODIES[name]
        fetched = sum(length for _, length in blob.asked)
        assert len(blob.asked) < len(BODIES) and fetched <= len(body) + 10  # a byte may be in two spans


def test_only_the_spans_of_a_file_are_fetched() -> None:
    for body, write in KINDS.values():
        blob = Blob(body)
        toc = blob.ztoc(write(body, 1 << 14))
        names = [entry.name for entry in toc.entries]
        list(toc.read_file(names.index("etc/passwd"), blob.range))
        list(toc.read_file(names.index("last"), blob.range))
        assert blob.asked[0][0] + blob.asked[0][1] < len(body) // 3
        assert blob.asked[1][0] > len(body) // 2


def test_spans_begin_inside_of_bytes() -> None:
    found = writer.checkpoints(LAYER, 1 << 12)
    assert len(found) > 8 and any(item.bits for item in found)  # which bits is zlib's choice; see test_inflate_at


def test_a_span_with_another_digest_gives_nothing() -> None:
    digests = [*HONEST["digests"][:1], "sha256:" + "0" * 64, *HONEST["digests"][2:]]
    blob = Blob(LAYER)
    toc = blob.ztoc(writer.ztoc(**dict(HONEST, digests=digests)))
    assert read(toc, "etc/passwd", blob.range) == BODIES["etc/passwd"]  # in a span of its own
    index = [entry.name for entry in toc.entries].index("words")
    pieces = toc.read_file(index, blob.range)
    got = b""
    with pytest.raises(DigestMismatch, match="a span of the layer"):
        for piece in pieces:
            got += piece
    assert BODIES["words"].startswith(got) and len(got) < len(BODIES["words"])


def test_a_layer_that_was_changed_on_its_way_is_told() -> None:
    toc = Blob(LAYER).ztoc(writer.ztoc(**HONEST))
    for at in range(20, len(LAYER), len(LAYER) // 23):
        blob = Blob(LAYER[:at] + bytes([LAYER[at] ^ 1]) + LAYER[at + 1 :])
        wrong = 0
        for name, body in BODIES.items():
            try:
                assert read(toc, name, blob.range) == body
            except DigestMismatch:
                wrong += 1
        assert wrong


def test_digests_of_other_algorithms_count_too() -> None:
    import hashlib

    found = writer.checkpoints(LAYER, 1 << 30)
    digests = ["sha512:" + hashlib.sha512(LAYER[found[0].place :]).hexdigest()]
    blob = Blob(LAYER)
    zinfo = writer.checkpoints_blob(found)
    toc = blob.ztoc(writer.ztoc(HONEST["files"], HONEST["sizes"], digests, zinfo))
    assert read(toc, "last", blob.range) == BODIES["last"]


def honest_digests(zinfo: bytes) -> List[str]:
    count = struct.unpack_from("<i", zinfo)[0]
    found = [writer.Checkpoint(*struct.unpack_from("<qqB", zinfo, 12 + 32785 * number), b"") for number in range(count)]
    return writer.span_digests(LAYER, found)


@pytest.mark.parametrize(
    "zinfo",
    [
        changed(SECOND + 16, "B", 1 + HONEST["zinfo"][SECOND + 16] % 7),  # another bit to begin at
        changed(SECOND, "q", struct.unpack_from("<q", HONEST["zinfo"], SECOND)[0] + 3),  # another byte
        changed(SECOND + 8, "q", struct.unpack_from("<q", HONEST["zinfo"], SECOND + 8)[0] + 9),  # another place
    ],
)
def test_checkpoints_that_are_no_boundaries_break_nothing(zinfo: bytes) -> None:
    blob = Blob(LAYER)
    toc = blob.ztoc(writer.ztoc(**dict(HONEST, zinfo=zinfo, digests=honest_digests(zinfo))))
    for name, body in BODIES.items():
        try:
            assert len(read(toc, name, blob.range)) == len(body)
        except CorruptLayer:
            pass


def test_spans_that_hold_less_than_said_are_told() -> None:
    files = [*HONEST["files"]]
    files[-1] = dict(files[-1], offset=len(TAR) + 512, size=10)
    blob = Blob(LAYER)
    toc = blob.ztoc(writer.ztoc(**dict(HONEST, files=files, sizes=(len(LAYER), len(TAR) + 9999))))
    with pytest.raises(CorruptLayer, match="less than it says"):
        read(toc, "caps", blob.range)


def test_a_file_beyond_a_plain_layer_is_told() -> None:
    files = writer.metadata(TAR)
    files[-1] = dict(files[-1], offset=len(TAR) + 512, size=10)
    honest = writer.plain_ztoc_of(TAR, 1 << 30)
    zinfo = writer.flatbuffer(
        writer.Table([writer.Number(2, "i"), writer.Number(1 << 30, "q"), writer.Number(len(TAR), "q")])
    )
    blob = Blob(TAR)
    assert read(blob.ztoc(honest), "caps", blob.range) == b"y"
    toc = blob.ztoc(writer.ztoc(files, (len(TAR), 2 * len(TAR)), [writer.digest(TAR)], zinfo, 2))
    with pytest.raises(CorruptLayer, match="less than it says"):
        read(toc, "caps", blob.range)


def test_a_blob_that_ends_early_is_told() -> None:
    toc = Blob(LAYER).ztoc(writer.ztoc(**HONEST))
    with pytest.raises(DigestMismatch):
        read(toc, "last", lambda start, length: io.BytesIO(LAYER[start : start + length - 5]))


def test_a_span_too_large_to_be_held_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ztoc_spans, "MAX_SPAN", 1000)
    blob = Blob(LAYER)
    with pytest.raises(CorruptLayer, match="larger than 1000"):
        read(blob.ztoc(writer.ztoc(**HONEST)), "words", blob.range)
    assert not blob.asked


def test_a_bomb_in_a_span_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "_FREE", 100_000)
    blob = Blob(LAYER, limits=limits.Limits(size=200_000))
    found = writer.checkpoints(LAYER, 1 << 30)
    zinfo = writer.checkpoints_blob(found)
    toc = blob.ztoc(writer.ztoc(HONEST["files"], HONEST["sizes"], writer.span_digests(LAYER, found), zinfo))
    for held in (ztoc_spans.MAX_HELD, 0):
        monkeypatch.setattr(ztoc_spans, "MAX_HELD", held)
        with pytest.raises(limits.LimitReached):
            read(toc, "last", blob.range)
